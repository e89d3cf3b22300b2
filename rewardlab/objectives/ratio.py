"""What policy losses compare: log pi / pi_old of a token, of its step or of its row.

`pi_old` is `rollout.logp`. A loss takes one of these as `log_ratio`: PPO becomes GSPO,
and CISPO or SAPO work on whole sequences, by giving another one.
"""

import math
from collections.abc import Callable

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from rewardlab.core import masked
from rewardlab.core.types import Rollout
from rewardlab.models.logprobs import TokenStats

LogRatio = Callable[[TokenStats, Rollout], Float[Array, "N T"]]


def token_log_ratio(limit: float = 20.0) -> LogRatio:
    """log pi - log pi_old of each token, held within +-limit.

    No gradient flows beyond the limit, which is verl's; TRL has none (`math.inf`).
    """

    def log_ratio(stats: TokenStats, rollout: Rollout) -> Float[Array, "N T"]:
        return jnp.clip(gap(stats, rollout), -limit, limit)

    return log_ratio


PER_TOKEN = token_log_ratio()


def sequence_log_ratio(most: float = 10.0, limit: float = math.inf) -> LogRatio:
    """The row's mean of token log-ratios, on each of its tokens (GSPO, 2507.18071).

    It is at most `most` (verl's and Tunix's bound); tokens are first held within
    +-limit (20 in Tunix).
    """

    def log_ratio(stats: TokenStats, rollout: Rollout) -> Float[Array, "N T"]:
        tokens = jnp.clip(gap(stats, rollout), -limit, limit)
        row = masked.row_mean(tokens, rollout.mask)[:, None]
        return jnp.broadcast_to(jnp.minimum(row, most), rollout.mask.shape)

    return log_ratio


def step_log_ratio(limit: float = 20.0) -> LogRatio:
    """The sum of a step's token log-ratios, on each of its tokens, within +-limit.

    The ratio of a whole action, as VLA-RL's (arXiv 2505.18719) of one motion.
    """

    def log_ratio(stats: TokenStats, rollout: Rollout) -> Float[Array, "N T"]:
        return jnp.clip(masked.step_total(gap(stats, rollout), rollout), -limit, limit)

    return log_ratio


def turn_log_ratio(most: float = 10.0) -> LogRatio:
    """The mean of a step's token log-ratios, on each of its tokens, at most `most`.

    `sequence_log_ratio` with a turn in the place of the row: of one turn it is that, of
    turns of one token `token_log_ratio`. (Turn-PPO, arXiv 2512.17008)
    """
    return lambda stats, rollout: jnp.minimum(_turn_mean(stats, rollout), most)


def turn_token_log_ratio(most: float = 10.0) -> LogRatio:
    """The turn's mean in value; each token's own log-prob in gradient (AT2PO)."""

    def log_ratio(stats: TokenStats, rollout: Rollout) -> Float[Array, "N T"]:
        own = stats.logp - lax.stop_gradient(stats.logp)
        turn = lax.stop_gradient(_turn_mean(stats, rollout))
        return jnp.minimum(turn + own, most)

    return log_ratio


def _turn_mean(stats: TokenStats, rollout: Rollout) -> Float[Array, "N T"]:
    tokens = masked.step_total(1.0 * rollout.mask, rollout).astype(jnp.int32)
    return masked.safe_divide(masked.step_total(gap(stats, rollout), rollout), tokens)


def row_log_ratio(limit: float = 20.0) -> LogRatio:
    """log pi - log pi_old of the whole row, their sum over its tokens, on each of them.

    The completion is one action (RLOO, arXiv 2402.14740). Held within +-limit, beyond
    which no gradient flows; TRL has no limit.
    """

    def log_ratio(stats: TokenStats, rollout: Rollout) -> Float[Array, "N T"]:
        row = masked.total(gap(stats, rollout), rollout.mask)[:, None]
        return jnp.broadcast_to(jnp.clip(row, -limit, limit), rollout.mask.shape)

    return log_ratio


def sequence_token_log_ratio(most: float = 10.0) -> LogRatio:
    """The row's mean in value; each token's own log-prob in gradient (GSPO-token)."""

    def log_ratio(stats: TokenStats, rollout: Rollout) -> Float[Array, "N T"]:
        row = masked.row_mean(gap(stats, rollout), rollout.mask)[:, None]
        own = stats.logp - lax.stop_gradient(stats.logp)
        return jnp.minimum(lax.stop_gradient(row) + own, most)

    return log_ratio


def gap(stats: TokenStats, rollout: Rollout) -> Float[Array, "N T"]:
    """log pi - log pi_old on True tokens, 0 elsewhere."""
    return jnp.where(rollout.mask, stats.logp - rollout.logp, 0)
