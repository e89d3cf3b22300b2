"""The mean of several numbers about each row: comparisons, judges, follow-ups."""

import jax.numpy as jnp

from rewardlab.core import masked
from rewardlab.core.compose import add_channel, named, stateless
from rewardlab.core.types import Channels, RewardTransform, Rollout, SignalName
from rewardlab.transforms.sources.last_token import on_last_token
from rewardlab.transforms.sources.signals import validity


@named
def average(name: SignalName) -> RewardTransform:
    """Adds channel `name`: the mean of the [N, K] signal, on the last True token.

    (1, 0, 1) -> 2/3.

    Entries (or rows) where `name_valid` is False are left out, and a row without any
    abstains. With the chances to beat each other completion it is the win rate of SPO
    (arXiv 2401.04056), without the row's own entry; with log-probabilities of
    follow-ups their mean (FLR); with judges their mean score.
    """

    def source(rewards: Channels, rollout: Rollout) -> Channels:
        value = rollout.signal(name)
        if value.ndim != 2:
            raise ValueError(
                f"average({name!r}) needs several values a row, [N, K], and has shape "
                f"{value.shape}; write outcome({name!r})"
            )
        valid = jnp.broadcast_to(validity(rollout, name), value.shape)
        mean = masked.row_mean(value, valid)
        heard = jnp.any(valid, axis=1, keepdims=True)
        return add_channel(rewards, name, on_last_token(mean, heard, rollout))

    return stateless(source)
