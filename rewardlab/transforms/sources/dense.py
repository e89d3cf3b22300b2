"""Rewards of every token."""

from rewardlab.core.compose import add_channel, named, stateless
from rewardlab.core.types import Channels, RewardTransform, Rollout, SignalName, place
from rewardlab.transforms.sources.signals import validity


@named
def dense(name: SignalName) -> RewardTransform:
    """Adds channel `name`: the [N, T] signal on every True token.

    (0.1, 0.2, 0.3), the second the environment's -> (0.1, none, 0.3).

    Tokens (or rows) where `name_valid` is False abstain.
    """

    def source(rewards: Channels, rollout: Rollout) -> Channels:
        value = rollout.signal(name)
        if value.shape != rollout.mask.shape:
            raise ValueError(
                f"dense({name!r}) needs a value a token, {rollout.mask.shape}, and has "
                f"shape {value.shape}; write process({name!r}) or outcome({name!r})"
            )
        where = rollout.mask & validity(rollout, name)
        return add_channel(rewards, name, place(value, where))

    return stateless(source)
