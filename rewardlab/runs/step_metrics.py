"""Whether rewards of tokens and steps know which steps are right."""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float

from rewardlab.core import masked
from rewardlab.core.types import Channels, Rollout

TRUTH = "step_correct"  # the signal [N, S] that says so


def step_metrics(rollout: Rollout, channels: Channels) -> dict[str, Float[Array, ""]]:
    """How well each channel of tokens or steps tells right steps from wrong ones.

    `rewards/<channel>/step_auc` is `auc` of the sum that is placed in a step, over all
    steps of the batch that somebody judged; `least_logp/step_auc` is that of the least
    log-prob in a row up to the step's end, which nobody has to learn. Nothing where no
    task says which steps are right.
    """
    if TRUTH not in rollout.signals:
        return {}
    truth = rollout.signals[TRUTH]
    there = _counts(rollout.mask, rollout, truth) & masked.speaks(rollout, TRUTH)
    own = jnp.where(rollout.mask, rollout.logp, 0)
    least = _at_steps(lax.cummin(own, axis=1), rollout.mask, rollout, truth, "min")
    found = {"least_logp/step_auc": auc(least, truth > 0, there)}
    for name, reward in channels.items():
        known = rollout.signals.get(name)
        if name == TRUTH or known is None or known.ndim == 1:
            continue
        total = _at_steps(reward.value, reward.placed, rollout, truth, "add")
        placed = there & _counts(reward.placed, rollout, truth)
        found[f"rewards/{name}/step_auc"] = auc(total, truth > 0, placed)
    return found


def auc(
    score: Float[Array, "..."], right: Bool[Array, "..."], there: Bool[Array, "..."]
) -> Float[Array, ""]:
    """The share of pairs of a right and a wrong entry whose right one scores higher;
    ties are half, NaN where there is no pair.

    scores (2, 1, 1) of which the first is right -> 1; (1, 1) -> 1/2
    """
    score, right, there = (x.reshape(-1) for x in (score, right, there))
    wrong = jnp.sort(jnp.where(there & ~right, score, jnp.inf))
    below = (jnp.searchsorted(wrong, score, side=side) for side in ("left", "right"))
    won = jnp.where(there & right, sum(below) / 2, 0)
    pairs = jnp.sum(there & right) * 1.0 * jnp.sum(there & ~right)
    return jnp.where(pairs > 0, jnp.sum(won) / jnp.where(pairs > 0, pairs, 1), jnp.nan)


def _at_steps(
    x: Float[Array, "N T"],
    where: Bool[Array, "N T"],
    rollout: Rollout,
    like: Float[Array, "N S"],
    how: str,
) -> Float[Array, "N S"]:
    """The sum or the least of what stands in each step; 0 in one without anything."""
    rows = jnp.arange(x.shape[0])[:, None]
    column = jnp.where(where, rollout.step, like.shape[1])  # beyond the last: dropped
    start = jnp.full(like.shape, jnp.inf if how == "min" else 0.0, x.dtype)
    found = getattr(start.at[rows, column], how)(x, mode="drop")
    return jnp.where(jnp.isfinite(found), found, 0)


def _counts(
    where: Bool[Array, "N T"], rollout: Rollout, like: Float[Array, "N S"]
) -> Bool[Array, "N S"]:
    """The steps in which something stands."""
    ones = jnp.ones(where.shape)
    return _at_steps(ones, where, rollout, like, "add") > 0
