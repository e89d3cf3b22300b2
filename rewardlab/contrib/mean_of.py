"""The mean of several channels."""

from rewardlab.core.compose import named
from rewardlab.core.types import RewardTransform
from rewardlab.transforms.combinators.join import join, mean_placed


@named
def mean_of(*names: str) -> RewardTransform:
    """mean_k r_k: the average of the members.

    (0.9, 0.3) -> 0.6.
    """
    return join(names, mean_placed)
