"""Only the best row of a group gets credit."""

import jax.numpy as jnp

from rewardlab.core import masked
from rewardlab.core.compose import named, per_channel
from rewardlab.core.placed import only_last
from rewardlab.core.types import Reward, RewardTransform, Rollout


@named
def best_minus_second() -> RewardTransform:
    """A_i = R_i - R_second for the best row of a group, else 0; R is the row's total.

    A group of 3, 1, 0 -> 2, 0, 0.

    It is the drop of the group's maximum if that row were removed. With a tie for the
    best all rows get 0; a row without another scored row in its group has nothing
    placed. (pass@k training, arXiv 2503.19595)
    """

    def compare(reward: Reward, rollout: Rollout) -> Reward:
        row = reward.total
        scored = reward.has_value
        score = jnp.where(scored, row, -jnp.inf)
        others = masked.max_of_other_rows(score, rollout)
        compared = scored & (others > -jnp.inf)
        margin = jnp.maximum(row - jnp.where(compared, others, row), 0)
        return only_last(reward).keep(compared).map(lambda r, m: m, margin)

    return per_channel(compare)
