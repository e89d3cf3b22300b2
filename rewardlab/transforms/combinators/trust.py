"""Down-weight a second reward where it disagrees with the first."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rewardlab.core import masked
from rewardlab.core.compose import find, named, stateless
from rewardlab.core.types import (
    Channels,
    Coefficient,
    Reward,
    RewardTransform,
    Rollout,
    coefficient,
)


@named
def trust(name: str, by: str, threshold: Coefficient = 0.5) -> RewardTransform:
    """r_c exp(min(mean r_c of right rows - mean r_c of wrong rows, 0)), within a group.

    A right row with r_c = 0.2 and a wrong one with 0.7 -> both times exp(-0.5).

    A row is right if its total of channel `by` is at least `threshold`. Without right
    or without wrong rows the weight is 1. Trust-GRPO of SophiaVL-R1, arXiv 2505.17018.
    """

    def weigh(rewards: Channels, rollout: Rollout) -> Channels:
        judged, outcome = find(rewards, name), find(rewards, by)
        right = outcome.total >= coefficient(threshold, rollout)
        both = judged.has_value & outcome.has_value
        gap, compared = _gap(judged, both & right, both & ~right, rollout)
        weight = jnp.where(compared, jnp.exp(jnp.minimum(gap, 0)), 1)
        return {**rewards, name: judged.map(jnp.multiply, weight)}

    return stateless(weigh)


def _gap(
    judged: Reward, right: Bool[Array, " N"], wrong: Bool[Array, " N"], rollout: Rollout
) -> tuple[Float[Array, " N"], Bool[Array, " N"]]:
    total = judged.total
    means, counts = [], []
    for rows in (right, wrong):
        counts.append(masked.sum_over_group(rows.astype(jnp.int32), rollout))
        sums = masked.sum_over_group(jnp.where(rows, total, 0), rollout)
        means.append(masked.safe_divide(sums, counts[-1]))
    return means[0] - means[1], (counts[0] > 0) & (counts[1] > 0)


@named
def zero_if_group_unanimous(
    name: str, by: str, low: Coefficient = 0.1, high: Coefficient = 0.9
) -> RewardTransform:
    """r_c, but 0 in groups whose totals of channel `by` are all <= low or all >= high.

    A group with `by` = 0, 0 -> 0, 0; one with `by` = 1, 0 -> unchanged.

    Where outcomes agree, channel `name` would decide alone; this prevents it. (the code
    of SophiaVL-R1, arXiv 2505.17018)
    """

    def close(rewards: Channels, rollout: Rollout) -> Channels:
        paid, outcome = find(rewards, name), find(rewards, by)
        total, there = outcome.total, outcome.has_value
        count = lambda rows: masked.sum_over_group(rows.astype(jnp.int32), rollout)  # noqa: E731
        bad = count(there & (total > coefficient(low, rollout))) == 0
        good = count(there & (total < coefficient(high, rollout))) == 0
        close_ = lambda r, closed: jnp.where(closed, 0, r)  # noqa: E731
        return {**rewards, name: paid.map(close_, bad | good)}

    return stateless(close)
