"""A policy loss for rows that somebody else helped to write: a hint, or an expert."""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from rewardlab.core import masked
from rewardlab.core.types import Coefficient, Rollout, Static, Sum
from rewardlab.models.logprobs import TokenStats
from rewardlab.objectives.clipped import clipped
from rewardlab.objectives.objective import Advantage, Loss, Metrics
from rewardlab.objectives.ratio import token_log_ratio

SHAPES = ("percentile", "constant", "power", "log")
LEAST = 1e-4  # of gamma


def guided(
    epsilon: Coefficient = 0.2,
    epsilon_high: Coefficient | None = None,
    shape: Static[str] = "percentile",
    value: float = 0.9,
) -> Loss:
    """-A f(r) on rows that were hinted or are an expert's, and `clipped` on others.

    r is pi over the `logp` that the row came with: pi(o | q) / pi_old(o | q, hint), or
    pi alone of an expert's row. f is never clipped:

    - "percentile": r / (r + gamma), gamma the `value`-quantile of r over the row's
      columns, padding included (r = 1 there), at least 1e-4 (Guide-GRPO, 2506.13923).
      With r = 1 everywhere f = 1/2, and a quarter of the usual gradient flows.
    - "constant": r / (r + value); with 0.1 LUFFY's p / (p + 0.1).
    - "power": r^value. - "log": log r.
    """
    if shape not in SHAPES:
        raise ValueError(f"guided: shape={shape!r} must be one of {', '.join(SHAPES)}")
    own = clipped(epsilon, epsilon_high)
    ratio_of = token_log_ratio()

    def loss(
        stats: TokenStats, rollout: Rollout, advantage: Advantage
    ) -> tuple[Float[Array, "N T"], Metrics]:
        usual, metrics = own(stats, rollout, advantage)
        rows = masked.guided(rollout)[:, None]
        log_r = ratio_of(stats, rollout)
        helped = -advantage * shaped(log_r, shape, value)
        there = rows & rollout.mask
        total = jnp.sum(jnp.where(there, jnp.exp(log_r), 0))
        count = jnp.sum(there.astype(total.dtype))
        metrics["guided/ratio"] = Sum(total, count)
        return jnp.where(rows, helped, usual), metrics

    return loss


def shaped(log_r: Float[Array, "N T"], shape: str, value: float) -> Float[Array, "N T"]:
    """f(r) of the ratio: see `guided`."""
    ratio = jnp.exp(log_r)
    if shape == "log":
        return log_r
    if shape == "power":
        return jnp.exp(value * log_r)
    if shape == "constant":
        return ratio / (ratio + value)
    gamma = jnp.quantile(lax.stop_gradient(ratio), value, axis=1, keepdims=True)
    return ratio / (ratio + jnp.maximum(gamma, LEAST))
