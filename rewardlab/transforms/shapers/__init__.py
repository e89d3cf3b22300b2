"""Shapers: one reward becomes another, before any baseline."""

from rewardlab.core.types import Table
from rewardlab.transforms.shapers.absence import event_bonus
from rewardlab.transforms.shapers.attempts import improvement_bonus, only_step
from rewardlab.transforms.shapers.bounds import indicator_ge
from rewardlab.transforms.shapers.consistency import consistency_bonus
from rewardlab.transforms.shapers.cosine import cosine_length
from rewardlab.transforms.shapers.distance import proximity
from rewardlab.transforms.shapers.episode import episode_return, return_from_step
from rewardlab.transforms.shapers.flip import flip_groups
from rewardlab.transforms.shapers.group_length import group_length_reward
from rewardlab.transforms.shapers.history import (
    clip_by_history,
    standardize_by_history,
)
from rewardlab.transforms.shapers.length import overlong_penalty
from rewardlab.transforms.shapers.novelty import divide_by_count, keep_above
from rewardlab.transforms.shapers.potential import potential_shaping
from rewardlab.transforms.shapers.quantile import (
    minus_reference_quantile,
)
from rewardlab.transforms.shapers.reference import (
    par,
    relative,
)
from rewardlab.transforms.shapers.refine import clip_reward, delta
from rewardlab.transforms.shapers.shift import require, shift
from rewardlab.transforms.shapers.softmin import softmin_credit
from rewardlab.transforms.shapers.squash import (
    cap,
    floor,
    log_sigmoid,
    sigmoid,
)
from rewardlab.transforms.shapers.step_ends import only_step_ends
from rewardlab.transforms.shapers.turn_history import shape_by_turn_history
from rewardlab.transforms.shapers.unlikely import unlikeliness
from rewardlab.transforms.shapers.window import cost_quantile_score
from rewardlab.transforms.shapers.within_row import (
    keep_top,
    minmax_by_row,
)

SHAPERS: Table = {
    "clip_reward": clip_reward,
    "delta": delta,
    "softmin_credit": softmin_credit,
    "overlong_penalty": overlong_penalty,
    "group_length_reward": group_length_reward,
    "cap": cap,
    "floor": floor,
    "indicator_ge": indicator_ge,
    "sigmoid": sigmoid,
    "log_sigmoid": log_sigmoid,
    "relative": relative,
    "par": par,
    "minus_reference_quantile": minus_reference_quantile,
    "standardize_by_history": standardize_by_history,
    "clip_by_history": clip_by_history,
    "keep_top": keep_top,
    "minmax_by_row": minmax_by_row,
    "episode_return": episode_return,
    "only_step_ends": only_step_ends,
    "shape_by_turn_history": shape_by_turn_history,
    "return_from_step": return_from_step,
    "consistency_bonus": consistency_bonus,
    "unlikeliness": unlikeliness,
    "improvement_bonus": improvement_bonus,
    "only_step": only_step,
    "require": require,
    "shift": shift,
    "cosine_length": cosine_length,
    "flip_groups": flip_groups,
    "keep_above": keep_above,
    "divide_by_count": divide_by_count,
    "cost_quantile_score": cost_quantile_score,
    "potential_shaping": potential_shaping,
    "proximity": proximity,
    "event_bonus": event_bonus,
}
