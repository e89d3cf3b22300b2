"""Sources: signals become reward channels."""

import functools

import jax.numpy as jnp
from jaxtyping import Array, Bool

from rewardlab import masked
from rewardlab.compose import named, signal, stateless
from rewardlab.types import (
    Channels,
    Coefficient,
    Reward,
    Rewards,
    RewardTransform,
    Rollout,
    coefficient,
    place,
)


@named
def outcome(name: str) -> RewardTransform:
    """Adds channel `name`: the [N] signal on the last True token of each row.

    Rows where the [N] signal `name_valid` is False abstain: nothing is placed.
    """

    def source(channels: Rewards, rollout: Rollout) -> Channels:
        value = signal(rollout, name)
        if value.ndim != 1:
            raise ValueError(
                f"outcome({name!r}) needs one value a row and has shape {value.shape}; "
                f"write process({name!r})"
            )
        where = masked.last(rollout.mask) & _valid(rollout, name)
        return _add(channels, name, place(value[:, None], where))

    return stateless(source)


@named
def process(name: str) -> RewardTransform:
    """Adds channel `name`: the [N, S] signal on the last True token of each step.

    Column s belongs to step s of `rollout.step`. Steps (or rows) where `name_valid` is
    False abstain. A signal of shape [N, T] is a reward of every token instead.
    """

    def source(channels: Rewards, rollout: Rollout) -> Channels:
        value = signal(rollout, name)
        if value.ndim != 2:
            raise ValueError(
                f"process({name!r}) needs values [N, steps] or [N, tokens] and has shape "
                f"{value.shape}; write outcome({name!r})"
            )
        valid = _valid(rollout, name)
        if value.shape == rollout.mask.shape:
            return _add(channels, name, place(value, rollout.mask & valid))
        where = masked.step_ends(rollout)
        where &= (rollout.step >= 0) & (rollout.step < value.shape[1])
        column = jnp.clip(rollout.step, 0, value.shape[1] - 1)
        if valid.shape[1] == value.shape[1]:
            valid = jnp.take_along_axis(valid, column, axis=1)
        value = jnp.take_along_axis(value, column, axis=1)
        return _add(channels, name, place(value, where & valid))

    return stateless(source)


@named
def kl_penalty(beta: Coefficient, ref: str = "ref_logp") -> RewardTransform:
    """Adds channel `kl`: -beta * (logp - ref_logp) on every True token (k1, nats).

    A penalty goes with a reward: rows in which every channel before it abstains get
    none, so that a row nobody could score stays out of the baseline.
    """

    def source(channels: Rewards, rollout: Rollout) -> Channels:
        ratio = rollout.logp - signal(rollout, ref)
        where = rollout.mask
        if channels:
            scored = [reward.has_value for reward in channels.values()]
            where &= functools.reduce(jnp.logical_or, scored)[:, None]
        reward = place(-coefficient(beta, rollout) * ratio, where)
        return _add(channels, "kl", reward)

    return stateless(source)


def _valid(rollout: Rollout, name: str) -> Bool[Array, "N S"]:
    valid = rollout.signals.get(f"{name}_valid", jnp.ones(rollout.mask.shape[0], bool))
    return valid[:, None] if valid.ndim == 1 else valid


def _add(channels: Rewards, name: str, reward: Reward) -> Channels:
    if isinstance(channels, Reward):
        raise ValueError(f"{name!r} comes after the channels became one; move it forward")
    if name in channels:
        raise ValueError(f"channel {name!r} is there already; name each source once")
    return {**channels, name: reward}
