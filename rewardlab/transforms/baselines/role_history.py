"""A role's own past as its baseline."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from rewardlab.core.compose import named, running
from rewardlab.core.types import (
    Coefficient,
    Reward,
    RewardTransform,
    Rollout,
    SignalName,
    Static,
    coefficient,
)
from rewardlab.transforms.sources.signals import at_steps


@named
def center_by_role_history(
    role: SignalName, decay: Coefficient = 0.95, roles: Static[int] = 2
) -> RewardTransform:
    """r - b_role, then b_role = decay b_role + (1 - decay) r, one reward after another.

    Rewards 1, 1 of role 0 and -1 of role 1 -> 1, 0.95 and -1 at first.

    The signal `role`, [N, S] or [N], numbers the roles from 0 to `roles` - 1; rewards
    come in the order of rows, and within one of tokens, so this depends on that order.
    The baselines begin at 0 and are kept over iterations. (RAE of SPIRAL, arXiv
    2506.24119)
    """

    def center(
        reward: Reward, state: Float[Array, " R"], rollout: Rollout
    ) -> tuple[Reward, Any]:
        who = rollout.signal(role)
        who = at_steps(who, rollout) if who.ndim == 2 else who[:, None]
        who = jnp.broadcast_to(who, reward.placed.shape).reshape(1, -1)
        rate = coefficient(decay, rollout)
        own = reward.placed.reshape(1, -1) & (who == jnp.arange(roles)[:, None])
        keep = jnp.where(own, rate, 1.0)
        add = jnp.where(own, (1 - rate) * reward.value.reshape(1, -1), 0.0)
        kept, added = lax.associative_scan(_after, (keep, add), axis=1)
        after = kept * state[:, None] + added
        before = jnp.concatenate([state[:, None], after[:, :-1]], axis=1)
        past = jnp.sum(jnp.where(own, before, 0), axis=0)
        value = reward.value - past.reshape(reward.placed.shape)
        return reward.with_value(value), after[:, -1].astype(state.dtype)

    def begin() -> Float[Array, " R"]:
        return jnp.zeros(roles, jax.dtypes.canonicalize_dtype(float))

    return running(begin, center)


def _after(first: tuple[Array, Array], then: tuple[Array, Array]) -> Any:
    return first[0] * then[0], first[1] * then[0] + then[1]
