"""Self-rewards, trusted as far as the model of the iteration before shares them.

(CREAM, arXiv 2410.12735.) A model scores its own completions; where its ranking and
the earlier model's disagree, the label of the pair is softened.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from rewardlab.core import masked


def ordinal_rank(score: Float[Array, " n"]) -> Int[Array, " n"]:
    """Ranks 1..n from the least up; ties in order of place.

    So two models with ties agree or not by the order of the list: add no ties.
    """
    order = jnp.argsort(score, stable=True)
    n = score.shape[0]
    return jnp.zeros(n, jnp.int32).at[order].set(jnp.arange(1, n + 1, dtype=jnp.int32))


def kendall_consistency(
    now: Float[Array, " n"],
    before: Float[Array, " n"],
    there: Bool[Array, " n"] | None = None,
) -> Float[Array, ""]:
    """(tau + 1) / 2: the share of pairs that both rank alike; 1/2 for n = 1.

    Completions that are not `there` are in no pair.
    """
    a, b = ordinal_rank(now), ordinal_rank(before)
    alike = jnp.sign(a[:, None] - a) * jnp.sign(b[:, None] - b)
    here = jnp.ones(now.shape, bool) if there is None else there
    pair, n = here[:, None] & here, jnp.sum(here)
    won = jnp.sum(jnp.where(pair, alike, 0)) * 1.0
    return (masked.safe_divide(won, n * (n - 1)) + 1) / 2


def spearman_consistency(
    now: Float[Array, " n"], before: Float[Array, " n"]
) -> Float[Array, ""]:
    """(rho + 1) / 2 with rho = 1 - 6 sum d^2 / (n (n^2 - 1)) of ranks; 1/2 for n = 1.

    For n = 1 there is nothing to agree on; the reference has NaN.
    """
    n = now.shape[0]
    apart = ordinal_rank(now) - ordinal_rank(before)
    rho = 1 - masked.safe_divide(6.0 * jnp.sum(apart**2), jnp.asarray(n * (n * n - 1)))
    return (rho + 1) / 2 if n > 1 else jnp.full((), 0.5)


def top_consistency(
    now: Float[Array, " n"], before: Float[Array, " n"]
) -> Float[Array, ""]:
    """1 where both agree on the best and on the worst completion, else 0.

    The code compares the ranks of the first and of the last completion of the list.
    """
    a, b = ordinal_rank(now), ordinal_rank(before)
    same = (jnp.argmax(a) == jnp.argmax(b)) & (jnp.argmin(a) == jnp.argmin(b))
    return same * 1.0


def preference_logit(
    chosen: Float[Array, "*P"],
    chosen_ref: Float[Array, "*P"],
    rejected: Float[Array, "*P"],
    rejected_ref: Float[Array, "*P"],
    beta: float = 0.1,
) -> Float[Array, "*P"]:
    """z = beta ((logp - ref)_chosen - (logp - ref)_rejected), nats of whole rows."""
    return beta * ((chosen - chosen_ref) - (rejected - rejected_ref))


def consistency_loss(
    logit: Float[Array, "*P"], consistency: Float[Array, "*P"]
) -> Float[Array, "*P"]:
    """-C log sigmoid(z) - (1 - C) log sigmoid(-z): least where sigmoid(z) = C.

    C = 1 is DPO. "avg" gives every pair the mean C of the data, as does a missing C.
    """
    right, wrong = jax.nn.softplus(-logit), jax.nn.softplus(logit)
    return consistency * right + (1 - consistency) * wrong
