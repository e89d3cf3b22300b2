"""Critics: what the policy's own hidden states say of the return to come."""

from typing import Any

import jax.numpy as jnp
import optax
from jaxtyping import Array

from rewardlab.core.types import Rollout, Static
from rewardlab.scorers import heads
from rewardlab.scorers.passes import Maker
from rewardlab.scorers.protocol import Context, Fit, Scorer, Setting
from rewardlab.scorers.values import (
    STEPS,
    TOKENS,
    Goal,
    Number,
    Tokens,
    Unit,
    explained,
    fitted_to,
)


def critic(
    discount: float = 1.0,
    decay: float = 1.0,
    epsilon: float | None = 0.5,
    width: Static[int] = 64,
    lr: float = 1e-3,
    warmup: Static[int] = 0,
) -> Maker:
    """value_t = w2 . gelu(W1 x_t + b1) + b2, what the return from token t on will be.

    x_t is the policy's hidden state before token t, through which no gradient flows,
    and the log-probs of the tokens before it (`heads.surprise`). The goal is
    G_t = r_t + discount ((1 - decay) v_{t+1} + decay G_{t+1}), with v as it was when
    the advantages were made; with decay = 1 it is the plain return, and with 0 beside a
    discount of 0 the reward itself. r is what reaches the word that reads `value`. The
    loss is `value_loss`, a mean over the tokens of rows that have a reward: PPO's, with
    `epsilon` = None not clipped. It learns as often as the policy does (`updates`), and
    for `warmup` iterations without it.

    critic(): one token left, of reward 1 -> 1 is the goal, 0 the value at first.
    critic(width=0) is linear.
    """

    def learn(setting: Setting) -> Scorer:
        goal = Goal(discount, decay, epsilon)
        return on_states("critic", TOKENS, goal, (width, lr, warmup), setting)

    return learn


def step_critic(
    discount: float = 1.0,
    decay: float = 1.0,
    epsilon: float | None = 0.5,
    width: Static[int] = 64,
    lr: float = 1e-3,
    warmup: Static[int] = 0,
) -> Maker:
    """`step_value` [N, S]: as `critic`, with a step (turn, action) as the unit of time.

    The value of a step is that of the state before its first token, and what it is paid
    the sum of the rewards inside it. (VLA-RL, arXiv 2505.18719)
    """

    def learn(setting: Setting) -> Scorer:
        goal = Goal(discount, decay, epsilon)
        return on_states("step_critic", STEPS, goal, (width, lr, warmup), setting)

    return learn


def on_states(
    name: str,
    unit: Unit,
    goal: Goal,
    sizes: tuple[int, Number, int],
    setting: Setting,
) -> Scorer:
    """A critic that is a head on the policy's states: of `width`, `lr` and `warmup`."""
    width, lr, warmup = sizes

    def init(context: Context, shapes: Rollout) -> heads.Head:
        inputs = shapes.signals["hidden"].shape[-1] + heads.SURPRISE
        return heads.begin(context.key, inputs, width)

    def value(head: heads.Head, context: Context, rollout: Rollout) -> Tokens:
        known = heads.surprise(rollout, before=True)
        return heads.read(head, rollout.signal("hidden"), known)[..., 0]

    def score(
        state: Any, context: Context, rollout: Rollout, batch: Any
    ) -> dict[str, Array]:
        found = jnp.where(unit.where(rollout), value(state, context, rollout), 0)
        return {unit.signal: unit.written(found, rollout)}

    loss = fitted_to(goal, unit, value)
    once = setting.updates
    fit = Fit(loss, lambda hp: optax.adam(lr), "after", warmup, once, explained)
    return Scorer(
        name, {unit.signal: unit.shape}, ("hidden",), "shard", score, init, fit
    )
