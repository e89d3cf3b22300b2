"""Several scores of one completion become one.

An ensemble of reward models: `members('rm') | min_of('rm')`. Members must be on a
common scale. Members that share a pretrained model share its errors, which no word here
removes (arXiv 2312.09244).
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from rewardlab.core import masked
from rewardlab.core.compose import named
from rewardlab.core.order import rank_of_few
from rewardlab.core.types import RewardTransform
from rewardlab.transforms.combinators.join import Places, Values, join, mean_placed


@named
def min_of(*names: str) -> RewardTransform:
    """min_k r_k: as good as the worst judge says (WCO, arXiv 2310.02743).

    (0.9, 0.2, 0.5) -> 0.2.
    """

    def least(value: Values, placed: Places) -> Float[Array, ""]:
        return jnp.min(jnp.where(placed, value, jnp.inf))

    return join(names, least)


@named
def median_of(*names: str) -> RewardTransform:
    """median_k r_k; for an even number the mean of the middle two; NaN if one is NaN.

    (0.9, 0.2, 0.5) -> 0.5.
    """

    def middle(value: Values, placed: Places) -> Float[Array, ""]:
        members = jnp.where(placed, value, jnp.inf)
        rank, count = rank_of_few(members), jnp.sum(placed)
        low, high = (
            jnp.sum(jnp.where(rank == k, members, 0))
            for k in ((count - 1) // 2, count // 2)
        )
        missing = jnp.any(jnp.isnan(members))
        return jnp.where(missing, jnp.nan, low + (high - low) / 2)

    return join(names, middle)


@named
def mean_minus_variance_of(
    *names: str, weight: float = 0.1, ddof: int = 1
) -> RewardTransform:
    """mean_k r_k - weight * var_k r_k: disagreement costs (UWO, arXiv 2310.02743).

    (1, 3) with weight = 0.1 -> 2 - 0.1 * 2 = 1.8.

    Defaults are those of its PPO code, which divides by K - 1; its best-of-n code has
    weight 0.5 and ddof=0. One member has no variance. The variance grows with the
    square of the scale, so a weight fits one scale only.
    """

    def lower(value: Values, placed: Places) -> Float[Array, ""]:
        mean = mean_placed(value, placed)
        squares = jnp.where(placed, (value - mean) ** 2, 0)
        free = jnp.sum(placed) - ddof
        return mean - weight * masked.safe_divide(jnp.sum(squares), free)

    return join(names, lower)
