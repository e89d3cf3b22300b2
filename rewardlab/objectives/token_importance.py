"""Token weights from how much a group's members disagree at a position.

(TW-GRPO, arXiv 2505.24718.)
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from rewardlab.core import edges, masked
from rewardlab.core.types import Rollout


def group_divergence(
    logp: Float[Array, "N T V"], rollout: Rollout, limit: float = 11.0
) -> Float[Array, "N T"]:
    """Mean over the group of sum_v exp(d) - d - 1, with d = mean_group log p - log p.

    The mean of log-probabilities is not a distribution; d is held within +-limit. A
    row counts as uniform off its mask. The same for all rows of a group; 0 for one row.
    """
    uniform = -jnp.log(jnp.asarray(logp.shape[-1], logp.dtype))
    logp = jnp.where(rollout.mask[..., None], logp, uniform)
    rows = masked.group_size(rollout)
    center = masked.safe_divide(
        masked.sum_over_group(logp, rollout), rows[:, None, None]
    )
    gap = jnp.clip(center - logp, -limit, limit)
    spread = jnp.sum(edges.excess(gap), axis=-1)
    return masked.safe_divide(masked.sum_over_group(spread, rollout), rows[:, None])


def token_importance(
    logp: Float[Array, "N T V"],
    rollout: Rollout,
    alpha: float = 1.7,
    limit: float = 11.0,
    eps: float = 1e-8,
) -> Float[Array, "N T"]:
    """1 + (alpha - 1) (d - least) / (greatest - least + eps), 0 off the mask.

    d is `group_divergence` of `logp`, the log-probabilities of the whole vocabulary.
    Least and greatest are over all T columns, padding included (where d is 0). The
    authors let the gradient flow through the weights; stop it to use them as a signal.
    Their script has alpha 1.7, their config 1.4, their function 1.5.
    """
    divergence = group_divergence(logp, rollout, limit)
    low = jnp.min(divergence, axis=1, keepdims=True)
    high = jnp.max(divergence, axis=1, keepdims=True)
    share = edges.over(divergence - low, high - low, eps)
    return jnp.where(rollout.mask, 1 + (alpha - 1) * share, 0)
