"""Two estimates of what a turn is worth, and two of the state before it."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float

from rewardlab.core import recursions
from rewardlab.core.masked import sum_of
from rewardlab.core.reward import Reward
from rewardlab.core.types import Rollout, Static, Sum
from rewardlab.objectives.updates import Updates
from rewardlab.reward_models import double_q
from rewardlab.scorers import heads
from rewardlab.scorers.passes import Maker
from rewardlab.scorers.protocol import Context, Fit, Scorer, Setting
from rewardlab.scorers.steps import at_starts, exists, of_steps
from rewardlab.scorers.values import of_step

Both = Float[Array, "2 N S"]
Nets = dict[str, heads.Head]  # of Q and of V, with the two estimates first


class Turns(NamedTuple):
    """What the heads read of each turn: the state before it, and with it."""

    before: Float[Array, "N S D"]
    after: Float[Array, "N S E"]
    there: Bool[Array, "N S"]


def double_critic(
    discount: float = 0.9,
    tau: float = 0.1,
    width: Static[int] = 64,
    lr: float = 1e-3,
    epochs: Static[int] = 3,
    warmup: Static[int] = 0,
) -> Maker:
    """`turn_advantage` [N, S] = min(Q_1, Q_2) - min(V_1, V_2) of each turn.

    Q_i reads the policy's state that has read the turn, V_i that before its first
    token, with log-probs beside them, as `critic` does; no gradient flows into the
    policy. Over the turns of rows that have a reward

        sum_i (Q_i - r_k - discount V'_i(next state))^2 + (V_i - Q'_i)^2

    is made small. Q' and V' are slow copies, which move by `tau` after each of the
    `epochs` steps that it makes of a rollout; after a row's last turn V' is 0. r_k is
    the turn's part of what the sentence makes before baselines and credit. V learns
    from the turns that were taken, which the policy drew. For `warmup` iterations it
    learns and the policy does not. (ArCHer, arXiv 2402.19446: the method `archer`)

    double_critic(): a last turn of reward 1 -> Q is fitted to 1, before it to 0.9 V'
    """

    def make(setting: Setting) -> Scorer:
        def init(context: Context, shapes: Rollout) -> dict[str, Nets]:
            made = _nets(context.key, jax.eval_shape(_read, shapes), width)
            return {"now": made, "target": jax.tree.map(jnp.copy, made)}

        def score(
            state: Any, context: Context, rollout: Rollout, batch: Any
        ) -> dict[str, Array]:
            turns = _read(rollout)
            found = double_q.least_advantage(*_say(state["now"], turns))
            return {"turn_advantage": jnp.where(turns.there, found, 0)}

        def loss(
            trained: Any, context: Context, rollout: Rollout, batch: Any, reward: Reward
        ) -> tuple[Sum, dict[str, Sum]]:
            return _fitted(trained, rollout, reward, discount)

        adam = lambda hp: double_q.following(optax.adam(lr), tau)  # noqa: E731
        fit = Fit(loss, adam, warmup=warmup, updates=Updates(epochs=epochs))
        provides, reads = {"turn_advantage": "NS"}, ("hidden", "hidden_after")
        return Scorer("double_critic", provides, reads, "shard", score, init, fit)

    return make


def _fitted(
    trained: dict[str, Nets], rollout: Rollout, reward: Reward, discount: Any
) -> tuple[Sum, dict[str, Sum]]:
    """The squared errors of all four, and how large they are."""
    turns = _read(rollout)
    there = turns.there & reward.has_value[:, None]
    inside = of_step(jnp.where(reward.placed, reward.value, 0), rollout)
    paid = at_starts(inside[..., None], rollout)[..., 0]
    (q, v), (slow_q, slow_v) = (_say(trained[k], turns) for k in ("now", "target"))
    ahead = _next(slow_v, turns.there)
    goal = double_q.td_goal(paid, ahead, discount)
    errors = double_q.squared_error(q, goal), double_q.squared_error(v, slow_q)
    numbers = {
        "q_error": errors[0] / 2,
        "v_error": errors[1] / 2,
        "q": jnp.mean(q, axis=0),
        "v": jnp.mean(v, axis=0),
        "apart": jnp.abs(q[0] - q[1]),
    }
    told = {name: sum_of(x, there) for name, x in numbers.items()}
    return sum_of(errors[0] + errors[1], there), told


def _next(value: Both, there: Bool[Array, "N S"]) -> Both:
    """The value of the next turn that there is, 0 after the last."""
    keep = jnp.where(there, 0.0, 1.0)
    after = lambda x: recursions.accumulate_after(jnp.where(there, x, 0), keep)  # noqa: E731
    return jnp.stack([after(x) for x in value])


def _read(rollout: Rollout) -> Turns:
    """The states before and after each turn, with what was unlikely so far."""
    known = heads.surprise(rollout, before=True)
    before = jnp.concatenate([rollout.signal("hidden"), known], axis=-1)
    after = of_steps(rollout.signal("hidden_after"), rollout)
    read = at_starts(before, rollout), after
    return Turns(*jax.lax.stop_gradient(read), exists(rollout))


def _nets(key: Array, shapes: Turns, width: int) -> Nets:
    """Two heads for Q and two for V, which say 0 and have first layers of their own."""
    sizes = {"q": shapes.after.shape[-1], "v": shapes.before.shape[-1]}
    keys = jax.random.split(key, (2, 2))
    begin = jax.vmap(heads.begin, (0, None, None))
    return {n: begin(k, sizes[n], width) for n, k in zip(sizes, keys, strict=True)}


def _say(nets: Nets, turns: Turns) -> tuple[Both, Both]:
    """Q and V of every turn."""
    say = jax.vmap(heads.read, (0, None))
    return say(nets["q"], turns.after)[..., 0], say(nets["v"], turns.before)[..., 0]
