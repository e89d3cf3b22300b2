"""Rewards relative to those of reference completions of the same prompt."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from rewardlab.core.compose import named, only, per_channel
from rewardlab.core.reward import mean_over
from rewardlab.core.types import (
    Coefficient,
    Reward,
    RewardTransform,
    Rollout,
    SignalName,
    Static,
)
from rewardlab.transforms.shapers.squash import sigmoid


@named
def relative(
    ref: SignalName, shaper: RewardTransform, num_references: Static[int] = 10
) -> RewardTransform:
    """mean_j f(r - R_j) over the first `num_references` references, f the `shaper`.

    r = 1 and references 0, 2 with f = sigmoid() -> (0.731 + 0.269) / 2 = 0.5.

    The signal `ref` [N, R] holds the scores of R reference completions of each row's
    prompt, in the unit of r. Raises `ValueError` if the shaper carries a state.
    """

    def against(reward: Reward, rollout: Rollout) -> Reward:
        state = shaper.init(rollout)
        if jax.tree.leaves(state):
            raise ValueError(f"relative needs no state and has {shaper.sentence}")

        def shaped(ref_score: Float[Array, " N"]) -> Reward:
            moved = reward.map(jnp.subtract, ref_score)
            return only(shaper.update({"": moved}, state, rollout)[0])

        return mean_over(shaped, references(rollout, ref)[:, :num_references].T)

    return per_channel(against)


@named
def par(
    ref: SignalName, k: Coefficient = 1.0, num_references: Static[int] = 10
) -> RewardTransform:
    """mean_j sigmoid(k (r - R_j)): the chance to beat a reference.

    r = 1 and references 0, 2 -> 0.5.

    Preference As Reward (PAR), arXiv 2502.18770.
    """
    return relative(ref, sigmoid(k), num_references)


def references(rollout: Rollout, ref: SignalName) -> Float[Array, "N R"]:
    """The signal `ref`, which must be [N, references]."""
    scores = rollout.signal(ref)
    if scores.ndim != 2:
        raise ValueError(f"{ref!r} needs shape [N, references] and has {scores.shape}")
    return scores
