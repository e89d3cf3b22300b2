"""Preferences from a hierarchy: what matters less decides only what matters more left
open. (HERON, arXiv 2309.02632)
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from rewardlab.core import edges, masked


def tolerances(
    factors: Float[Array, "n k"], share: Float[Array, " k"] | float
) -> Float[Array, " k"]:
    """share_l * the standard deviation of factor l over the batch (n - 1); 0 for n = 1.

    The code takes the second share for the third level and those below it.
    """
    n = factors.shape[0]
    distance = factors - jnp.min(factors, axis=0)
    squares = jnp.sum((distance - jnp.mean(distance, axis=0)) ** 2, axis=0)
    return share * edges.root(masked.safe_divide(squares, jnp.asarray(n - 1)))


def hierarchy_label(
    mine: Float[Array, "*B k"],
    other: Float[Array, "*B k"],
    tolerance: Float[Array, " k"],
) -> Int[Array, "*B"]:
    """+1, -1 or 0: who is ahead in the first factor that differs by over its tolerance.

    Factors come most important first; 0 says that none of them decides and the pair is
    skipped. Antisymmetric; lexicographic where every tolerance is 0; not transitive in
    general.
    """
    ahead = (mine > other + tolerance).astype(jnp.int32)
    behind = (other > mine + tolerance).astype(jnp.int32)
    verdict = ahead - behind
    first = jnp.argmax(verdict != 0, axis=-1)
    return jnp.take_along_axis(verdict, first[..., None], axis=-1)[..., 0]


def hierarchy_loss(
    mine: Float[Array, " n"],
    other: Float[Array, " n"],
    label: Int[Array, " n"],
    eps: float = 1e-5,
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """(loss, accuracy): sum -log sigmoid(label (r - r')) / (decided + eps).

    Pairs labelled 0 do not count. The authors draw the partner at random.
    """
    decided = label != 0
    lead = label * (mine - other)
    count = jnp.sum(decided)
    loss = jnp.sum(jnp.where(decided, jax.nn.softplus(-lead), 0))
    won = jnp.sum(decided & (lead > 0))
    return edges.over(loss, count, eps), edges.over(1.0 * won, count, eps)
