"""A flow over hidden states: how unlike those of right answers a token's are."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import lax
from jaxtyping import Array, Float

from rewardlab.core import masked
from rewardlab.core.reward import Reward
from rewardlab.core.types import Rollout, Static, Sum
from rewardlab.models.model import Model
from rewardlab.reward_models import flow as flows
from rewardlab.scorers.passes import Maker
from rewardlab.scorers.protocol import Context, Fit, Scorer, Setting

DEPTHS = (0.25, 0.5, 0.75)  # of the layers whose states are read
SHIFTS = {"next": 1, "same": 0, "previous": -1}


def flow(
    width: Static[int] = 128,
    blocks: Static[int] = 2,
    lr: float = 1e-3,
    draws: Static[int] = 4,
    condition: Static[str] = "next",
    warmup: Static[int] = 0,
) -> Maker:
    """flow_t = 4 mean_D (v(x_t, c_t) - (h_t - noise))^2, x_t = 0.8 h_t + 0.2 noise.

    The mean over layers at 25, 50 and 75 % of the depth of how badly a network v tells
    the velocity at a token's state h_t, which is brought to a mean square of 1; c_t is
    the state of the `next` token (0 after the last), the `previous`, or the `same`. All
    rows have one noise, so they can be compared. v is fitted to states of the frozen
    start of training at the tokens of rows with `correct` above 1/2, with `draws`
    noises and times sigmoid(normal) each; for `warmup` iterations it learns and the
    policy does not. (RLFR, arXiv 2510.10201: the method `rlfr`)

    flow(): v = 0, h = 0 and noise of length sqrt(D) -> 4
    """
    shift = _shift(condition)

    def make(setting: Setting) -> Scorer:
        model = setting.models["policy"]

        def init(context: Context, shapes: Rollout) -> flows.Net:
            return _begun(model, context, shapes, width, blocks)

        def score(
            state: flows.Net, context: Context, rollout: Rollout, batch: Any
        ) -> dict[str, Array]:
            hidden, told = _states(model, context.params["policy"], rollout, shift)
            noise = jax.random.normal(context.key, hidden.shape[1:])
            field = functools.partial(flows.velocity, state)
            found = flows.velocity_score(field, hidden, told, noise)
            return {"flow": jnp.where(rollout.mask, jnp.mean(found, axis=-1), 0)}

        def loss(
            net: flows.Net,
            context: Context,
            rollout: Rollout,
            batch: Any,
            reward: Reward | None,
        ) -> tuple[Sum, dict[str, Sum]]:
            hidden, told = _states(model, context.params["reference"], rollout, shift)
            field = functools.partial(flows.velocity, net)
            error = _error(field, hidden, told, _keys(context.key, rollout), draws)
            right = rollout.mask & _right(rollout)[:, None]
            return masked.sum_of(error, right), _report(rollout, right)

        fit = Fit(loss, lambda hp: optax.adamw(lr, weight_decay=0.01), warmup=warmup)
        said, roles = ({"flow": "NT"}, ("correct",)), ("reference",)
        return Scorer("flow", *said, "shard", score, init, fit, roles=roles)

    return make


def _shift(condition: str) -> int:
    """How many tokens on the condition lies."""
    if condition not in SHIFTS:
        known = ", ".join(SHIFTS)
        raise ValueError(f"flow: condition={condition!r} must be one of {known}")
    return SHIFTS[condition]


def _begun(
    model: Model, context: Context, shapes: Rollout, width: int, blocks: int
) -> flows.Net:
    states = jax.eval_shape(
        lambda params, rows: model.inner(params, rows, DEPTHS),
        context.params["policy"],
        shapes,
    )
    layers, size = states.shape[2:]
    return flows.begin(context.key, size, width, blocks, layers)


def _states(
    model: Model, params: Any, rollout: Rollout, shift: int
) -> tuple[Float[Array, "N T K D"], Float[Array, "N T K D"]]:
    """States of mean square 1, and what they are conditioned on."""
    hidden = lax.stop_gradient(model.inner(params, rollout, DEPTHS))
    power = jnp.mean(hidden**2, axis=-1, keepdims=True)
    hidden = hidden * lax.rsqrt(power + 1e-6)
    hidden = jnp.where(rollout.valid[..., None, None], hidden, 0)
    ends = ((0, 0), (max(-shift, 0), max(shift, 0)), (0, 0), (0, 0))
    width = hidden.shape[1]
    told = jnp.pad(hidden, ends)[:, max(shift, 0) : max(shift, 0) + width]
    return hidden, told


def _keys(key: Array, rollout: Rollout) -> Array:
    """A key a row that follows from its tokens: no cut and no order changes it."""
    count = rollout.tokens.shape[1]
    powers = jnp.cumprod(jnp.full(count, 2654435761, jnp.uint32))
    words = rollout.tokens.astype(jnp.uint32) + 1
    named = jnp.sum(jnp.where(rollout.valid, words * powers, 0), axis=1)
    return jax.vmap(functools.partial(jax.random.fold_in, key))(named)


def _error(
    field: flows.Field, hidden: Array, told: Array, keys: Array, draws: int
) -> Float[Array, "N T"]:
    """The mean error of each token over layers and draws, one draw at a time."""

    def of_draw(number: Array) -> Array:
        def drawn(key: Array) -> tuple[Array, Array]:
            one, other = jax.random.split(jax.random.fold_in(key, number))
            shape = hidden.shape[1:]
            time = jax.nn.sigmoid(jax.random.normal(one, (*shape[:-1], 1)))
            return time, jax.random.normal(other, shape)

        time, noise = jax.vmap(drawn)(keys)
        error = flows.velocity_error(field, hidden, told, noise, time)
        return jnp.mean(error, axis=-1)

    return jnp.mean(lax.map(of_draw, jnp.arange(draws)), axis=0)


def _right(rollout: Rollout) -> Array:
    """Rows that are right, and known to be."""
    return (rollout.signal("correct") > 0.5) & masked.speaks(rollout, "correct")


def _report(rollout: Rollout, right: Array) -> dict[str, Sum]:
    """The mean score of tokens of right rows, of others, and the share of the right."""
    score, mask = rollout.signal("flow"), rollout.mask
    share = masked.sum_of(right.astype(score.dtype), mask)
    named = {"right": masked.sum_of(score, right)}
    return {**named, "others": masked.sum_of(score, mask & ~right), "taught": share}
