"""Scorers of who wrote what: several agents that share an episode."""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Bool

from rewardlab.core import masked
from rewardlab.core.types import Rollout, Static
from rewardlab.scorers.measured import labels
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


def trajectories(main: int = 1) -> Maker:
    """`trajectory_format`, `trajectory_weight`, `subtask_flaws` [N, S]: of the
    trajectory that each turn belongs to.

    All turns of the agent `main` in an episode are one trajectory; a sub-agent's is a
    call, its turns until another agent speaks. The first is 1 if all its turns keep to
    the grammar, the second 1 / (its turns), so that it counts once among others, the
    third the mean of its turns' `flaws`, of sub-agents alone. (M-GRPO, arXiv
    2511.13288: the method `m_grpo`)

    trajectories(): agents (0, 1, 0, 1), the last malformed -> formats (1, 0, 1, 0),
    weights (1, 1/2, 1, 1/2)
    """

    def make(setting: Setting) -> Scorer:
        def score(
            state: Any, context: Context, rollout: Rollout, batch: Any
        ) -> dict[str, Array]:
            agent, there = labels(rollout, "agent")
            own = _together(agent, there, main)
            turns = jnp.sum(own, axis=2)
            bad = there & masked.speaks(rollout, "grounding")
            bad &= rollout.signal("grounding") < 0.5
            heard = own & (there & masked.speaks(rollout, "flaws"))[:, None]
            found = jnp.where(heard, rollout.signal("flaws")[:, None], 0)
            judged = jnp.sum(heard, axis=2)
            flaws = masked.safe_divide(jnp.sum(found, axis=2), judged)
            malformed = jnp.any(own & bad[:, None], axis=2)
            return {
                "trajectory_format": jnp.where(there & ~malformed, 1.0, 0.0),
                "trajectory_weight": jnp.where(there, 1 / jnp.maximum(turns, 1), 0.0),
                "subtask_flaws": flaws,
                "subtask_flaws_valid": (agent != main) & (judged > 0),
            }

        names = ("trajectory_format", "trajectory_weight", "subtask_flaws")
        provides = dict.fromkeys((*names, "subtask_flaws_valid"), "NS")
        reads = ("agent", "flaws", "grounding")
        return Scorer("trajectories", provides, reads, "shard", score)

    return make


def _together(
    agent: Array, there: Bool[Array, "N S"], main: int
) -> Bool[Array, "N S S"]:
    """Which turns of a row are of one trajectory."""
    turns = there & jnp.pad(agent[:, 1:] != agent[:, :-1], ((0, 0), (1, 0)))
    ids = jnp.where(agent == main, 0, 1 + jnp.cumsum(turns, axis=1))
    both = there[:, :, None] & there[:, None, :]
    return both & (ids[:, :, None] == ids[:, None, :])
