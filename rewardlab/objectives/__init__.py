"""Policy losses, the terms beside them and the ways to average them.

A loss is a sentence of the words in `LOSSES`; `build_loss` makes its objective.
"""

from rewardlab.objectives.aggregation import (
    constant,
    constant_non_empty,
    sequence_mean,
    sequence_mean_all,
    sequence_sum,
    sequence_sum_all,
    token_mean,
)
from rewardlab.objectives.asked import compared_tokens, reads_whole, verdict_token
from rewardlab.objectives.cispo import cispo
from rewardlab.objectives.clipped import clipped
from rewardlab.objectives.correction import mask_off_policy
from rewardlab.objectives.covariance import clip_cov, kl_cov
from rewardlab.objectives.dppo import dppo, dppo_ratio, dppo_top_k
from rewardlab.objectives.gmpo import gmpo
from rewardlab.objectives.guided import guided
from rewardlab.objectives.kl import (
    KL_ESTIMATORS,
    kl,
    kl_abs,
    kl_k1,
    kl_k2,
    kl_k3,
    kl_k3_unbounded,
    with_k2_gradient,
)
from rewardlab.objectives.likelihood import (
    entropy_bonus,
    negative_log_likelihood,
    positive_nll,
)
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
from rewardlab.objectives.words import (
    AGGREGATIONS,
    APART,
    LOSS,
    LOSSES,
    MASKS,
    SURROGATES,
    TERMS,
    USUAL,
    build_loss,
    loss_tree,
    refuse_reversed,
    spelled,
)

__all__ = [
    "AGGREGATIONS",
    "APART",
    "Advantage",
    "Aggregation",
    "KL_ESTIMATORS",
    "LOSS",
    "LOSSES",
    "MASKS",
    "LogRatio",
    "Loss",
    "Metrics",
    "Objective",
    "SURROGATES",
    "TERMS",
    "USUAL",
    "ValueLoss",
    "build_loss",
    "compared_tokens",
    "loss_tree",
    "cispo",
    "clip_cov",
    "clipped",
    "clipped_row",
    "clipped_steps",
    "constant",
    "constant_non_empty",
    "entropy_bonus",
    "gmpo",
    "gspo",
    "gspo_token",
    "guided",
    "kl",
    "kl_abs",
    "kl_cov",
    "kl_k1",
    "kl_k2",
    "kl_k3",
    "kl_k3_unbounded",
    "mask_off_policy",
    "negative_log_likelihood",
    "objective",
    "positive_nll",
    "reads_whole",
    "verdict_token",
    "refuse_reversed",
    "reinforce",
    "row_log_ratio",
    "sapo",
    "sequence_log_ratio",
    "sequence_mean",
    "sequence_mean_all",
    "sequence_sum",
    "sequence_sum_all",
    "sequence_token_log_ratio",
    "spelled",
    "steer",
    "steer_exponential",
    "step_log_ratio",
    "token_log_ratio",
    "token_mean",
    "value_loss",
    "vespo",
    "with_k2_gradient",
    "dppo",
    "dppo_ratio",
    "dppo_top_k",
]
