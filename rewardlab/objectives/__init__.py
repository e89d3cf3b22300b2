"""Policy losses and the ways to average them, by name."""

from collections.abc import Callable

from rewardlab.objectives.aggregation import (
    constant,
    sequence_mean,
    sequence_sum,
    token_mean,
)
from rewardlab.objectives.clipped import clipped_surrogate
from rewardlab.objectives.kl import (
    KL_ESTIMATORS,
    kl_abs,
    kl_k1,
    kl_k2,
    kl_k3,
    kl_loss,
)
from rewardlab.objectives.likelihood import entropy_bonus, negative_log_likelihood
from rewardlab.objectives.objective import (
    Advantage,
    Aggregation,
    Loss,
    Metrics,
    Objective,
    objective,
)
from rewardlab.objectives.steer import steer, steer_exponential

__all__ = [
    "KL_ESTIMATORS",
    "SURROGATES",
    "Advantage",
    "Aggregation",
    "Loss",
    "Metrics",
    "Objective",
    "clipped_surrogate",
    "constant",
    "entropy_bonus",
    "kl_abs",
    "kl_k1",
    "kl_k2",
    "kl_k3",
    "kl_loss",
    "negative_log_likelihood",
    "objective",
    "sequence_mean",
    "sequence_sum",
    "steer",
    "steer_exponential",
    "token_mean",
]

# What a method may name as its policy loss; each is called with the config's options
# that its signature has.
SURROGATES: dict[str, Callable[..., Loss]] = {
    "clipped": clipped_surrogate,
    "steer": steer,
    "steer_exponential": steer_exponential,
}
