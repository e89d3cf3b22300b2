"""Critics: what states, the policy's own or another model's, say of the return."""

from typing import Any

from rewardlab.core.types import Rollout, Static
from rewardlab.scorers import heads
from rewardlab.scorers.beside import own_model
from rewardlab.scorers.passes import Maker
from rewardlab.scorers.protocol import Context, Scorer, Setting
from rewardlab.scorers.values import (
    STEPS,
    TOKENS,
    Goal,
    Learning,
    Number,
    Tokens,
    Unit,
    valued,
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

    learning = Learning(lr, warmup, setting.updates)
    made = valued(name, unit, goal, learning, value)
    return made._replace(reads=("hidden",), init=init)


def value_model(
    start: str = "policy",
    discount: float = 1.0,
    decay: float = 1.0,
    epsilon: float | None = 0.5,
    lr: float = 4e-4,
    warmup: Static[int] = 0,
) -> Maker:
    """`value` [N, T]: as `critic`, by a language model of its own with a linear head.

    It begins as the policy (`start`), "fresh" or as another role, and all of it learns:
    a pass to score and three to learn, as the policy's. The usual rate is twice that of
    the quick start's policy, as in VAPO. (arXiv 2504.05118)

    value_model(warmup=20)
    """

    def learn(setting: Setting) -> Scorer:
        own = own_model(setting, start)

        def init(context: Context, shapes: Rollout) -> dict[str, Any]:
            inputs = own.model.config.width + heads.SURPRISE
            head = heads.begin(context.key, inputs, 0)
            return {"model": own.init(context, shapes), "head": head}

        def value(state: Any, context: Context, rollout: Rollout) -> Tokens:
            params = own.whole(state["model"], context)
            known = heads.surprise(rollout, before=True)
            hidden = own.model.states(params, rollout)
            return heads.read(state["head"], hidden, known)[..., 0]

        goal = Goal(discount, decay, epsilon)
        learning = Learning(lr, warmup, setting.updates)
        made = valued("value_model", TOKENS, goal, learning, value)
        return made._replace(init=init, roles=own.roles)

    return learn
