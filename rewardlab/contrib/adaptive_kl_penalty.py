"""A KL penalty whose coefficient follows a target."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from rewardlab.core import masked
from rewardlab.core.compose import named
from rewardlab.core.types import Channels, RewardTransform, Rollout, SignalName
from rewardlab.transforms.sources.kl import kl_penalty

State = dict[str, Float[Array, ""]]


@named
def adaptive_kl_penalty(
    beta: float = 0.2,
    target: float = 6.0,
    horizon: float = 10_000,
    ref: SignalName = "ref_logp",
) -> RewardTransform:
    """As `kl_penalty`, then beta *= 1 + clip(KL / target - 1, -0.2, 0.2) n / horizon.

    KL is the mean over the batch's n non-empty rows of sum_t(logp - ref_logp), in nats
    a row; the state is the coefficient that the next batch gets. Ziegler et al., arXiv
    1909.08593; verl's KL is a mean over tokens, so its target is smaller.
    """

    def init(rollout: Rollout) -> State:
        return {"coefficient": jnp.asarray(beta, float)}

    def update(
        rewards: Channels, state: State, rollout: Rollout
    ) -> tuple[Channels, State]:
        now = state["coefficient"]
        rewards, _ = kl_penalty(now, ref).update(rewards, (), rollout)
        row = masked.total(rollout.logp - rollout.signal(ref), rollout.mask)
        seen = jnp.any(rollout.mask, axis=1)
        kl, n = masked.mean(row, seen), jnp.sum(seen)
        return rewards, {"coefficient": next_coefficient(now, kl, n, target, horizon)}

    return RewardTransform(init, update)


def next_coefficient(
    now: Float[Array, ""],
    kl: float | Float[Array, ""],
    rows: int | Float[Array, ""],
    target: float,
    horizon: float,
) -> Float[Array, ""]:
    """now * (1 + clip(kl / target - 1, -0.2, 0.2) * rows / horizon)."""
    return now * (1 + jnp.clip(kl / target - 1, -0.2, 0.2) * rows / horizon)
