"""One reward in two roles."""

from rewardlab.core.compose import add_channel, find, named, stateless
from rewardlab.core.types import Channels, RewardTransform, Rollout


@named
def copy_channel(**new: str) -> RewardTransform:
    """Adds channels that equal others: copy_channel(episode='prm').

    Channels {prm} -> {prm, episode}, equal.

    The same reward can then be compared in two ways, each with `on(...)`, before
    `weighted_sum` adds the results.
    """
    if not new:
        raise ValueError("copy_channel() copies nothing; write copy_channel(new='old')")

    def copy(rewards: Channels, rollout: Rollout) -> Channels:
        for name, old in new.items():
            rewards = add_channel(rewards, name, find(rewards, old))
        return rewards

    return stateless(copy)
