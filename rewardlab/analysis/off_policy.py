"""How far the sampler is from the policy: measures of a batch of rows.

`logp` are the policy's log-probs of the tokens and `sampler_logp` the sampler's, in
nats. Names and forms are verl's.
"""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rewardlab.core import edges, masked

LIMIT = 20.0  # of a log-ratio, against overflow
PerToken = Float[Array, "N T"]


def off_policy_measures(
    logp: PerToken, sampler_logp: PerToken, mask: Bool[Array, "N T"]
) -> dict[str, Float[Array, ""]]:
    """KL(sampler || pi), perplexities and chi-squared of one batch, by name.

    `kl` and `k3_kl` are token means; `ppl_ratio` is that of pi over the sampler's, by
    row; `chi2` are E[w^2] - 1 with w = pi / pi_sampler of tokens or rows. Means of rows
    count empty rows too, with perplexity 1.
    """
    gap = jnp.where(mask, logp - sampler_logp, 0)
    held = jnp.clip(gap, -LIMIT, LIMIT)
    own, sampler = masked.row_mean(logp, mask), masked.row_mean(sampler_logp, mask)
    apart = sampler - own
    row = jnp.clip(masked.total(gap, mask), -LIMIT, LIMIT)
    return {
        "training_ppl": jnp.mean(jnp.exp(-own)),
        "training_log_ppl": jnp.mean(-own),
        "kl": masked.mean(-gap, mask),
        "k3_kl": masked.mean(edges.excess(gap), mask),
        "rollout_ppl": jnp.mean(jnp.exp(-sampler)),
        "rollout_log_ppl": jnp.mean(-sampler),
        "log_ppl_diff": jnp.mean(apart),
        "log_ppl_abs_diff": jnp.mean(jnp.abs(apart)),
        "log_ppl_diff_max": jnp.max(apart),
        "log_ppl_diff_min": jnp.min(apart),
        "ppl_ratio": jnp.mean(jnp.exp(apart)),
        "chi2_token": masked.mean(jnp.expm1(2 * held), mask),
        "chi2_seq": jnp.mean(jnp.expm1(2 * row)),
    }


def effective_sample_size(
    weight: PerToken, mask: Bool[Array, "N T"], most: float = 2.0
) -> Float[Array, ""]:
    """mean(w)^2 / mean(w^2) of weights held within 1 / most and most: 1 if all equal.

    The share of the batch's tokens that importance weights leave; 0 for no tokens.
    """
    held = jnp.clip(weight, 1 / most, most)
    square = masked.mean(held**2, mask)
    return masked.mean(held, mask) ** 2 / jnp.where(square > 0, square, 1)
