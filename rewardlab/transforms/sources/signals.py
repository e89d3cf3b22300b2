"""Sources: signals become reward channels."""

import jax.numpy as jnp
from jaxtyping import Array, Bool

from rewardlab.core import masked
from rewardlab.core.compose import add_channel, named, stateless
from rewardlab.core.types import (
    Channels,
    RewardTransform,
    Rollout,
    SignalName,
    place,
)
from rewardlab.transforms.sources.last_token import on_last_token


@named
def outcome(name: SignalName) -> RewardTransform:
    """Adds channel `name`: the [N] signal on the last True token of each row.

    1 for a row of three tokens -> (none, none, 1).

    Rows where the [N] signal `name_valid` is False abstain: nothing is placed.
    """

    def source(rewards: Channels, rollout: Rollout) -> Channels:
        value = rollout.signal(name)
        if value.ndim != 1:
            raise ValueError(
                f"outcome({name!r}) needs one value a row and has shape {value.shape}; "
                f"write process({name!r}) or dense({name!r})"
            )
        reward = on_last_token(value, validity(rollout, name), rollout)
        return add_channel(rewards, name, reward)

    return stateless(source)


@named
def process(name: SignalName) -> RewardTransform:
    """Adds channel `name`: the [N, S] signal on the last True token of each step.

    (0.9, 0.4) for two steps of two tokens -> (none, 0.9, none, 0.4).

    Column s belongs to step s of `rollout.step`; steps beyond the last column, and
    steps (or rows) where `name_valid` is False, abstain.
    """

    def source(rewards: Channels, rollout: Rollout) -> Channels:
        value = rollout.signal(name)
        if value.ndim != 2:
            raise ValueError(
                f"process({name!r}) needs values [N, steps] and has shape "
                f"{value.shape}; write outcome({name!r})"
            )
        valid = jnp.broadcast_to(validity(rollout, name), value.shape)
        where = masked.step_ends(rollout) & at_steps(valid, rollout)
        where &= rollout.step < value.shape[1]
        return add_channel(rewards, name, place(at_steps(value, rollout), where))

    return stateless(source)


def at_steps(x: Array, rollout: Rollout) -> Array:
    """[N, S] read at each token's step: [N, T]; the nearest column beyond the last."""
    column = jnp.clip(rollout.step, 0, x.shape[1] - 1)
    return jnp.take_along_axis(x, column, axis=1)


def validity(rollout: Rollout, name: SignalName) -> Bool[Array, "N _"]:
    """The signal `name_valid` with an axis to broadcast; all True if there is none."""
    valid = rollout.signals.get(f"{name}_valid", jnp.ones(rollout.mask.shape[0], bool))
    return valid[:, None] if valid.ndim == 1 else valid
