"""A baseline for each state: steps are compared with those in the same state."""

import jax.numpy as jnp

from rewardlab.core import edges, masked
from rewardlab.core.among import Sets, among
from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import Reward, RewardTransform, Rollout, SignalName, place
from rewardlab.transforms.sources.signals import at_steps


@named
def center_by_state(
    anchor: SignalName = "", zero_singletons: bool = False, weight: SignalName = ""
) -> RewardTransform:
    """r - mean of the group's rewards in the same state; lone rewards are removed.

    Steps of two rows in one state with 1 and 0 -> 1/2 and -1/2.

    Two steps are in the same state if the signal `anchor` [N, S], an integer for what
    the agent saw, is equal (GiGPO, arXiv 2505.10978); without a signal, if they have
    the same step number (UI-S1, arXiv 2509.11543). `zero_singletons` makes a lone one
    0, a reward like others (A2TGPO, 2605.06200).

    With the signal `weight` [N, S] the mean is sum w r / sum w: steps that are copies
    of one reward, or turns that share one, weigh 1 / copies each and count once.
    (M-GRPO, 2511.13288)
    """

    def center(reward: Reward, rollout: Rollout) -> Reward:
        found = among(reward, _states(rollout, anchor, weight))
        kept = zero_singletons | found.more_than(1)
        return place(found.away, reward.placed & kept)

    return per_channel(center)


@named
def scale_by_state_std(
    anchor: SignalName = "", eps: float = 1e-6, ddof: int = 1, weight: SignalName = ""
) -> RewardTransform:
    """r / (std + eps), std over the group's rewards in the same state
    (`center_by_state`).

    The variance is over n - ddof, and exactly 0 for equal rewards. With n <= ddof
    rewards the std counts as 1, and so does a std of 0 with eps=0. With the signal
    `weight` n is the sum of the weights, as there.
    """

    def scale(reward: Reward, rollout: Rollout) -> Reward:
        std = among(reward, _states(rollout, anchor, weight)).std(ddof)
        return reward.with_value(edges.over(reward.value, std, eps))

    return per_channel(scale)


def _states(rollout: Rollout, anchor: SignalName, weight: SignalName) -> Sets:
    """An id for the state of each token, the number of possible ids, and weights."""
    each = at_steps(rollout.signal(weight), rollout) if weight else 1.0
    group = rollout.group[:, None]
    if not anchor:
        prompts, width = rollout.prompts.shape[0], rollout.mask.shape[1]
        ids = group * width + jnp.maximum(rollout.step, 0)
        return Sets(ids, prompts * width, each)
    seen = rollout.signal(anchor)
    if seen.ndim != 2 or not jnp.issubdtype(seen.dtype, jnp.integer):
        raise ValueError(
            f"{anchor!r} needs an integer a step, [N, steps], and has {seen.dtype} of "
            f"shape {seen.shape}"
        )
    ids = masked.dense_ids(jnp.broadcast_to(group, seen.shape), seen)
    return Sets(at_steps(ids, rollout), ids.size, each)
