"""One reward a row, on its last True token."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rewardlab.core import masked, placed
from rewardlab.core.types import Reward, Rollout


def on_last_token(
    value: Float[Array, " N"], valid: Bool[Array, "N _"], rollout: Rollout
) -> Reward:
    """One number a row on its last True token; rows not `valid` there abstain."""
    return placed.on_last_token(value, scored(valid, rollout), rollout)


def scored(valid: Bool[Array, "N _"], rollout: Rollout) -> Bool[Array, " N"]:
    """Rows with a True token whose last one is `valid`."""
    if valid.shape[1] > 1:
        return jnp.any(masked.last(rollout.mask) & valid, axis=1)
    return valid[:, 0] & (masked.count(rollout.mask) > 0)
