"""Pairs of completions: direct preference optimisation, token by token.

Losses are of the gap between two completions in nats, one number a pair;
log-probabilities are of single tokens.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float

from rewardlab.core import masked

PerToken = Float[Array, "N T"]
PerRow = Float[Array, " N"]
Gap = Float[Array, "..."]  # of chosen and rejected: log-ratios of whole completions


class Rows(NamedTuple):
    """Completions that are chosen, rejected or both."""

    logp: PerToken  # under the policy
    ref_logp: PerToken  # under the reference
    mask: Bool[Array, "N T"]


def log_ratio(rows: Rows, weight: PerToken | float = 1.0) -> PerRow:
    """sum_t w_t (log pi - log ref) over True tokens; beta of it is the reward."""
    return masked.total(weight * (rows.logp - rows.ref_logp), rows.mask)


def dpo_loss(
    gap: Gap, beta: float | Array = 0.1, smoothing: float | Array = 0.0
) -> Gap:
    """-(1 - s) log sigmoid(beta h) - s log sigmoid(-beta h) (arXiv 2305.18290).

    `smoothing` is how often labels are the wrong way round (conservative DPO).
    """
    right, wrong = jax.nn.softplus(-beta * gap), jax.nn.softplus(beta * gap)
    return (1 - smoothing) * right + smoothing * wrong


def ipo_loss(gap: Gap, beta: float | Array = 0.1) -> Gap:
    """(h - 1 / (2 beta))^2: a gap so wide, and no wider (arXiv 2310.12036)."""
    return (gap - 1 / (2 * beta)) ** 2


def hinge_loss(gap: Gap, beta: float | Array = 0.1) -> Gap:
    """[1 - beta h]+: wide enough is enough (SLiC, arXiv 2305.10425, as in TRL)."""
    return jax.nn.relu(1 - beta * gap)


def guided(
    rows: Rows, guide: PerToken, beta: float | Array = 0.1, alpha: float | Array = 0.5
) -> tuple[PerRow, PerRow]:
    """The log-ratios of rows if they are chosen, and if they are rejected.

    Tokens weigh 1 + alpha beta d where a row is chosen, 1 - alpha beta d where it is
    rejected; d_t = log guide - log ref is the token reward of a model trained by DPO
    before. alpha = 0, or a guide that is the reference, is DPO. (TGDPO, arXiv
    2506.14574)
    """
    tilt = alpha * beta * (guide - rows.ref_logp)
    return log_ratio(rows, 1 + tilt), log_ratio(rows, 1 - tilt)


def contrast_reward(better: PerToken, worse: PerToken) -> PerToken:
    """sigmoid(log pi(y|better prompt) - log pi(y|worse prompt)) - 1/2, in +-1/2.

    The two prompts ask the policy itself for a better and for a worse answer.
    """
    return jnp.tanh((better - worse) / 2) / 2


def t_reg_loss(
    gap: Gap, pulls: Gap, beta: float | Array = 0.1, alpha: float | Array = 0.25
) -> Gap:
    """DPO + alpha w sum_t -beta r_t log pi over both sides (T-REG, arXiv 2412.02685).

    `pulls` are sum_t r_t log pi of both, r is `contrast_reward`, and w = sigmoid(-beta
    h) is how wrong DPO still is; that no gradient flows through w is a guess. alpha = 0
    is DPO.
    """
    wrong = lax.stop_gradient(jax.nn.sigmoid(-beta * gap))
    return dpo_loss(gap, beta) - alpha * wrong * beta * pulls
