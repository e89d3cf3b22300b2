"""Scorers of who wrote what: several agents that share an episode."""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from rewardlab.core.types import Rollout, Static
from rewardlab.scorers.passes import Maker
from rewardlab.scorers.protocol import Context, Scorer, Setting
from rewardlab.scorers.steps import columns


def agents(count: Static[int] = 2) -> Maker:
    """`agent` [N, S]: who wrote each turn, where `count` agents take turns.

    All are the policy that trains, in roles that it tells apart by what was said
    before: a first attempt and its revision are two. (Dr. MAS, arXiv 2602.08847)

    agents(): four turns -> 0, 1, 0, 1
    """

    def make(setting: Setting) -> Scorer:
        def score(
            state: Any, context: Context, rollout: Rollout, batch: Any
        ) -> dict[str, Array]:
            turn = jnp.arange(columns(rollout), dtype=jnp.int32) % count
            shape = (rollout.mask.shape[0], len(turn))
            return {"agent": jnp.broadcast_to(turn, shape)}

        return Scorer("agents", {"agent": "NS"}, (), "shard", score)

    return make


def peers(scoped: tuple[int, ...] = (1,)) -> Maker:
    """`peers` [N, S]: equal for turns that are compared: those of one agent, and for
    the agents that are `scoped`, of one episode.

    What `center_by_state('peers')` reads: a solver competes with the other answers of
    its episode, a proposer with the prompt's. (hierarchical GRPO of prime-rl)

    peers(): agents (0, 1, 1) in two rows -> (0, 3, 3) and (0, 5, 5)
    """

    def make(setting: Setting) -> Scorer:
        def score(
            state: Any, context: Context, rollout: Rollout, batch: Any
        ) -> dict[str, Array]:
            agent = rollout.signal("agent")
            inside = jnp.isin(agent, jnp.asarray(scoped, jnp.int32))
            kinds = jnp.max(agent, initial=0) + 1
            row = 1 + jnp.arange(agent.shape[0], dtype=agent.dtype)[:, None]
            return {"peers": agent + jnp.where(inside, kinds * row, 0)}

        return Scorer("peers", {"peers": "NS"}, ("agent",), "batch", score)

    return make
