"""Prompts that are harder count more: weights for the word `weigh`."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from rewardlab.core import masked


def box_weights(area: Float[Array, " K"]) -> Float[Array, " K"]:
    """0.5 + (1 / area - min) / (max - min) of 1 / area, over a data set of K prompts.

    `area` is the share of the screen that a target box covers, so weights are in 0.5 to
    1.5 and small boxes have the greatest (GUI-G1, arXiv 2505.15810, appendix C.3). All
    equal, every weight is 0.5: our choice.
    """
    hard = 1 / area
    above = hard - masked.smallest(hard, jnp.isfinite(hard))
    most = jnp.max(above, initial=0)
    return 0.5 + above / jnp.where(most > 0, most, 1)
