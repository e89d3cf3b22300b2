"""Scores that do not pay for length, and scores that do not drift.

Baselines of PAR's code (arXiv 2502.18770) at the level of the reward model.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def squared_rewards(
    chosen: Float[Array, "*P"], rejected: Float[Array, "*P"]
) -> Float[Array, "*P"]:
    """r_chosen^2 + r_rejected^2: added to a pair's loss with weight 0.005 ("Reg")."""
    return chosen**2 + rejected**2


def correlation(x: Float[Array, " N"], y: Float[Array, " N"]) -> Float[Array, ""]:
    """Pearson's correlation over the batch; 0 where either does not vary."""
    a, b = (z - jnp.mean(z) for z in (x - jnp.min(x), y - jnp.min(y)))
    product = jnp.sum(a**2) * jnp.sum(b**2)
    varies = product > 0
    root = jnp.sqrt(jnp.where(varies, product, 1))
    return jnp.where(varies, jnp.sum(a * b) / root, 0)


def length_loss(
    quality: Float[Array, " N"],
    length_score: Float[Array, " N"],
    length: Float[Array, " N"],
) -> Float[Array, ""]:
    """|corr(quality, length)| - corr(length score, length), over all rows (ODIN).

    Two heads share a body: one is to know length, so that the other need not. Chosen
    and rejected rows go in together. The policy is trained on `quality` alone. (ODIN,
    arXiv 2402.07319)
    """
    return jnp.abs(correlation(quality, length)) - correlation(length_score, length)


def orthogonality_loss(
    quality_head: Float[Array, "k D"],
    length_head: Float[Array, "k D"],
    eps: float = 1e-6,
) -> Float[Array, ""]:
    """||Q L^T|| / (||Q|| ||L|| + eps), Frobenius norms: heads that share nothing."""
    norms = jnp.linalg.norm(quality_head) * jnp.linalg.norm(length_head)
    return jnp.linalg.norm(quality_head @ length_head.T) / (norms + eps)


def odin_loss(
    chosen: Float[Array, "P 2"],
    rejected: Float[Array, "P 2"],
    length: Float[Array, " 2P"],
    heads: tuple[Float[Array, "k D"], Float[Array, "k D"]],
    length_weight: float = 1.0,
    orthogonality_weight: float = 1.0,
) -> Float[Array, " P"]:
    """-log sigmoid(q_c + l_c - q_r - l_r) + length_loss + orthogonality_loss, a pair.

    Columns are the quality and the length score; `length` holds the tokens of the
    chosen rows, then of the rejected. (ODIN, arXiv 2402.07319)
    """
    pair = jax.nn.softplus(jnp.sum(rejected - chosen, axis=1))
    quality, length_score = jnp.concatenate([chosen, rejected]).T
    by_length = length_loss(quality, length_score, length)
    apart = orthogonality_loss(*heads)
    return pair + length_weight * by_length + orthogonality_weight * apart
