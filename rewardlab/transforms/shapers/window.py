"""A cost relative to the latest costs, which are kept in the state."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from rewardlab.core.compose import named, running
from rewardlab.core.placed import listed
from rewardlab.core.types import Reward, RewardTransform, Rollout, Static


class Window(NamedTuple):
    """The latest numbers and the count of all numbers so far; slots fill from the
    first.
    """

    latest: Float[Array, " W"]
    seen: Int[Array, ""]

    def push(self, reward: Reward) -> "Window":
        """With the placed rewards of a batch added and the oldest dropped."""
        (value, placed), size = listed(reward), len(self.latest)
        number = jnp.cumsum(placed) - 1
        total = jnp.sum(placed)
        kept = placed & (number >= total - size)
        cell = jnp.where(kept, (self.seen + number) % size, size)
        latest = self.latest.at[cell].set(value, mode="drop")
        return Window(latest, self.seen + total.astype(self.seen.dtype))

    def quantile(self, q: float) -> Float[Array, ""]:
        """The q-quantile, with linear interpolation; inf if nothing was seen."""
        used = jnp.clip(self.seen, 1, len(self.latest))
        place = q * (used - 1)
        low, high = (f(place).astype(jnp.int32) for f in (jnp.floor, jnp.ceil))
        filled = jnp.arange(len(self.latest)) < self.seen
        ordered = jnp.sort(jnp.where(filled, self.latest, jnp.inf))
        step = jnp.where(high > low, ordered[high] - ordered[low], 0)
        return ordered[low] + step * (place - low)


@named
def cost_quantile_score(
    window: Static[int] = 1000, tails: float = 0.05, eps: float = 1e-8
) -> RewardTransform:
    """1 - clip((c - low) / (high - low), 0, 1) with c = sqrt(cost): cheap is near 1.

    Costs 0, 1, 4 with tails = 0 -> 1, 1/2, 0.

    low and high are the `tails` and 1 - `tails` quantiles of the latest `window` costs,
    this batch included; 1/2 while they are closer than `eps`. Router-R1's cost reward
    (arXiv 2506.09033), whose code adds the rows of a batch one by one.
    """

    def scale(reward: Reward, past: Window, _: Rollout) -> tuple[Reward, Window]:
        root = reward.map(lambda cost: jnp.sqrt(jnp.maximum(cost, 0)))
        past = past.push(root)
        low, high = past.quantile(tails), past.quantile(1 - tails)
        wide = high - low >= eps
        width = jnp.where(wide, high - low, 1)

        def cheap(root: Float[Array, ""]) -> Float[Array, ""]:
            return jnp.where(wide, 1 - jnp.clip((root - low) / width, 0, 1), 0.5)

        return root.map(cheap), past

    def empty() -> Window:
        return Window(jnp.zeros(window), jnp.zeros((), jnp.int32))

    return running(empty, scale)
