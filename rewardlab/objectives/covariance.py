"""Tokens that drive the loss of entropy: high covariance of advantage and log-prob.

Arithmetic of arXiv 2505.22617, section 4. Means and shares are taken over the True
tokens that one call sees: a micro-batch on a device. With one of each that is the
whole batch; otherwise, as in the authors' code, every part chooses among its own.
"""

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from rewardlab.core import edges, masked
from rewardlab.core.intervals import need
from rewardlab.core.types import Coefficient, Rollout, coefficient
from rewardlab.models.logprobs import TokenStats
from rewardlab.objectives.clipped import bounds, share
from rewardlab.objectives.objective import Advantage, Loss, Metrics
from rewardlab.objectives.ratio import PER_TOKEN, LogRatio


def clip_cov(
    epsilon: Coefficient = 0.2,
    epsilon_high: Coefficient | None = None,
    cov_share: float = 2e-4,
    cov_low: float = 1.0,
    cov_high: float = 5.0,
    log_ratio: LogRatio = PER_TOKEN,
) -> Loss:
    """PPO's clip, and 0 on a few random tokens whose covariance is in (low, high).

    Clip-Cov: of the tokens that PPO does not clip, max(floor(cov_share * tokens), 1)
    are drawn; they stay in the count. Draws depend on `rollout.iteration` alone.
    """
    need("clip_cov", "[0, 1]", cov_share=cov_share)

    def loss(
        stats: TokenStats, rollout: Rollout, advantage: Advantage
    ) -> tuple[Float[Array, "N T"], Metrics]:
        low, high = bounds(epsilon, epsilon_high, rollout)
        log_r = log_ratio(stats, rollout)
        ratio = jnp.exp(log_r)
        plain = -advantage * ratio
        clipped = -advantage * jnp.clip(ratio, 1 - low, 1 + high)
        cov = token_covariance(stats.logp, advantage, rollout.mask)
        open_ = rollout.mask & ~(clipped > plain) & (cov > cov_low) & (cov < cov_high)
        key = jax.random.fold_in(jax.random.key(0), rollout.iteration)
        lots = jax.random.uniform(key, rollout.mask.shape)
        dropped = first_of(lots, open_, _part(cov_share, rollout.mask))
        metrics = {
            "ppo_kl": masked.sum_of(-log_r, rollout.mask),
            "clip_ratio/covariance_mean": share(dropped, rollout),
        }
        return jnp.where(dropped, 0, jnp.maximum(plain, clipped)), metrics

    return loss


def kl_cov(
    cov_share: float = 2e-4,
    cov_kl: Coefficient = 1.0,
    log_ratio: LogRatio = PER_TOKEN,
) -> Loss:
    """-A r, plus cov_kl |log r| on the tokens of highest covariance; no clip.

    KL-Cov: max(floor(cov_share * tokens), 1) tokens pay; with cov_share=0 none do. The
    coefficient is 1 in the authors' code.
    """
    need("kl_cov", "[0, 1]", cov_share=cov_share)

    def loss(
        stats: TokenStats, rollout: Rollout, advantage: Advantage
    ) -> tuple[Float[Array, "N T"], Metrics]:
        log_r = log_ratio(stats, rollout)
        cov = token_covariance(stats.logp, advantage, rollout.mask)
        count = jnp.where(cov_share > 0, _part(cov_share, rollout.mask), 0)
        paying = first_of(-cov, rollout.mask, count)
        distance = edges.size(log_r)  # before the first update it is 0 everywhere
        penalty = jnp.where(paying, coefficient(cov_kl, rollout) * distance, 0)
        metrics = {"ppo_kl_abs": masked.sum_of(distance, rollout.mask)}
        return -advantage * jnp.exp(log_r) + penalty, metrics

    return loss


def token_covariance(
    logp: Float[Array, "N T"], advantage: Advantage, mask: Bool[Array, "N T"]
) -> Float[Array, "N T"]:
    """(A - mean A) (log pi - mean log pi), means over the True tokens; no gradient."""
    logp = lax.stop_gradient(logp)
    return (advantage - masked.mean(advantage, mask)) * (logp - masked.mean(logp, mask))


def first_of(
    x: Float[Array, "N T"], among: Bool[Array, "N T"], count: Int[Array, ""] | int
) -> Bool[Array, "N T"]:
    """True on the `count` tokens of `among` with the least `x`."""
    order = jnp.argsort(jnp.where(among, x, jnp.inf), axis=None)
    rank = jnp.zeros(x.size, int).at[order].set(jnp.arange(x.size))
    return among & (rank.reshape(x.shape) < count)


def _part(portion: float, mask: Bool[Array, "N T"]) -> Int[Array, ""]:
    count = jnp.floor(portion * jnp.sum(mask).astype(float)).astype(int)
    return jnp.maximum(count, 1)
