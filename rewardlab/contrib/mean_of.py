"""The mean of several channels."""

from rewardlab.core.compose import named
from rewardlab.core.types import RewardTransform
from rewardlab.transforms.combinators.join import join, mean_placed


@named
def mean_of(*names: str) -> RewardTransform:
    """mean_k r_k: what the members say on average."""
    return join(names, mean_placed)
