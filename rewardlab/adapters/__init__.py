"""A sentence as the advantage function of another trainer: NumPy or torch in and out.

advantage = rewardlab.adapters.Advantage("rloo")
advantage(Rows(mask, group=uids), {"correct": rewards})  # [N, T]

`rewardlab.adapters.trl` and `rewardlab.adapters.verl` call it where those trainers make
their advantages. Nothing here imports torch unless it is asked for.
"""

from rewardlab.adapters.advantage import Advantage, Rows

__all__ = ["Advantage", "Rows"]
