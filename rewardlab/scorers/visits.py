"""Scorers of states that several rows of a prompt visit, made of outcomes alone."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from rewardlab.core import masked
from rewardlab.core.types import Rollout
from rewardlab.reward_models.state_graph import goal_distances, pooled_returns
from rewardlab.scorers.passes import Maker
from rewardlab.scorers.protocol import Context, Scorer, Setting

READS = ("anchor", "correct")
Score = Callable[[Rollout], dict[str, Array]]


def state_values(discount: float = 0.95) -> Maker:
    """`state_value` [N, S]: V(s) = mean discounted return of the group's visits of s.

    Steps that begin with the same `anchor` are visits of one state; the return is
    discount^(turns left) of the row's `correct`, 1 after the last turn. A state that
    one row visits once has that row's own return. (GAGPO, arXiv 2605.13217)

    state_values(): rows (s, a) that is right and (s) that is not -> 0.475, 1 and 0.475
    """

    def score(rollout: Rollout) -> dict[str, Array]:
        outcome, there = _right(rollout)
        state = masked.dense_ids(*_keys(rollout.signal("anchor"), there, rollout))
        value = pooled_returns(outcome, state, there, discount)
        return {"state_value": value, "state_value_valid": jnp.any(there, axis=1)}

    return _maker("state_values", {"state_value": "NS"}, score)


def graph_values(discount: float = 0.95) -> Maker:
    """`graph_value` [N, S+1]: likewise before each step, and 1 or 0 after the last.

    Here the end itself is a state, worth 1 where `correct` is 1, and each turn on the
    way to it is discounted: V(s) = mean over visits of discount^(turns left, the last
    counts 1) `correct`. (G2PO, arXiv 2606.22995)

    graph_values(): rows (s, a), right, and (s), wrong -> 0.451 0.95 1 and 0.451 0
    """

    def score(rollout: Rollout) -> dict[str, Array]:
        outcome, there = _right(rollout)
        state = masked.dense_ids(*_keys(rollout.signal("anchor"), there, rollout))
        value = discount * pooled_returns(outcome, state, there, discount)
        value = jnp.pad(value, ((0, 0), (0, 1)))
        value = jnp.where(_after(there) & (outcome[:, None] == 1), 1, value)
        return {"graph_value": value, "graph_value_valid": jnp.any(there, axis=1)}

    return _maker("graph_values", {"graph_value": "NV"}, score)


def goal_nearness(omega: float = 0.9, shift: float = 1.0) -> Maker:
    """`goal_nearness` [N, S]: omega^(d + shift), d how far success is after step s.

    d is the fewest turns of the group's rows from the state that the step led to, to
    the end of a right row; from where no right row went, the greatest such number plus
    1. All right rows end in one state, and each other row in one of its own. Without a
    right row all are 0. (GraphGPO, arXiv 2605.26684)

    goal_nearness(): rows (s, a) that is right and (s) that is not -> 0.81 0.9, 0.656
    """

    def score(rollout: Rollout) -> dict[str, Array]:
        outcome, there = _right(rollout)
        ends, right = _after(there), outcome > 0
        nodes = jnp.pad(there, ((0, 0), (0, 1))) | ends
        anchor = jnp.pad(rollout.signal("anchor"), ((0, 0), (0, 1)))
        rows = jnp.arange(len(right))
        which = jnp.where(right, -1, rows)[:, None]  # of the ends: one, or its own
        kind = jnp.where(ends, 1, 0)
        keys = _keys(jnp.where(ends, which, anchor), nodes, rollout)
        state = masked.dense_ids(keys[0], kind, *keys[1:])
        distance = goal_distances(state, nodes, right, rollout.group)
        near = jnp.asarray(omega) ** (distance[:, 1:] + shift)
        valid = jnp.any(there, axis=1)
        return {
            "goal_nearness": jnp.where(there, near, 0),
            "goal_nearness_valid": valid,
        }

    return _maker("goal_nearness", {"goal_nearness": "NS"}, score)


def _right(rollout: Rollout) -> tuple[Float[Array, " N"], Bool[Array, "N S"]]:
    """The outcome of each row, 0 where it abstains, and the steps of those that have
    one."""
    outcome, heard = masked.heard(rollout, "correct")
    step = jnp.arange(rollout.signal("anchor").shape[1])[:, None]
    there = jnp.any(rollout.mask[:, None] & (rollout.step[:, None] == step), axis=2)
    return jnp.where(heard, outcome, 0), there & heard[:, None]


def _after(there: Bool[Array, "N S"]) -> Bool[Array, "N S+1"]:
    """True in the column after a row's last step."""
    return jnp.pad(masked.last(there), ((0, 0), (1, 0)))


def _keys(
    anchor: Int[Array, "N S"], there: Bool[Array, "N S"], rollout: Rollout
) -> tuple[Int[Array, "N S"], Int[Array, "N S"]]:
    """What states are told apart by: their group and what was seen."""
    group = jnp.where(there, rollout.group[:, None], -1)
    return group, jnp.where(there, anchor, 0)


def _maker(name: str, provides: dict[str, str], of: Score) -> Maker:
    def make(setting: Setting) -> Scorer:
        def score(
            state: Any, context: Context, rollout: Rollout, batch: Any
        ) -> dict[str, Array]:
            return of(rollout)

        return Scorer(name, provides, READS, "batch", score)

    return make
