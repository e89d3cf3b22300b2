"""Token weights from how much a group's members disagree at a position.

(TW-GRPO, arXiv 2505.24718.)
"""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rewardlab.core import edges


def group_divergence(
    logp: Float[Array, "*B G V"], mask: Bool[Array, "*B G"], limit: float = 11.0
) -> Float[Array, "*B"]:
    """Mean over G rows of sum_v exp(d) - d - 1, with d = mean_rows log p - log p.

    The mean of log-probabilities is not a distribution; d is held within +-limit. A
    row counts as uniform off its mask. 0 for one row, and where none has a token.
    """
    uniform = -jnp.log(jnp.asarray(logp.shape[-1], logp.dtype))
    logp = jnp.where(mask[..., None], logp, uniform)
    center = jnp.mean(logp, axis=-2, keepdims=True)
    gap = jnp.clip(center - logp, -limit, limit)
    return jnp.mean(jnp.sum(edges.excess(gap), axis=-1), axis=-1)


def token_importance(
    divergence: Float[Array, "B T"], alpha: float = 1.7, eps: float = 1e-8
) -> Float[Array, "B T"]:
    """1 + (alpha - 1) (d - least) / (greatest - least + eps), d a `group_divergence`.

    Least and greatest are over all T columns, padding included (where d is 0). The
    authors let the gradient flow through the weights; stop it to use them as a signal.
    Their script has alpha 1.7, their config 1.4, their function 1.5.
    """
    low = jnp.min(divergence, axis=1, keepdims=True)
    high = jnp.max(divergence, axis=1, keepdims=True)
    return 1 + (alpha - 1) * edges.over(divergence - low, high - low, eps)
