"""Tool productivity: a right answer with fewer calls is worth more.

OTC (arXiv 2504.14870). No code is public; formulas are those of two secondary sources.
The paper pays alpha * r_tool * r_correct: join the channels by
`formula('correct * tool_use')`.
"""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Float

from rewardlab.core import masked
from rewardlab.core.compose import add_channel, named, stateless
from rewardlab.core.types import Channels, RewardTransform, Rollout, SignalName
from rewardlab.transforms.sources.last_token import on_last_token, scored
from rewardlab.transforms.sources.signals import validity

Calls = Float[Array, " N"]


@named
def tool_efficiency(calls: SignalName, smooth: float) -> RewardTransform:
    """Adds channel `tool_use`: cos(m pi / (2m + smooth)) for m calls.

    m = 0, 1 with smooth = 1 -> 1, 0.5.

    It falls from 1 to 0; a larger `smooth` is milder. (OTC-PPO)
    """
    return _source(calls, lambda m, rollout: efficiency(m, smooth))


@named
def tool_efficiency_by_group(
    calls: SignalName, correct: SignalName, smooth: float
) -> RewardTransform:
    """Adds channel `tool_use`: sin(m pi / (m + n)) for m calls, 1 at m = n.

    m = 2, 4 with n = 2 -> 1, 0.866.

    n is the smallest number of calls among the group's right answers (`correct` > 0).
    Where n is 0, or no answer is right, it is `tool_efficiency`. (OTC-GRPO)
    """

    def score(m: Calls, rollout: Rollout) -> Calls:
        right = (rollout.signal(correct) > 0) & validity(rollout, calls)[:, 0]
        right &= scored(validity(rollout, correct), rollout)
        n = masked.group_min(jnp.where(right, m, jnp.inf), rollout)
        near = jnp.sin(0.5 * jnp.pi * effective_calls(m, n) / jnp.where(n > 0, n, 1))
        return jnp.where(n > 0, near, efficiency(m, smooth))

    return _source(calls, score)


def efficiency(m: Calls, smooth: float) -> Calls:
    """cos(m pi / (2m + smooth)), as the sine of the complementary angle."""
    return jnp.sin(0.5 * jnp.pi * smooth / (2 * m + smooth))


def effective_calls(m: Calls, n: Calls) -> Calls:
    """2 n m / (m + n), in [0, 2n): m calls on a scale where n is the middle."""
    return 2 * n * m / jnp.where(m + n > 0, m + n, 1)


def _source(
    calls: SignalName, score: Callable[[Calls, Rollout], Calls]
) -> RewardTransform:
    def source(rewards: Channels, rollout: Rollout) -> Channels:
        made = rollout.signal(calls)
        m = made.astype(jnp.result_type(made, float))
        valid = validity(rollout, calls)
        reward = on_last_token(score(m, rollout), valid, rollout)
        return add_channel(rewards, "tool_use", reward)

    return stateless(source)
