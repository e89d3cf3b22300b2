"""Monte-Carlo values of the states that turns begin in."""

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float

from rewardlab.core import masked
from rewardlab.core.types import Rollout
from rewardlab.rollouts.branches import TreeContext, resume_from_turn
from rewardlab.rollouts.drawing import row_keys
from rewardlab.rollouts.rows import Rows

VALUE_SIGNALS = ("step_value", "success")
_VALUES = 2**31 - 2  # folded into a run's key: the noise of continuations


def with_values(rollout: Rollout, value: Float[Array, "N S"]) -> Rollout:
    """Adds `step_value` [N, S] and `success` [N, S+1] from the value before each turn.

    After a row's last turn its value is its outcome, the signal `correct`.
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


def tree_values(
    rollout: Rollout, turns: int, num_generations: int
) -> Float[Array, "N S"]:
    """The mean `correct` of all rows that pass through the state before each turn.

    Rows of a prompt pass through the same state if they share the turn before it (the
    signal `node`); before turn 0 all do. Failed rows do not count. Where no other row
    passes, the value is the row's own outcome. Branching where the entropy is high
    weighs such states more, a bias.
    """
    k = jnp.arange(turns)[:, None]
    before = rollout.step[:, None] == k - 1
    state = jnp.max(jnp.where(before, rollout.signal("node")[:, None], -1), axis=2)
    state = state.reshape(-1, num_generations, turns)
    correct = rollout.signal("correct").reshape(-1, 1, num_generations, 1)
    valid = rollout.signal("correct_valid").reshape(correct.shape)
    through = valid & (state[:, :, None] == state[:, None])
    total = jnp.sum(jnp.where(through, correct, 0), axis=2)
    return masked.safe_divide(total, jnp.sum(through, axis=2)).reshape(-1, turns)


def turn_values(
    context: TreeContext, rows: Rows, continuations: int
) -> Float[Array, "N S"]:
    """The mean `correct` of K fresh episodes from the beginning of each turn.

    The estimate of VinePPO (arXiv 2410.01679): K = `continuations` rows go on from the
    row's cache and the environment's state there, and are not trained on. Failed ones
    do not count; if all fail, the row's own outcome is used. It costs the tokens of
    N K S episodes, turn after turn.
    """
    environment = context.environment
    prompts, n = context.first.shape[0], rows.node.shape[0]
    num_generations = n // prompts
    parent = jnp.repeat(jnp.arange(num_generations), continuations)
    parent = jnp.broadcast_to(parent, (prompts, parent.shape[0]))
    own, valid_own = _outcome(context, rows)

    def at(_: None, turn: Array) -> tuple[None, Float[Array, " N"]]:
        key = jax.random.fold_in(jax.random.fold_in(context.key, _VALUES), turn)
        ids, count = context.columns["id"], parent.shape[1]
        keys = row_keys(key, context.iteration, ids, count)
        where = jnp.full(parent.shape, turn, jnp.int32)
        continued = resume_from_turn(
            context, rows, parent, where, keys, jnp.arange(count)
        )
        correct, valid = (x.reshape(n, -1) for x in _outcome(context, continued))
        mean = masked.row_mean(correct, valid)
        return None, jnp.where(
            jnp.any(valid, axis=1), mean, jnp.where(valid_own, own, 0)
        )

    value = lax.scan(at, None, jnp.arange(environment.max_turns))[1].T
    begun = jnp.arange(environment.max_turns) <= rows.state.turn[:, None]
    return jnp.where(begun, value, 0)


def _outcome(
    context: TreeContext, rows: Rows
) -> tuple[Float[Array, " N"], Bool[Array, " N"]]:
    """`correct` of each row, and whether it is a value."""
    correct = jax.vmap(context.environment.outcome)(rows.env_states)["correct"]
    return correct, ~rows.state.failed & jnp.isfinite(correct)


def _begun(rollout: Rollout, turns: int) -> Bool[Array, "N S"]:
    here = rollout.step[:, None] == jnp.arange(turns)[:, None]
    return jnp.any(here & rollout.mask[:, None], axis=2)
