"""A baseline for each state: steps are compared with those in the same state."""

import jax.numpy as jnp
from jaxtyping import Array, Int

from rewardlab.core import edges, masked
from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import Reward, RewardTransform, Rollout, SignalName, place
from rewardlab.transforms.sources.signals import at_steps


@named
def center_by_state(
    anchor: SignalName = "", zero_singletons: bool = False
) -> RewardTransform:
    """r - mean of the group's rewards in the same state; lone rewards are removed.

    Steps of two rows in one state with 1 and 0 -> 1/2 and -1/2.

    Two steps are in the same state if the signal `anchor` [N, S], an integer for what
    the agent saw, is equal (GiGPO, arXiv 2505.10978); without a signal, if they have
    the same step number (UI-S1, arXiv 2509.11543). `zero_singletons` makes a lone one
    0, a reward like others (A2TGPO, 2605.06200).
    """

    def center(reward: Reward, rollout: Rollout) -> Reward:
        ids, size = _states(rollout, anchor)
        score = jnp.where(reward.placed, reward.value, jnp.inf)
        distance = reward.value - masked.set_min(score, ids, size)
        distance = jnp.where(reward.placed, distance, 0)
        n = masked.set_sum(reward.placed.astype(jnp.int32), ids, size)
        mean = masked.safe_divide(masked.set_sum(distance, ids, size), n)
        return place(distance - mean, reward.placed & (zero_singletons | (n > 1)))

    return per_channel(center)


@named
def scale_by_state_std(
    anchor: SignalName = "", eps: float = 1e-6, ddof: int = 1
) -> RewardTransform:
    """r / (std + eps), std over the group's rewards in the same state
    (`center_by_state`).

    The variance is over n - ddof, and exactly 0 for equal rewards. With n <= ddof
    rewards the std counts as 1, and so does a std of 0 with eps=0.
    """

    def scale(reward: Reward, rollout: Rollout) -> Reward:
        ids, size = _states(rollout, anchor)
        n = masked.set_sum(reward.placed.astype(jnp.int32), ids, size)
        score = jnp.where(reward.placed, reward.value, jnp.inf)
        distance = reward.value - masked.set_min(score, ids, size)
        distance = jnp.where(reward.placed, distance, 0)
        away = distance - masked.safe_divide(masked.set_sum(distance, ids, size), n)
        squares = jnp.where(reward.placed, away**2, 0)
        var = masked.safe_divide(masked.set_sum(squares, ids, size), n - ddof)
        std = jnp.where(n > ddof, jnp.sqrt(var), 1)
        return reward.with_value(edges.over(reward.value, std, eps))

    return per_channel(scale)


def _states(rollout: Rollout, anchor: SignalName) -> tuple[Int[Array, "N T"], int]:
    """An id for the state of each token, and the number of possible ids."""
    group = rollout.group[:, None]
    if not anchor:
        prompts, width = rollout.prompts.shape[0], rollout.mask.shape[1]
        return group * width + jnp.maximum(rollout.step, 0), prompts * width
    seen = rollout.signal(anchor)
    if seen.ndim != 2 or not jnp.issubdtype(seen.dtype, jnp.integer):
        raise ValueError(
            f"{anchor!r} needs an integer a step, [N, steps], and has {seen.dtype} of "
            f"shape {seen.shape}"
        )
    ids = masked.dense_ids(jnp.broadcast_to(group, seen.shape), seen)
    return at_steps(ids, rollout), ids.size
