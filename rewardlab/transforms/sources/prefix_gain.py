"""Gains of prefixes: what a token adds to the value of what stands before it."""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from rewardlab.core.compose import add_channel, named, stateless
from rewardlab.core.types import Channels, RewardTransform, Rollout, SignalName, place
from rewardlab.transforms.sources.signals import validity


@named
def prefix_gain(name: SignalName, start: SignalName = "") -> RewardTransform:
    """Adds channel `name`: V_t - V_{t-1} on every True token, V_{-1} = `start`.

    V = (0.5, 0.5, 1) from 0.25 -> (0.25, 0, 0.5).

    The signal `name` [N, T] is the value of the row up to and with token t, `start` [N]
    that of the bare prompt; without it the first token gains V_0. Gains of a row add up
    to its last value less that of the prompt. Environment tokens take no time: t - 1 is
    the True token before. Tokens (or rows) where `name_valid` is False abstain.
    (TEMPO, arXiv 2509.18314; RED, arXiv 2411.08302)
    """

    def source(rewards: Channels, rollout: Rollout) -> Channels:
        value = rollout.signal(name)
        if value.shape != rollout.mask.shape:
            raise ValueError(
                f"prefix_gain({name!r}) needs a value a token, {rollout.mask.shape}, "
                f"and has shape {value.shape}; name a signal of tokens"
            )
        first = rollout.signal(start)[:, None] if start else jnp.zeros((1, 1))
        gain = value - _before(value, first, rollout)
        where = rollout.mask & validity(rollout, name)
        return add_channel(rewards, name, place(gain, where))

    return stateless(source)


def _before(
    value: Float[Array, "N T"], first: Float[Array, "_ 1"], rollout: Rollout
) -> Float[Array, "N T"]:
    """The value at the True token before each token; `first` where there is none."""
    position = jnp.arange(value.shape[1])[None]
    seen = lax.cummax(jnp.where(rollout.mask, position, -1), axis=1)
    before = jnp.pad(seen, ((0, 0), (1, 0)), constant_values=-1)[:, :-1]
    found = jnp.take_along_axis(value, jnp.maximum(before, 0), axis=1)
    return jnp.where(before < 0, first, found)
