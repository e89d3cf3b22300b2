"""The estimator at work in training: on the rows to learn from, and never on NaN."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rewardlab.core.finite import turns_nan
from rewardlab.core.signals.holes import nan_rows
from rewardlab.core.types import Reward, Rollout, reading

Holes = dict[str, Bool[Array, " N"]]  # by signal: the rows in which it is NaN


class Estimate(NamedTuple):
    """What a rollout is worth to the learner."""

    kept: Rollout  # the rows to learn from
    advantage: Float[Array, "N T"]  # NaN where a signal has holes
    state: Any  # the estimator's next, or the old one if not all is finite
    reward: Reward  # of all rows, before any baseline
    holes: Holes

    @property
    def learned_of(self) -> tuple[Rollout, Reward, Bool[Array, ""]]:
        """What scorers learn from, and whether the policy can learn of it as well."""
        return self.kept, self.reward, jnp.all(jnp.isfinite(self.advantage))


def estimate_with(
    parts: Callable[[Any], Any], select: Callable[[Rollout], Rollout]
) -> Callable[[Any, Rollout, Any], Estimate]:
    """A compiled function of the estimator's state, a rollout and hyperparameters.

    `parts(hp)` has the `estimator` and the `reward` of the learner's `Parts`.

    The state does not change where the advantage is not finite. No advantage counts as
    finite where the state would turn NaN, or a signal that is read is NaN and does not
    say that it abstains.
    """

    @jax.jit
    def estimate(state: Any, rollout: Rollout, hp: Any) -> Estimate:
        made = parts(hp)
        with reading() as read:
            kept = select(rollout)
            advantage, after = made.estimator.update({}, state, kept)
        holes = nan_rows(rollout, read)
        broken = turns_nan(state, after)
        for rows in holes.values():
            broken |= jnp.any(rows)
        advantage = jnp.where(broken, jnp.nan, advantage)
        finite = jnp.all(jnp.isfinite(advantage))
        new = jax.tree.map(lambda n, o: jnp.where(finite, n, o), after, state)
        return Estimate(kept, advantage, new, made.reward(state, rollout), holes)

    return estimate
