"""PROF: keep right answers with good steps and wrong answers with bad ones.

PROcess consistency Filter, arXiv 2509.03403.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from rewardlab.core import masked
from rewardlab.core.intervals import need


def step_consistency(
    score: Float[Array, "N S"],
    valid: Bool[Array, "N S"],
    right: Bool[Array, " N"],
    center: float | None = None,
) -> Float[Array, " N"]:
    """(+1 if right else -1) * mean_k 2 (p_k - mu); 0 for a row without steps.

    mu is the mean of all valid steps of the batch, or `center`: the variant "blend" of
    the code has 0.5. A wrong answer is consistent if its steps look bad.
    """
    mu = masked.mean(score, valid) if center is None else center
    away = masked.row_mean(2 * (score - mu), valid)
    return jnp.where(right, away, -away)


def length_charge(
    steps: Int[Array, " N"], charge: float = 10.0, short: int = 2, long: int = 30
) -> Float[Array, " N"]:
    """-charge for a row of fewer than `short` or more than `long` steps, else 0.

    The code adds it after the sign, so such wrong answers go first; the paper's
    formula, before it, would keep them.
    """
    need("length_charge", "[0, inf)", charge=charge)
    return jnp.where((steps < short) | (steps > long), -charge, 0.0)


def keep_consistent(
    critic: Float[Array, " N"],
    right: Bool[Array, " N"],
    wrong: Bool[Array, " N"],
    group: Int[Array, " N"],
    num_groups: int,
    remove: int | Int[Array, " B"] = 4,
) -> Bool[Array, " N"]:
    """The rows that are left when each group lost its `remove` least consistent ones.

    Of a group's P right and Q wrong rows, min(remove, round((P - Q + remove) / 2))
    right ones go (none if that is below 0) and wrong ones for the rest, lowest `critic`
    first: what is left is as balanced as can be. Rounding is half to even; of equals
    the first goes. Rows that are neither right nor wrong are dropped, and count for no
    side. For the variant that drops wrong rows at random, let `critic` be random there.
    """
    need("keep_consistent", "[0, inf)", remove=remove)
    count = lambda rows: jax.ops.segment_sum(  # noqa: E731
        rows.astype(jnp.int32), group, num_groups
    )
    p, q = count(right), count(wrong)
    out = jnp.minimum(remove, p + q)
    share = jnp.round((p - q + out) / 2).astype(jnp.int32)
    share = jnp.clip(jnp.minimum(out, share), 0, p)
    order = jnp.arange(len(critic))
    mates = group[None] == group[:, None]
    lower = critic[None] < critic[:, None]
    lower |= (critic[None] == critic[:, None]) & (order[None] < order[:, None])
    rank = lambda rows: jnp.sum(mates & lower & rows[None], axis=1)  # noqa: E731
    keep_right = right & (rank(right) >= share[group])
    return keep_right | (wrong & (rank(wrong) >= (out - share)[group]))
