"""Two sentences, and for each row one of them."""

from typing import Any

import jax
import jax.numpy as jnp

from rewardlab.core.compose import named
from rewardlab.core.types import Channels, RewardTransform, Rollout, SignalName


@named
def either(
    when: SignalName, then: RewardTransform, otherwise: RewardTransform
) -> RewardTransform:
    """`then` in rows whose signal `when` [N] is > 0, `otherwise` in the others.

    either('tool_used', shift(1), shift(2)) on 0, 0 with tool_used = 1, 0 -> 1, 2.

    Both see all rows, so their baselines and states do not depend on who passes; both
    must end in the same channels. `gate` is this with nothing to do otherwise.
    (MT-GRPO, arXiv 2505.11821: rows without a tool's answer are scored as a whole.)
    """

    def init(rollout: Rollout) -> tuple[Any, Any]:
        return then.init(rollout), otherwise.init(rollout)

    def update(
        rewards: Channels, state: tuple[Any, Any], rollout: Rollout
    ) -> tuple[Channels, tuple[Any, Any]]:
        yes, first = then.update(rewards, state[0], rollout)
        no, second = otherwise.update(rewards, state[1], rollout)
        if sorted(yes) != sorted(no):
            raise ValueError(
                f"either({when!r}, ...) ends in {sorted(yes)} or in {sorted(no)}; let "
                "both of its sentences end in the same channels"
            )
        rows = rollout.signal(when)[:, None] > 0
        choose = lambda a, b: jnp.where(rows, a, b)  # noqa: E731
        return jax.tree.map(choose, yes, no), (first, second)

    return RewardTransform(init, update)
