"""Segments of a row in the place of its steps."""

import dataclasses
from typing import Any

import jax.numpy as jnp

from rewardlab.core.compose import named
from rewardlab.core.types import Channels, RewardTransform, Rollout, SignalName


@named
def in_segments(name: SignalName, transform: RewardTransform) -> RewardTransform:
    """Applies a transform to rows whose steps are those of the signal `name` [N, T].

    in_segments('segment', step_returns_to_go(discount=0)) -> the sum of each segment,
    on all its tokens.

    The signal is an integer a token that does not fall along a row; a new number begins
    a new step. What reads signals of steps in there reads those of segments.
    (SPO-chain, arXiv 2505.23564, whose segments end where the policy is unsure)
    """

    def update(rewards: Channels, state: Any, rollout: Rollout) -> tuple[Any, Any]:
        segment = rollout.signal(name)
        if segment.shape != rollout.mask.shape:
            raise ValueError(
                f"in_segments({name!r}, ...) needs an integer a token, "
                f"{rollout.mask.shape}, and has shape {segment.shape}"
            )
        step = jnp.where(rollout.mask, segment, -1)
        return transform.update(rewards, state, dataclasses.replace(rollout, step=step))

    return RewardTransform(transform.init, update)
