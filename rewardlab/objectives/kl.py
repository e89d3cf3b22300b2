"""Estimators of KL(pi || ref) from one sample, and the loss that they make."""

import functools
import math
from collections.abc import Callable

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from rewardlab.core import edges, masked
from rewardlab.core.intervals import need
from rewardlab.core.types import Coefficient, Rollout, SignalName, coefficient
from rewardlab.models.logprobs import TokenStats
from rewardlab.objectives.objective import Advantage, Loss, Metrics
from rewardlab.objectives.ratio import PER_TOKEN, LogRatio

Estimate = Float[Array, "..."]
Estimator = Callable[[Float[Array, "..."], Float[Array, "..."]], Estimate]


def kl_k1(logp: Float[Array, "..."], ref: Float[Array, "..."]) -> Estimate:
    """log pi - log ref: unbiased; as a loss its expected gradient is 0."""
    return logp - ref


def kl_k2(logp: Float[Array, "..."], ref: Float[Array, "..."]) -> Estimate:
    """(log pi - log ref)^2 / 2: biased, with the gradient of KL(pi || ref)."""
    return (logp - ref) ** 2 / 2


def kl_k3(
    logp: Float[Array, "..."],
    ref: Float[Array, "..."],
    limit: float = 20.0,
    most: float = 10.0,
) -> Estimate:
    """ref/pi - log(ref/pi) - 1, at most 10: never negative, unbiased below its bounds.

    As in verl the log-ratio is held within +-limit and the estimate is at most `most`;
    no gradient flows beyond. TRL has neither bound (`math.inf`).
    """
    need("kl_k3", "[0, inf]", limit=limit, most=most)
    gap = jnp.clip(ref - logp, -limit, limit)
    return jnp.minimum(edges.excess(gap), most)


def kl_k3_unbounded(logp: Float[Array, "..."], ref: Float[Array, "..."]) -> Estimate:
    """As `kl_k3` without bounds (TRL): unbiased and never negative."""
    return kl_k3(logp, ref, math.inf, math.inf)


def kl_k3_inverse(logp: Float[Array, "..."], ref: Float[Array, "..."]) -> Estimate:
    """pi/ref - log(pi/ref) - 1: k3 upside down, unbounded; no estimate of KL(pi || ref)
    but never negative, and of gradient pi/ref - 1 (PAR's code, arXiv 2502.18770)."""
    return kl_k3_unbounded(ref, logp)


def kl_abs(logp: Float[Array, "..."], ref: Float[Array, "..."]) -> Estimate:
    """|log pi - log ref|: a distance, not an estimate of KL; no gradient at 0."""
    return edges.size(logp - ref)


def with_k2_gradient(estimator: Estimator) -> Estimator:
    """The estimator's value with the gradient of k2, that of KL(pi || ref) on average.

    Straight-through, as the names with a plus in verl.
    """

    @functools.wraps(estimator)
    def estimate(logp: Float[Array, "..."], ref: Float[Array, "..."]) -> Estimate:
        path = kl_k2(logp, ref)
        nothing = path - lax.stop_gradient(path)
        return lax.stop_gradient(estimator(logp, ref)) + nothing

    return estimate


KL_ESTIMATORS: dict[str, Estimator] = {
    "k1": kl_k1,
    "k1+": with_k2_gradient(kl_k1),
    "abs": kl_abs,
    "k2": kl_k2,
    "k3": kl_k3,
    "k3+": with_k2_gradient(kl_k3),
    "k3_unbounded": kl_k3_unbounded,
    "k3_inverse": kl_k3_inverse,
}


def kl(
    beta: Coefficient,
    kind: str = "k3",
    correct_bias: bool = False,
    log_ratio: LogRatio = PER_TOKEN,
    ref: SignalName = "ref_logp",
) -> Loss:
    """beta * KL(pi || ref) a token, from the log-probs `ref` of the reference.

    `kind` names an estimator of `KL_ESTIMATORS` (Schulman, "Approximating KL
    divergence", 2020). With `correct_bias` it is multiplied by pi / pi_old, through
    which the gradient flows too: unbiased for samples of pi_old (DeepSeek-V3.2, arXiv
    2512.02556; TRL).
    """
    if kind not in KL_ESTIMATORS:
        raise ValueError(f"no KL estimator {kind!r}; have {', '.join(KL_ESTIMATORS)}")

    def loss(
        stats: TokenStats, rollout: Rollout, advantage: Advantage
    ) -> tuple[Float[Array, "N T"], Metrics]:
        reference = jnp.where(rollout.mask, rollout.signal(ref), 0)
        distance = KL_ESTIMATORS[kind](stats.logp, reference)
        held = lax.stop_gradient(distance)
        metrics = {"kl": masked.sum_of(held, rollout.mask)}
        if correct_bias:
            distance = distance * jnp.exp(log_ratio(stats, rollout))
        return coefficient(beta, rollout) * distance, metrics

    return loss
