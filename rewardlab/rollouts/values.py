"""Monte-Carlo values of the states that turns begin in."""

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float

from rewardlab.core import masked
from rewardlab.core.types import Rollout
from rewardlab.rollouts.branches import Setting, branch
from rewardlab.rollouts.drawing import row_keys
from rewardlab.rollouts.rows import Rows

VALUE_SIGNALS = ("step_value", "success")
_VALUES = 2**31 - 2  # folded into a run's key: the noise of continuations


def with_values(rollout: Rollout, value: Float[Array, "N S"]) -> Rollout:
    """Adds `step_value` [N, S] and `success` [N, S+1] from the value before each turn.

    After a row's last turn its value is what came of it, the signal `correct`.
    `success_valid` [N] is that of `correct`.
    """
    final = rollout.signal("correct")[:, None]
    begun = _begun(rollout, value.shape[1])
    value = jnp.where(begun, value, final)
    return rollout.with_signals(
        step_value=jnp.where(begun, value, 0),
        success=jnp.concatenate([value, final], axis=1),
        success_valid=rollout.signal("correct_valid"),
    )


def tree_values(rollout: Rollout, turns: int, episodes: int) -> Float[Array, "N S"]:
    """The mean `correct` of all rows that go through the state before each turn.

    Rows of a prompt, `episodes` of them, go through the same state if they share the
    turn before it: the signal `node`. Before turn 0 they all do. A row that failed
    does not count. Where no other row goes through, the value is the row's own outcome.
    Rows that branch where the policy hesitates weigh such states more, a bias.
    """
    k = jnp.arange(turns)[:, None]
    before = rollout.step[:, None] == k - 1
    state = jnp.max(jnp.where(before, rollout.signal("node")[:, None], -1), axis=2)
    state = state.reshape(-1, episodes, turns)
    correct = rollout.signal("correct").reshape(-1, 1, episodes, 1)
    judged = rollout.signal("correct_valid").reshape(correct.shape)
    through = judged & (state[:, :, None] == state[:, None])
    total = jnp.sum(jnp.where(through, correct, 0), axis=2)
    return masked.safe_divide(total, jnp.sum(through, axis=2)).reshape(-1, turns)


def turn_values(
    setting: Setting, rows: Rows, continuations: int
) -> Float[Array, "N S"]:
    """The mean `correct` of K fresh episodes from the beginning of each turn.

    The estimate of VinePPO (arXiv 2410.01679): K = `continuations` rows go on from the
    row's cache and the environment's state there, and nobody trains on them. Those that
    fail do not count; if all do, the row's own outcome stands for them. It costs as
    many tokens as N K S episodes, a turn after the other.
    """
    environment = setting.environment
    prompts, n = setting.first.shape[0], rows.node.shape[0]
    episodes = n // prompts
    parent = jnp.repeat(jnp.arange(episodes), continuations)
    parent = jnp.broadcast_to(parent, (prompts, parent.shape[0]))
    own, fine = _outcome(setting, rows)

    def at(_: None, turn: Array) -> tuple[None, Float[Array, " N"]]:
        key = jax.random.fold_in(jax.random.fold_in(setting.key, _VALUES), turn)
        ids, count = setting.facts["id"], parent.shape[1]
        keys = row_keys(key, setting.iteration, ids, count)
        where = jnp.full(parent.shape, turn, jnp.int32)
        played = branch(setting, rows, parent, where, keys, jnp.arange(count))
        correct, judged = (x.reshape(n, -1) for x in _outcome(setting, played))
        mean = masked.row_mean(correct, judged)
        return None, jnp.where(jnp.any(judged, axis=1), mean, jnp.where(fine, own, 0))

    value = lax.scan(at, None, jnp.arange(environment.max_turns))[1].T
    begun = jnp.arange(environment.max_turns) <= rows.now.turn[:, None]
    return jnp.where(begun, value, 0)


def _outcome(
    setting: Setting, rows: Rows
) -> tuple[Float[Array, " N"], Bool[Array, " N"]]:
    """`correct` of each row, and whether it is a value."""
    correct = jax.vmap(setting.environment.outcome)(rows.states)["correct"]
    return correct, ~rows.now.failed & jnp.isfinite(correct)


def _begun(rollout: Rollout, turns: int) -> Bool[Array, "N S"]:
    here = rollout.step[:, None] == jnp.arange(turns)[:, None]
    return jnp.any(here & rollout.mask[:, None], axis=2)
