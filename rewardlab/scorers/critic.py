"""A critic: what the policy's own hidden states say of the return to come."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from rewardlab.core import masked
from rewardlab.core.recursions import sum_to_go
from rewardlab.core.reward import Reward
from rewardlab.core.types import Rollout, Static, Sum
from rewardlab.scorers.passes import Maker
from rewardlab.scorers.protocol import Context, Fit, Scorer, Setting


def critic(width: Static[int] = 64, lr: float = 1e-3, warmup: Static[int] = 0) -> Maker:
    """value_t = w2 . gelu(W1 h_t + b1) + b2, fitted to the return from token t on.

    `h_t` is the policy's hidden state before token t, through which no gradient flows;
    the return is the sum of what the reward sentence places from t on, before any
    baseline. The loss is half the squared error, a mean over the tokens of rows that
    have a reward. For `warmup` iterations the critic learns and the policy does not.
    """

    def make(setting: Setting) -> Scorer:
        def init(context: Context, shapes: Rollout) -> dict[str, Array]:
            rows = shapes.signals["hidden"].shape[-1]
            w1 = rows**-0.5 * jax.random.normal(context.key, (rows, width))
            w2, b2 = jnp.zeros(width), jnp.zeros(())
            return {"w1": w1, "b1": jnp.zeros(width), "w2": w2, "b2": b2}

        def score(
            state: Any, context: Context, rollout: Rollout, batch: Any
        ) -> dict[str, Array]:
            return {"value": _value(state, rollout)}

        fit = Fit(_loss, lambda hp: optax.adam(lr), warmup=warmup)
        reads = ("hidden",)
        return Scorer("critic", {"value": "NT"}, reads, "shard", score, init, fit)

    return make


def _value(head: dict[str, Array], rollout: Rollout) -> Float[Array, "N T"]:
    inner = jax.nn.gelu(rollout.signal("hidden") @ head["w1"] + head["b1"])
    return jnp.where(rollout.mask, inner @ head["w2"] + head["b2"], 0)


def _loss(
    head: dict[str, Array],
    context: Context,
    rollout: Rollout,
    batch: Any,
    reward: Reward,
) -> tuple[Sum, dict[str, Sum]]:
    returns = sum_to_go(jnp.where(reward.placed, reward.value, 0))
    there = rollout.mask & reward.has_value[:, None]  # an abstained row teaches nothing
    error = jnp.where(there, _value(head, rollout) - returns, 0)
    squares = masked.sum_of(error**2, there)
    spread = masked.sum_of(jnp.where(there, returns, 0), there)
    return Sum(squares.value / 2, squares.count), {"mse": squares, "return": spread}
