"""Pairs of completions: direct preference optimisation, token by token.

Losses are one number a pair; log-probabilities are of single tokens, in nats.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float

from rewardlab.core import masked

PerToken = Float[Array, "P T"]
PerPair = Float[Array, " P"]


class Side(NamedTuple):
    """The chosen or the rejected completions of P pairs."""

    logp: PerToken  # under the policy
    ref_logp: PerToken  # under the reference
    mask: Bool[Array, "P T"]


def implicit_reward(side: Side, beta: float, weight: PerToken | float = 1.0) -> PerPair:
    """sum_t beta w_t (log pi - log ref) over True tokens."""
    return beta * masked.total(weight * (side.logp - side.ref_logp), side.mask)


def dpo_loss(chosen: Side, rejected: Side, beta: float = 0.1) -> PerPair:
    """-log sigmoid(r_chosen - r_rejected), implicit rewards (arXiv 2305.18290)."""
    lead = implicit_reward(chosen, beta) - implicit_reward(rejected, beta)
    return jax.nn.softplus(-lead)


def tgdpo_loss(
    chosen: Side,
    rejected: Side,
    guide_chosen: PerToken,
    guide_rejected: PerToken,
    beta: float = 0.1,
    alpha: float = 0.5,
) -> PerPair:
    """DPO with token weights 1 + alpha beta d on chosen, 1 - alpha beta d on rejected.

    d_t = log guide - log ref is the token reward of a model trained by DPO before.
    alpha = 0, or a guide that is the reference, is DPO. (TGDPO, arXiv 2506.14574)
    """
    towards = 1 + alpha * beta * (guide_chosen - chosen.ref_logp)
    away = 1 - alpha * beta * (guide_rejected - rejected.ref_logp)
    lead = implicit_reward(chosen, beta, towards)
    return jax.nn.softplus(implicit_reward(rejected, beta, away) - lead)


def contrast_reward(better: PerToken, worse: PerToken) -> PerToken:
    """sigmoid(log pi(y|better prompt) - log pi(y|worse prompt)) - 1/2, in +-1/2.

    The two prompts ask the policy itself for a better and for a worse answer.
    """
    return jnp.tanh((better - worse) / 2) / 2


def t_reg_loss(
    chosen: Side,
    rejected: Side,
    reward_chosen: PerToken,
    reward_rejected: PerToken,
    beta: float = 0.1,
    alpha: float = 0.25,
) -> PerPair:
    """DPO + alpha w sum_t -beta r_t log pi over both sides (T-REG, arXiv 2412.02685).

    r is `contrast_reward`, w = sigmoid(r_rejected - r_chosen) is how wrong DPO still
    is; that no gradient flows through w is a guess. alpha = 0 is DPO.
    """
    lead = implicit_reward(chosen, beta) - implicit_reward(rejected, beta)
    wrong = lax.stop_gradient(jax.nn.sigmoid(-lead))
    sides = ((chosen, reward_chosen), (rejected, reward_rejected))
    pulls = [masked.total(reward * side.logp, side.mask) for side, reward in sides]
    return jax.nn.softplus(-lead) - alpha * wrong * beta * sum(pulls)
