"""When a rollout branches: after a tool has answered and the policy hesitates."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rewardlab.core.intervals import need


def branch_probability(
    draw: Float[Array, "..."],
    entropy: Float[Array, "..."],
    first_entropy: Float[Array, "..."],
    weight: float = 0.2,
) -> Float[Array, "..."]:
    """clip(u - weight * (H - H_first), 0, 1) for a uniform draw u in [0, 1].

    Despite its name in ARPO's code, a row branches where it is small.
    """
    return jnp.clip(draw - weight * (entropy - first_entropy), 0, 1)


def branches(
    draw: Float[Array, "..."],
    entropy: Float[Array, "..."],
    first_entropy: Float[Array, "..."],
    weight: float = 0.2,
    threshold: float = 0.5,
) -> Bool[Array, "..."]:
    """Whether `branch_probability` is at most `threshold`: more often as H rises.

    H is `truncated_entropy` after the last tool call, H_first that of the row's first
    tokens. ARPO's code (arXiv 2507.19849), whose default
    weight is 0.5; its scripts have 0.2.
    """
    return branch_probability(draw, entropy, first_entropy, weight) <= threshold


def branches_in_paper(
    entropy: Float[Array, "..."],
    first_entropy: Float[Array, "..."],
    alpha: float,
    beta: float,
    tau: float,
) -> Bool[Array, "..."]:
    """alpha + beta * (H - H_first) > tau: the rule of ARPO's paper, without a draw."""
    return alpha + beta * (entropy - first_entropy) > tau


def truncated_entropy(
    logp: Float[Array, "... T K"],
    mask: Bool[Array, "... T"],
    vocab_size: int,
    tokens: int = 20,
) -> Float[Array, "..."]:
    """sum_t -sum_k p log p / log V over the first `tokens` tokens, as ARPO's code.

    `logp` holds the K greatest log-probabilities of each token (10 there), which are
    not normalised again; -inf is none. It is a sum over tokens, not a mean, so it can
    exceed 1.
    """
    need("truncated_entropy", "[2, inf)", vocab_size=vocab_size)
    need("truncated_entropy", "[1, inf)", tokens=tokens)
    finite = jnp.where(jnp.isfinite(logp), logp, 0)
    each = jnp.where(jnp.isfinite(logp), jnp.exp(logp) * finite, 0)
    spread = -jnp.sum(each, axis=-1)[..., :tokens]
    counted = jnp.where(mask[..., :tokens], spread, 0)
    return jnp.sum(counted, axis=-1) / jnp.log(vocab_size)
