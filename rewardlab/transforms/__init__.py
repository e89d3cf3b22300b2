"""Every word that a sentence may use, by kind. One idea a file."""

from collections.abc import Callable

from rewardlab import compose
from rewardlab.transforms.belief import information_gain
from rewardlab.transforms.center import center_by_group
from rewardlab.transforms.center_position import center_by_group_position
from rewardlab.transforms.center_pure import (
    center_by_group_steps,
    center_by_group_tokens,
    center_by_group_width,
)
from rewardlab.transforms.credit import min_to_go, returns_to_go, step_returns_to_go
from rewardlab.transforms.dense import dense
from rewardlab.transforms.gated import gated_accumulation
from rewardlab.transforms.history import (
    clip_by_history,
    minmax_by_history,
    standardize_by_history,
)
from rewardlab.transforms.kl import kl_penalty
from rewardlab.transforms.length import length_penalty
from rewardlab.transforms.quantile import (
    minus_reference_normal_quantile,
    minus_reference_quantile,
)
from rewardlab.transforms.reference import minus_reference_mean, par, relative
from rewardlab.transforms.refine import clip_reward, delta
from rewardlab.transforms.scale import scale_by_batch_std, scale_by_group_std
from rewardlab.transforms.softmin import mean_credit, softmin_credit
from rewardlab.transforms.sources import outcome, process
from rewardlab.transforms.spread import (
    broadcast_to_tokens,
    episode_return,
    zero_step_ends,
)
from rewardlab.transforms.squash import (
    cap,
    fitted_polynomial,
    log_sigmoid,
    sigmoid,
    tanh,
)
from rewardlab.transforms.whiten import whiten
from rewardlab.types import RewardTransform

Table = dict[str, Callable[..., RewardTransform]]

SOURCES: Table = {
    "outcome": outcome,
    "process": process,
    "dense": dense,
    "information_gain": information_gain,
    "kl_penalty": kl_penalty,
}
SHAPERS: Table = {
    "clip_reward": clip_reward,
    "delta": delta,
    "softmin_credit": softmin_credit,
    "mean_credit": mean_credit,
    "length_penalty": length_penalty,
    "cap": cap,
    "sigmoid": sigmoid,
    "log_sigmoid": log_sigmoid,
    "tanh": tanh,
    "fitted_polynomial": fitted_polynomial,
    "relative": relative,
    "par": par,
    "minus_reference_mean": minus_reference_mean,
    "minus_reference_quantile": minus_reference_quantile,
    "minus_reference_normal_quantile": minus_reference_normal_quantile,
    "standardize_by_history": standardize_by_history,
    "clip_by_history": clip_by_history,
    "minmax_by_history": minmax_by_history,
    "episode_return": episode_return,
}
COMBINATORS: Table = {
    "gated_accumulation": gated_accumulation,
    "weighted_sum": compose.weighted_sum,
    "on": compose.on,
    "gate": compose.gate,
}
BASELINES: Table = {
    "center_by_group": center_by_group,
    "center_by_group_position": center_by_group_position,
    "center_by_group_steps": center_by_group_steps,
    "center_by_group_tokens": center_by_group_tokens,
    "center_by_group_width": center_by_group_width,
    "scale_by_group_std": scale_by_group_std,
    "scale_by_batch_std": scale_by_batch_std,
    "whiten": whiten,
}
CREDIT: Table = {
    "broadcast_to_tokens": broadcast_to_tokens,
    "returns_to_go": returns_to_go,
    "step_returns_to_go": step_returns_to_go,
    "min_to_go": min_to_go,
    "zero_step_ends": zero_step_ends,
}

TRANSFORMS: Table = {**SOURCES, **SHAPERS, **COMBINATORS, **BASELINES, **CREDIT}
