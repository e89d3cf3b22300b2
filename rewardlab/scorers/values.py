"""What values are fitted to, and how well they explain it."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float

from rewardlab.core import masked, recursions
from rewardlab.core.recursions import lambda_returns
from rewardlab.core.reward import Reward
from rewardlab.core.types import Rollout, Sum
from rewardlab.objectives.updates import Updates
from rewardlab.objectives.value import value_loss
from rewardlab.scorers.protocol import Context, Fit, Scorer, means
from rewardlab.transforms.sources.signals import at_steps

Number = float | Float[Array, ""]
Tokens = Float[Array, "N T"]
Value = Callable[[Any, Context, Rollout], Tokens]  # of what is trained
PARTS = ("return_square", "error", "error_square")  # of `explained_variance`


class Unit(NamedTuple):
    """What has a value: each token, or each step at its first token."""

    signal: str
    shape: str
    where: Callable[[Rollout], Bool[Array, "N T"]]
    paid: Callable[[Tokens, Rollout], Tokens]  # what each unit is paid, in its place
    written: Callable[[Tokens, Rollout], Array]  # the values as the signal has them
    known: Callable[[Array, Rollout], Tokens]  # and back


class Goal(NamedTuple):
    """What a critic is fitted to, and how far a step may carry it."""

    discount: Number
    decay: Number
    epsilon: Number | None

    def returns(self, old: Tokens, paid: Tokens, where: Bool[Array, "N T"]) -> Tokens:
        """The goal of each unit `where` there is one, 0 elsewhere."""
        paid, old = (jnp.where(where, x, 0) for x in (paid, old))
        found = lambda_returns(paid, old, where, self.discount, self.decay)
        return jnp.where(where, found, 0)


class Learning(NamedTuple):
    """How fast a critic learns, how long before the policy, and how often."""

    lr: Number
    warmup: int
    updates: Updates


def valued(
    name: str, unit: Unit, goal: Goal, learning: Learning, value: Value
) -> Scorer:
    """A critic, from what gives the values of a state; its `init` is still to come."""

    def score(
        state: Any, context: Context, rollout: Rollout, batch: Any
    ) -> dict[str, Array]:
        found = jnp.where(unit.where(rollout), value(state, context, rollout), 0)
        return {unit.signal: unit.written(found, rollout)}

    lr, warmup, updates = learning
    loss = fitted_to(goal, unit, value)
    fit = Fit(loss, lambda hp: optax.adam(lr), "after", warmup, updates, explained)
    return Scorer(name, {unit.signal: unit.shape}, (), "shard", score, fit=fit)


def fitted_to(
    goal: Goal, unit: Unit, value: Value
) -> Callable[..., tuple[Sum, dict[str, Sum]]]:
    """The loss of whatever gives values: PPO's, against the goal."""

    def loss(
        trained: Any, context: Context, rollout: Rollout, batch: Any, reward: Reward
    ) -> tuple[Sum, dict[str, Sum]]:
        there = unit.where(rollout) & reward.has_value[:, None]  # not of abstained rows
        paid = unit.paid(jnp.where(reward.placed, reward.value, 0), rollout)
        old = unit.known(rollout.signal(unit.signal), rollout)
        returns = goal.returns(old, paid, there)
        now = value(trained, context, rollout)
        parts = value_loss(now, old, returns, there, goal.epsilon)
        error = returns - old
        numbers = {
            "mse": (now - returns) ** 2,
            "return": returns,
            "return_square": returns**2,
            "error": error,
            "error_square": error**2,
        }
        sums = {name: masked.sum_of(x, there) for name, x in numbers.items()}
        return parts.loss, {**sums, "clipped": parts.clipped}

    return loss


def explained(sums: Mapping[str, Sum]) -> dict[str, Array]:
    """The metrics, and `explained_variance` = 1 - Var(G - v) / Var(G), with the values
    that advantages were made of; NaN where all returns are equal."""
    found = means(sums)
    spread = found["return_square"] - found["return"] ** 2
    left = found["error_square"] - found["error"] ** 2
    varies = spread > 1e-6 * found["return_square"]  # no less is left by rounding
    share = jnp.where(varies, 1 - left / jnp.where(varies, spread, 1), jnp.nan)
    told = {name: x for name, x in found.items() if name not in PARTS}
    return {**told, "explained_variance": share}


def starts(rollout: Rollout) -> Bool[Array, "N T"]:
    """True on the first True token of each step."""
    place = jnp.arange(rollout.mask.shape[1])
    return rollout.mask & (masked.step_starts(rollout) == place)


def of_step(paid: Tokens, rollout: Rollout) -> Tokens:
    """The sum inside each step, at its first token."""
    keep = jnp.where(masked.step_ends(rollout), 0.0, 1.0)
    return recursions.accumulate(jnp.where(rollout.mask, paid, 0), keep)


def _by_step(value: Tokens, rollout: Rollout) -> Float[Array, "N S"]:
    """Column s has the value of step s: as many columns as tokens are enough."""
    rows = jnp.arange(rollout.mask.shape[0])[:, None]
    value = jnp.where(starts(rollout), value, 0)
    return jnp.zeros_like(value).at[rows, jnp.maximum(rollout.step, 0)].add(value)


TOKENS = Unit(
    "value",
    "NT",
    lambda rollout: rollout.mask,
    lambda paid, rollout: paid,
    lambda value, rollout: value,
    lambda signal, rollout: signal,
)
STEPS = Unit("step_value", "NS", starts, of_step, _by_step, at_steps)
