"""Sums and means under masks, steps and groups: the only divisions by a count.

Selection is by `where`, so NaN outside a mask never leaks; a count is guarded with
`maximum(n, 1)`, so an empty mean is 0.
"""

import functools
import itertools

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int, Shaped

from rewardlab.core import recursions
from rewardlab.core.counts import SLICES, slices
from rewardlab.core.counts import count as count
from rewardlab.core.types import Rollout, Sum


def safe_divide(total_: Float[Array, "..."], count: Int[Array, "..."]) -> Array:
    """total / count, and total (which is then 0) where the count is 0."""
    return total_ / jnp.maximum(count, 1)


def total(x: Float[Array, "N T"], mask: Bool[Array, "N T"]) -> Float[Array, " N"]:
    """The sum of each row over its True entries."""
    return jnp.sum(jnp.where(mask, x, 0), axis=-1)


def row_mean(x: Float[Array, "N T"], mask: Bool[Array, "N T"]) -> Float[Array, " N"]:
    """The mean of each row over its True entries; an empty row gives 0."""
    return safe_divide(total(x, mask), count(mask))


def sum_of(x: Float[Array, "..."], mask: Bool[Array, "..."]) -> Sum:
    """The True entries of `x` as a `Sum`."""
    value = jnp.sum(jnp.where(mask, x, 0))
    return Sum(value, _size(mask).astype(value.dtype))


def _size(mask: Bool[Array, "..."]) -> Int[Array, ""]:
    return jnp.sum(count(mask))


def mean(x: Float[Array, "..."], mask: Bool[Array, "..."]) -> Float[Array, ""]:
    """The mean over the True entries; 0 if there are none."""
    return sum_of(x, mask).mean()


def variance(
    x: Float[Array, "..."], mask: Bool[Array, "..."], ddof: int = 0
) -> Float[Array, ""]:
    """Squared distance to the mean over (count - ddof); 0 if count <= ddof.

    Distances are taken to the smallest entry first: equal entries give exactly 0.
    """
    distance = x - smallest(x, mask)
    squares = jnp.where(mask, (distance - mean(distance, mask)) ** 2, 0)
    return safe_divide(jnp.sum(squares), _size(mask) - ddof)


def smallest(x: Float[Array, "..."], mask: Bool[Array, "..."]) -> Float[Array, ""]:
    """The smallest True entry; 0 if there are none."""
    found = jnp.min(x, where=mask, initial=jnp.inf)
    return jnp.where(_size(mask) > 0, found, 0)


def last(mask: Bool[Array, "N T"]) -> Bool[Array, "N T"]:
    """True on the last True token of each row; an empty row has none."""
    return mask & (jnp.arange(mask.shape[-1])[None] == _last_place(mask)[:, None])


def _last_place(mask: Bool[Array, "N T"]) -> Int[Array, " N"]:
    """The position of the last True entry of each row, or -1; sliced as in `count`."""
    place = jnp.arange(mask.shape[-1])[None]
    if mask.shape[-1] < SLICES:
        return jnp.max(jnp.where(mask, place, -1), axis=-1, initial=-1)
    whole, rest = slices(mask)
    number, width = jnp.arange(SLICES)[None, :, None], whole.shape[-1]
    latest = jnp.max(jnp.where(whole, number, -1), axis=-2)
    places = jnp.where(latest < 0, -1, latest * width + place[:, :width])
    over = jnp.where(rest, place[:, SLICES * width :], -1)
    return jnp.max(jnp.concatenate([places, over], axis=-1), axis=-1)


def up_to_last(mask: Bool[Array, "N T"]) -> Bool[Array, "N T"]:
    """True up to and with the last True token of each row."""
    return jnp.cumsum(mask[..., ::-1], axis=-1)[..., ::-1] > 0


def step_ends(rollout: Rollout) -> Bool[Array, "N T"]:
    """True on the last True token of each step.

    Steps are runs of equal `rollout.step`; a step without a True token has no end.
    """
    reversed_ = (rollout.mask[:, ::-1], rollout.step[:, ::-1])
    return _run_starts(*reversed_)[:, ::-1]


def step_starts(rollout: Rollout) -> Int[Array, "N T"]:
    """For each True token, the position of the first True token of its step."""
    start = _run_starts(rollout.mask, rollout.step)
    position = jnp.arange(rollout.mask.shape[1])[None]
    return lax.cummax(jnp.where(start, position, 0), axis=1)


def step_total(x: Float[Array, "N T"], rollout: Rollout) -> Float[Array, "N T"]:
    """The sum of x over a step's True tokens, on each of them; x is 0 elsewhere."""
    goes_on = jnp.where(step_ends(rollout), 0.0, 1.0)
    to_end = recursions.accumulate(x, goes_on)
    return jnp.take_along_axis(to_end, step_starts(rollout), axis=1)


def _run_starts(
    mask: Bool[Array, "N T"], step: Int[Array, "N T"]
) -> Bool[Array, "N T"]:
    width = mask.shape[1]
    position = jnp.where(mask, jnp.arange(width)[None], -1)
    before = lax.cummax(position, axis=1)
    before = jnp.pad(before, ((0, 0), (1, 0)), constant_values=-1)[:, :width]
    step_before = jnp.take_along_axis(step, jnp.maximum(before, 0), axis=1)
    return mask & ((before < 0) | (step_before != step))


def dense_ids_of_each(*keys: Int[Array, "..."]) -> tuple[Int[Array, "..."], ...]:
    """For each key, ids 0 .. size - 1: equal where it and all keys before it are
    equal."""
    flat = [key.reshape(-1) for key in keys]
    order = jnp.lexsort(flat[::-1])
    moves = [jnp.diff(key[order]) != 0 for key in flat]
    new = itertools.accumulate(moves, jnp.logical_or)
    numbers = [jnp.pad(jnp.cumsum(n), (1, 0)).astype(jnp.int32) for n in new]
    empty = jnp.zeros(flat[0].shape, jnp.int32)
    return tuple(empty.at[order].set(n).reshape(keys[0].shape) for n in numbers)


def dense_ids(*keys: Int[Array, "..."]) -> Int[Array, "..."]:
    """An id 0 .. size - 1 for each entry: equal where all keys are equal."""
    return dense_ids_of_each(*keys)[-1]


def set_sum(x: Float[Array, "..."], ids: Int[Array, "..."], size: int) -> Array:
    """The sum over each entry's set; `ids` are 0 .. size - 1."""
    return jax.ops.segment_sum(x.reshape(-1), ids.reshape(-1), size)[ids]


def set_min(x: Float[Array, "..."], ids: Int[Array, "..."], size: int) -> Array:
    """The minimum over each entry's set; 0 where that is not finite."""
    low = jax.ops.segment_min(x.reshape(-1), ids.reshape(-1), size)
    return jnp.where(jnp.isfinite(low), low, 0)[ids]


def group_sum(x: Float[Array, "N *T"], rollout: Rollout) -> Float[Array, "B *T"]:
    """The sum over the rows of each prompt."""
    return jax.ops.segment_sum(x, rollout.group, rollout.prompts.shape[0])


def group_min(x: Float[Array, "N *T"], rollout: Rollout) -> Float[Array, "N *T"]:
    """The minimum over the rows of each row's group; 0 where that is not finite."""
    low = jax.ops.segment_min(x, rollout.group, rollout.prompts.shape[0])
    return jnp.where(jnp.isfinite(low), low, 0)[rollout.group]


def sum_over_group(x: Float[Array, "N *T"], rollout: Rollout) -> Float[Array, "N *T"]:
    """The sum over the rows of each row's group, one number a row."""
    return group_sum(x, rollout)[rollout.group]


def speaks(rollout: Rollout, name: str) -> Bool[Array, "N ..."]:
    """Where a signal says something: `name_valid`, or everywhere without one."""
    valid = rollout.signals.get(f"{name}_valid")
    return jnp.ones(rollout.signals[name].shape, bool) if valid is None else valid


def heard(rollout: Rollout, name: str) -> tuple[Float[Array, " N"], Bool[Array, " N"]]:
    """The signal [N] and the rows that have it: those with a True token that did not
    abstain."""
    value = rollout.signal(name)
    return value, speaks(rollout, name) & jnp.any(rollout.mask, axis=1)


def by_prompt(x: Array, rollout: Rollout) -> Array:
    """[N, ...] as [B, N / B, ...]: rows lie prompt by prompt."""
    prompts = rollout.prompts.shape[0]
    return x.reshape(prompts, x.shape[0] // prompts, *x.shape[1:])


def sampled(rollout: Rollout) -> Bool[Array, " N"]:
    """Rows that had a True token when they were sampled, before `select` dropped
    any."""
    return rollout.signals.get("sampled", jnp.any(rollout.mask, axis=1))


def replayed(rollout: Rollout) -> Bool[Array, " N"]:
    """Rows of the past: those that were `born` in an earlier iteration."""
    if "born" not in rollout.signals:
        return jnp.zeros(rollout.mask.shape[0], bool)
    return rollout.signals["born"] < rollout.iteration


def guided(rollout: Rollout) -> Bool[Array, " N"]:
    """Rows that were sampled with a hint (`hinted`) or that an `expert` wrote."""
    nobody = jnp.zeros(rollout.mask.shape[0], bool)
    marks = (rollout.signals.get(mark, nobody) for mark in ("hinted", "expert"))
    return functools.reduce(jnp.logical_or, marks)


def borrowed(rollout: Rollout) -> Bool[Array, " N"]:
    """Rows that this policy did not sample from this prompt: their `logp` is that of
    who did."""
    return replayed(rollout) | guided(rollout)


def group_size(rollout: Rollout) -> Int[Array, " N"]:
    """How many rows each row's group has."""
    return sum_over_group(jnp.ones(rollout.group.shape, jnp.int32), rollout)


def sum_over_other_rows(
    x: Float[Array, "N *T"], rollout: Rollout
) -> Float[Array, "N *T"]:
    """The sum over the other rows of each row's group, one number a row."""
    return sum_over_group(x, rollout) - x


def max_of_other_rows(x: Shaped[Array, " N"], rollout: Rollout) -> Array:
    """The maximum over the other rows of each row's group.

    Without other rows: -inf for floats, the type's minimum for integers.
    """
    groups = rollout.prompts.shape[0]
    lowest = -jnp.inf if jnp.issubdtype(x.dtype, jnp.floating) else -(2**31)
    largest = jax.ops.segment_max(x, rollout.group, groups)[rollout.group]
    is_largest = x == largest
    ties = sum_over_group(is_largest.astype(jnp.int32), rollout)
    stands_out = is_largest & (ties == 1)
    rest = jnp.where(stands_out, jnp.asarray(lowest, x.dtype), x)
    second = jax.ops.segment_max(rest, rollout.group, groups)[rollout.group]
    return jnp.where(stands_out, second, largest)
