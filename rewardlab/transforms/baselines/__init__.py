"""Baselines: subtract what a reward is compared with, or rescale it."""

from rewardlab.core.types import Table
from rewardlab.transforms.baselines.active import (
    scale_by_active_groups,
    scale_by_active_rows,
)
from rewardlab.transforms.baselines.best import best_minus_second
from rewardlab.transforms.baselines.budgets import center_by_budgets
from rewardlab.transforms.baselines.center import center_by_group
from rewardlab.transforms.baselines.center_batch import center_by_batch
from rewardlab.transforms.baselines.center_column import center_by_group_column
from rewardlab.transforms.baselines.center_position import center_by_group_position
from rewardlab.transforms.baselines.center_pure import (
    center_by_group_steps,
    center_by_group_tokens,
    center_by_group_width,
)
from rewardlab.transforms.baselines.first_steps import (
    center_by_first_steps,
)
from rewardlab.transforms.baselines.fork_std import scale_by_fork_std
from rewardlab.transforms.baselines.forks import center_by_fork
from rewardlab.transforms.baselines.group_mean import scale_by_group_mean
from rewardlab.transforms.baselines.largest import (
    scale_by_greatest,
    scale_by_greatest_return,
)
from rewardlab.transforms.baselines.leave_one_out import scale_to_leave_one_out
from rewardlab.transforms.baselines.node_values import node_values
from rewardlab.transforms.baselines.optimal_token import optimal_token_baseline
from rewardlab.transforms.baselines.outcome_std import scale_by_outcome_std
from rewardlab.transforms.baselines.own_rows import center_by_own_rows
from rewardlab.transforms.baselines.role_history import center_by_role_history
from rewardlab.transforms.baselines.scale import scale_by_batch_std, scale_by_group_std
from rewardlab.transforms.baselines.signal import center_by_signal
from rewardlab.transforms.baselines.states import center_by_state, scale_by_state_std
from rewardlab.transforms.baselines.whiten import whiten
from rewardlab.transforms.baselines.within_row import center_within_row

BASELINES: Table = {
    "center_by_fork": center_by_fork,
    "scale_by_fork_std": scale_by_fork_std,
    "node_values": node_values,
    "best_minus_second": best_minus_second,
    "center_by_batch": center_by_batch,
    "center_by_budgets": center_by_budgets,
    "center_by_first_steps": center_by_first_steps,
    "center_by_group": center_by_group,
    "optimal_token_baseline": optimal_token_baseline,
    "center_by_group_position": center_by_group_position,
    "center_by_group_steps": center_by_group_steps,
    "center_by_group_tokens": center_by_group_tokens,
    "center_by_group_width": center_by_group_width,
    "center_by_role_history": center_by_role_history,
    "center_by_own_rows": center_by_own_rows,
    "center_by_state": center_by_state,
    "center_by_signal": center_by_signal,
    "scale_by_active_groups": scale_by_active_groups,
    "scale_by_active_rows": scale_by_active_rows,
    "scale_by_group_std": scale_by_group_std,
    "scale_by_batch_std": scale_by_batch_std,
    "scale_by_state_std": scale_by_state_std,
    "center_within_row": center_within_row,
    "scale_by_greatest": scale_by_greatest,
    "scale_by_greatest_return": scale_by_greatest_return,
    "scale_to_leave_one_out": scale_to_leave_one_out,
    "whiten": whiten,
    "scale_by_group_mean": scale_by_group_mean,
    "center_by_group_column": center_by_group_column,
    "scale_by_outcome_std": scale_by_outcome_std,
}
