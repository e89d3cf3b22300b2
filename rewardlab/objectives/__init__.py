"""Policy losses and the ways to average them, by name."""

from collections.abc import Callable

from rewardlab.objectives.aggregation import (
    constant,
    constant_non_empty,
    sequence_mean,
    sequence_mean_all,
    sequence_sum,
    sequence_sum_all,
    token_mean,
)
from rewardlab.objectives.cispo import cispo
from rewardlab.objectives.clipped import clipped_surrogate
from rewardlab.objectives.correction import mask_off_policy
from rewardlab.objectives.covariance import clip_cov, kl_cov
from rewardlab.objectives.gmpo import gmpo
from rewardlab.objectives.kl import (
    KL_ESTIMATORS,
    kl_abs,
    kl_k1,
    kl_k2,
    kl_k3,
    kl_k3_unbounded,
    kl_loss,
    with_k2_gradient,
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
from rewardlab.objectives.ratio import (
    LogRatio,
    row_log_ratio,
    sequence_log_ratio,
    sequence_token_log_ratio,
    step_log_ratio,
    token_log_ratio,
)
from rewardlab.objectives.reinforce import reinforce
from rewardlab.objectives.rover import q_regression
from rewardlab.objectives.sapo import sapo
from rewardlab.objectives.sequence import (
    clipped_row,
    clipped_steps,
    gspo,
    gspo_token,
)
from rewardlab.objectives.steer import steer, steer_exponential
from rewardlab.objectives.value import ValueLoss, value_loss
from rewardlab.objectives.vespo import vespo

__all__ = [
    "KL_ESTIMATORS",
    "READS_ENTROPY",
    "SURROGATES",
    "Advantage",
    "Aggregation",
    "LogRatio",
    "Loss",
    "Metrics",
    "Objective",
    "ValueLoss",
    "cispo",
    "clip_cov",
    "clipped_row",
    "clipped_steps",
    "clipped_surrogate",
    "constant",
    "constant_non_empty",
    "entropy_bonus",
    "gmpo",
    "gspo",
    "gspo_token",
    "kl_abs",
    "kl_cov",
    "kl_k1",
    "kl_k2",
    "kl_k3",
    "kl_k3_unbounded",
    "kl_loss",
    "mask_off_policy",
    "negative_log_likelihood",
    "objective",
    "reinforce",
    "row_log_ratio",
    "sapo",
    "sequence_log_ratio",
    "q_regression",
    "sequence_mean",
    "sequence_mean_all",
    "sequence_sum",
    "sequence_sum_all",
    "sequence_token_log_ratio",
    "steer",
    "steer_exponential",
    "step_log_ratio",
    "token_log_ratio",
    "token_mean",
    "value_loss",
    "vespo",
    "with_k2_gradient",
]

# What a method may name as its policy loss; each is called with the config's options
# that its signature has.
SURROGATES: dict[str, Callable[..., Loss]] = {
    "clipped": clipped_surrogate,
    "clipped_row": clipped_row,
    "clipped_steps": clipped_steps,
    "gspo": gspo,
    "gspo_token": gspo_token,
    "cispo": cispo,
    "sapo": sapo,
    "gmpo": gmpo,
    "clip_cov": clip_cov,
    "kl_cov": kl_cov,
    "mask_off_policy": mask_off_policy,
    "steer": steer,
    "steer_exponential": steer_exponential,
    "vespo": vespo,
    "reinforce": reinforce,
    "rover": q_regression,
}
READS_ENTROPY = ("steer", "steer_exponential")  # it costs a pass over the logits
