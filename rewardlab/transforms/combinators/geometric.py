"""The geometric mean of channels: all must be good at once."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from rewardlab.core import masked
from rewardlab.core.compose import named
from rewardlab.core.types import RewardTransform
from rewardlab.transforms.combinators.join import Places, Values, join


@named
def geometric_mean_of(*names: str, product_sign: bool = False) -> RewardTransform:
    """sgn * (prod_k |r_k|)^(1/K), sgn = +1 only if no r_k is below 0.

    (1, 4) -> 2; (-1, 4) -> -2; (0, 4) -> 0.

    With `product_sign` the sign is that of the product: two negatives make a positive.
    Kinesthetic Reward Combination of Lucy-SKG (arXiv 2305.15801), whose code has both
    signs.
    """

    def combine(value: Values, placed: Places) -> Float[Array, ""]:
        size = jnp.where(placed, jnp.abs(value), 1)
        logs = jnp.log(jnp.where(size > 0, size, 1))
        root = jnp.exp(masked.safe_divide(jnp.sum(logs), jnp.sum(placed)))
        root = jnp.where(jnp.any(size == 0), 0, root)
        negatives = jnp.sum(placed & (value < 0))
        minus = negatives % 2 == 1 if product_sign else negatives > 0
        return jnp.where(minus, -root, root)

    return join(names, combine)
