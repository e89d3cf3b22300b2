"""Scores that do not pay for length, and scores that do not drift.

Baselines of PAR's code (arXiv 2502.18770) at the level of the reward model.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from rewardlab.core import edges


def squared_rewards(
    chosen: Float[Array, "*P"], rejected: Float[Array, "*P"]
) -> Float[Array, "*P"]:
    """r_chosen^2 + r_rejected^2: added to a pair's loss with weight 0.005 ("Reg")."""
    return chosen**2 + rejected**2


def correlation(x: Float[Array, " N"], y: Float[Array, " N"]) -> Float[Array, ""]:
    """Pearson's correlation over the batch; 0, and no gradient, if either is equal."""
    a, b = (z - jnp.mean(z) for z in (x - _least(x), y - _least(y)))
    return jnp.sum(edges.unit(a) * edges.unit(b))


def _least(x: Float[Array, " N"]) -> Float[Array, ""]:
    return jax.lax.stop_gradient(jnp.min(x))


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
    told = edges.size(correlation(quality, length))
    return told - correlation(length_score, length)


def orthogonality_loss(
    quality_head: Float[Array, "k D"],
    length_head: Float[Array, "k D"],
    eps: float = 1e-6,
) -> Float[Array, ""]:
    """||Q L^T|| / (||Q|| ||L|| + eps), Frobenius norms: heads that share nothing.

    Heads that are orthogonal already, or 0, have loss 0 and no gradient.
    """
    norm = lambda x: edges.root(jnp.sum(x**2))  # noqa: E731
    norms = norm(quality_head) * norm(length_head)
    return edges.over(norm(quality_head @ length_head.T), norms, eps)


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
