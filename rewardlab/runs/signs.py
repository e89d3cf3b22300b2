"""What alarms read and no other metric has: cut answers, repetition, idle limits.

Each is a `Sum` or a scalar of the batch, made on the device beside the other metrics.
"""

from collections.abc import Sequence

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rewardlab.core import masked
from rewardlab.core.types import Channels, Rollout, Sum

GRAM = 4  # tokens that must stand in a row twice to be a repetition


def sign_metrics(
    rollout: Rollout,
    ended: Bool[Array, " N"],
    words: Sequence[str],
    stages: Sequence[Channels],
) -> dict[str, Sum | Float[Array, ""]]:
    """Of a rollout and the channels after each of the `words` of its sentence.

    `completions/clipped_of_wrong`: of the wrong rows, those that a limit cut.
    `completions/repeated`: of all runs of 4 tokens, those that stood in the row before.
    `saturation/WORD/CHANNEL`: of the rewards that a word `clip...` leaves, the share
    that is equal to the greatest or the least of them, whichever is more; 0 where no
    two are, since any rewards have a greatest.
    `share_of_spread/CHANNEL`: Cov(w c, sum) / Var(sum) of what `weighted_sum` adds.
    """
    found: dict[str, Sum | Float[Array, ""]] = {"completions/repeated": _again(rollout)}
    if "correct" in rollout.signals:
        wrong = (rollout.signal("correct") <= 0) & masked.speaks(rollout, "correct")
        cut = (~ended).astype(jnp.float32)
        found["completions/clipped_of_wrong"] = masked.sum_of(cut, wrong)
    before: Channels = {}
    for word, after in zip(words, stages, strict=True):
        name, _, _ = word.partition("(")
        if name.startswith("clip"):
            for channel in before.keys() & after.keys():
                if after[channel] is not before[channel]:
                    share = _at_an_end(after[channel].value, after[channel].placed)
                    found[f"saturation/{name}/{channel}"] = share
        if name == "weighted_sum" and len(before) > 1 and len(after) == 1:
            found |= _shares(before, next(iter(after.values())).total)
        before = after
    return found


def _again(rollout: Rollout) -> Sum:
    tokens, there = rollout.tokens.astype(jnp.uint32), rollout.mask
    width = tokens.shape[1] - GRAM + 1
    if width < 1:
        return masked.sum_of(jnp.zeros(tokens.shape), jnp.zeros(tokens.shape, bool))
    number = jnp.zeros((tokens.shape[0], width), jnp.uint32)
    whole = jnp.ones(number.shape, bool)
    for k in range(GRAM):
        number = number * jnp.uint32(1000003) + tokens[:, k : k + width]
        whole &= there[:, k : k + width]
    # What is no run of 4 comes last, and each in its own right.
    order = jnp.lexsort((number, ~whole), axis=-1)
    number = jnp.take_along_axis(number, order, axis=1)
    whole = jnp.take_along_axis(whole, order, axis=1)
    same = (number[:, 1:] == number[:, :-1]) & whole[:, 1:]
    again = jnp.pad(same, ((0, 0), (1, 0))).astype(jnp.float32)
    return masked.sum_of(again, whole)


def _at_an_end(
    value: Float[Array, "N T"], placed: Bool[Array, "N T"]
) -> Float[Array, ""]:
    high = jnp.max(jnp.where(placed, value, -jnp.inf))
    low = jnp.min(jnp.where(placed, value, jnp.inf))
    at = [placed & (value == end) for end in (low, high)]
    several = [jnp.where(jnp.sum(x) > 1, x, False).astype(jnp.float32) for x in at]
    ends = [masked.mean(x, placed) for x in several]
    return jnp.where(jnp.any(placed), jnp.maximum(*ends), jnp.nan)


def _shares(before: Channels, whole: Float[Array, " N"]) -> dict[str, Array]:
    """The weights are those by which the channels' rows add up to the whole's."""
    names = sorted(before)
    totals = jnp.stack([before[name].total for name in names], axis=1)
    totals, whole = totals - totals.mean(axis=0), whole - whole.mean()
    weights, *_ = jnp.linalg.lstsq(totals, whole)
    spread = jnp.sum(whole**2)
    shares = weights * (totals.T @ whole) / jnp.where(spread > 0, spread, jnp.nan)
    return {f"share_of_spread/{name}": x for name, x in zip(names, shares, strict=True)}
