"""Which prompts come next."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from rewardlab.core.intervals import need


def easiest_last(
    success: Float[Array, " B"], temperature: float = 1.0
) -> Float[Array, " B"]:
    """exp((0.5 - success) / temperature), normalised: the chance of each task.

    It falls with the success rate throughout, although the paper speaks of tasks solved
    half of the time; its temperature is not given. (VLA-RL, arXiv 2505.18719)
    """
    need("easiest_last", "(0, inf)", temperature=temperature)
    return jax.nn.softmax((0.5 - success) / temperature)


def draw(
    key: PRNGKeyArray, weight: Float[Array, " B"], size: int
) -> Int[Array, " size"]:
    """`size` indices with replacement, each in proportion to its weight >= 0.

    Weights need not add up to 1. If all are 0 every index is as likely.
    """
    need("draw", "[0, inf)", size=size)
    none = ~jnp.any(weight > 0)
    log_weight = jnp.where(none, 0.0, jnp.log(weight))
    return jax.random.categorical(key, log_weight, shape=(size,))


def replace_flat(
    key: PRNGKeyArray, value: Float[Array, " B"], flat: Bool[Array, " B"]
) -> Int[Array, " B"]:
    """The prompt for each slot: its own, or one drawn by `value` where it is `flat`.

    Prompts whose rewards are equal teach nothing; VSPO (arXiv 2512.07478) puts others
    in their place, drawn by `task_value`. Its clip for prompts that come twice is not
    public and not here. If no prompt has a value, all stay.
    """
    other = draw(key, value, len(value))
    stay = ~flat | ~jnp.any(value > 0)
    return jnp.where(stay, jnp.arange(len(value)), other)
