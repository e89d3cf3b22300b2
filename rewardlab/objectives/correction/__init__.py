"""Rows that another policy sampled: weights, rejection, and losses that use them."""

from rewardlab.objectives.correction.losses import (
    against,
    mask_off_policy,
    near_policy,
    rejecting,
    weighted,
)
from rewardlab.objectives.correction.rejection import (
    at_most,
    binary_kl,
    row_max,
    row_mean,
    row_sum,
    token_k1,
    token_k2,
    token_k3,
    within_ratio,
)
from rewardlab.objectives.correction.weights import (
    drop,
    geometric_mean,
    normalize_by_rows,
    normalize_by_tokens,
    row_weights,
    token_weights,
    truncate,
)

__all__ = [
    "against",
    "at_most",
    "binary_kl",
    "drop",
    "geometric_mean",
    "mask_off_policy",
    "near_policy",
    "normalize_by_rows",
    "normalize_by_tokens",
    "rejecting",
    "row_max",
    "row_mean",
    "row_sum",
    "row_weights",
    "token_k1",
    "token_k2",
    "token_k3",
    "token_weights",
    "truncate",
    "weighted",
    "within_ratio",
]
