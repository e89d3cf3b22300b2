"""The baselines of PURE's two released codes (arXiv 2504.15275).

The first two belong before `returns_to_go`, the last after it. Without another scored
row in its group, a row has nothing placed. PRIME (arXiv 2502.01456) uses the first.
"""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Float

from rewardlab.core import masked
from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import Reward, RewardTransform, Rollout, place

Baseline = Callable[[Reward, Rollout], Float[Array, "N _"]]


@named
def center_by_group_steps(leave_one_out: bool = True) -> RewardTransform:
    """r_k - b_i with b_i = mean over the other (or all) rows of their mean reward.

    Rows (1, 3) and (0) -> (1, 3) and (-2).
    """

    def baseline(reward: Reward, rollout: Rollout) -> Float[Array, "N 1"]:
        score = jnp.where(reward.placed, reward.value, jnp.inf)
        low = masked.group_min(jnp.min(score, axis=1), rollout)
        row = masked.row_mean(reward.value - low[:, None], reward.placed)
        rows = reward.has_value.astype(jnp.int32)
        over = masked.sum_over_other_rows if leave_one_out else masked.sum_over_group
        mean = masked.safe_divide(over(row, rollout), over(rows, rollout))
        return (low + mean)[:, None]

    return _minus(baseline)


@named
def center_by_group_tokens() -> RewardTransform:
    """r_k - b_i l_k, b_i = the other rows' total reward over their total tokens.

    l_k counts the True tokens of step k before its last, the separator.
    """

    def baseline(reward: Reward, rollout: Rollout) -> Float[Array, "N T"]:
        so_far = jnp.cumsum(rollout.mask, axis=1)
        first = jnp.take_along_axis(so_far, masked.step_starts(rollout), axis=1)
        tokens = jnp.where(reward.has_value, masked.count(rollout.mask), 0)
        others = masked.sum_over_other_rows(jnp.sum(reward.value, axis=1), rollout)
        rate = masked.safe_divide(others, masked.sum_over_other_rows(tokens, rollout))
        return rate[:, None] * (so_far - first)

    return _minus(baseline)


@named
def center_by_group_width() -> RewardTransform:
    """R_t - b_i with b_i = the other rows' total over (rows * T), T the padded width.

    It shrinks as padding grows; `center_by_group(leave_one_out=True)` was meant.
    """

    def baseline(reward: Reward, rollout: Rollout) -> Float[Array, "N 1"]:
        rows = reward.has_value.astype(jnp.int32)
        cells = masked.sum_over_other_rows(rows, rollout) * reward.value.shape[1]
        others = masked.sum_over_other_rows(jnp.sum(reward.value, axis=1), rollout)
        return masked.safe_divide(others, cells)[:, None]

    return _minus(baseline)


def _minus(baseline: Baseline) -> RewardTransform:
    def center(reward: Reward, rollout: Rollout) -> Reward:
        rows = reward.has_value.astype(jnp.int32)
        compared = masked.sum_over_other_rows(rows, rollout) > 0
        value = reward.value - baseline(reward, rollout)
        return place(value, reward.placed & compared[:, None])

    return per_channel(center)
