"""A baseline for each state: steps are compared with those in the same state."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from rewardlab.core import edges, masked
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
        among, away = _away(reward, rollout, anchor, weight)
        return place(away, reward.placed & (zero_singletons | among.more_than(1)))

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
        among, away = _away(reward, rollout, anchor, weight)
        var = among.sum(away**2) / jnp.maximum(among.count - ddof, 1)
        std = jnp.where(among.more_than(ddof), jnp.sqrt(var), 1)
        return reward.with_value(edges.over(reward.value, std, eps))

    return per_channel(scale)


class _Among(NamedTuple):
    """The rewards in one state, what each weighs, and the sum of it."""

    ids: Int[Array, "N T"]
    size: int
    weight: Float[Array, "N T"]
    count: Float[Array, "N T"]

    def sum(self, x: Float[Array, "N T"]) -> Float[Array, "N T"]:
        return masked.set_sum(self.weight * x, self.ids, self.size)

    def more_than(self, number: int) -> Bool[Array, "N T"]:
        """Copies of one reward weigh 1 together, but for rounding."""
        return self.count > number + 0.5


def _away(
    reward: Reward, rollout: Rollout, anchor: SignalName, weight: SignalName
) -> tuple[_Among, Float[Array, "N T"]]:
    """The distance of each reward from the mean of its state; 0 where none is."""
    ids, size = _states(rollout, anchor)
    score = jnp.where(reward.placed, reward.value, jnp.inf)
    distance = reward.value - masked.set_min(score, ids, size)
    distance = jnp.where(reward.placed, distance, 0)
    each = at_steps(rollout.signal(weight), rollout) if weight else 1.0
    w = jnp.where(reward.placed, each, 0).astype(distance.dtype)
    count = masked.set_sum(w, ids, size)
    among = _Among(ids, size, w, count)
    mean = among.sum(distance) / jnp.where(count > 0, count, 1)
    return among, jnp.where(reward.placed, distance - mean, 0)


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
