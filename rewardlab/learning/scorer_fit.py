"""What a scorer learns: its state, and one step of it on all devices."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Int

from rewardlab.core.types import Rollout, Sum
from rewardlab.data.batch import Batch
from rewardlab.learning.fit import fit_step
from rewardlab.learning.mini_batches import in_mini_batches, micro_batches_in
from rewardlab.learning.parallel import (
    PARTED,
    REPLICATED,
    SHARDED,
    SHARDED_ROLLOUT,
    Driver,
)
from rewardlab.learning.shards import Shards
from rewardlab.scorers.protocol import Context, Fit, Scorer, context_of

States = dict[str, Any]  # by the scorer's name
Means = dict[str, Array]
Make = Callable[[dict[str, Array]], dict[str, Scorer]]  # of the numbers that are traced


class Learned(NamedTuple):
    """The state of a scorer that learns; what is trained lies as the policy does."""

    params: Any
    opt: optax.OptState
    skipped: Int[Array, ""]  # of its steps in a row, as not finite


def begun(fit: Fit, params: Any, hp: dict[str, Array]) -> Learned:
    """What is trained, before its first step."""
    return Learned(params, fit.optimizer(hp).init(params), jnp.zeros((), jnp.int32))


def trained_of(state: Any) -> Any:
    """What a scorer is given of its state when it is asked."""
    return state.params if isinstance(state, Learned) else state


def fitting(
    name: str, make: Make, driver: Driver, micro_batches: int
) -> Callable[..., tuple[States, Means]]:
    """One step: (states, context, rollout, batch, reward, learns) -> (states, means).

    Unless it `learns` the scorer stays as it is: the policy cannot learn of these rows.
    A step that is not finite leaves the scorer alone and is `skipped`; one of which no
    label counts leaves it alone too, its moments among it, and is `skipped_labels`.
    """

    own = (PARTED, PARTED, REPLICATED)
    ins = (*own, REPLICATED, REPLICATED, SHARDED_ROLLOUT, SHARDED)
    learn = _learning(name, make, micro_batches)
    program = driver.fit(learn, ins=ins, outs=(*own, REPLICATED), donate=(0, 1))

    def fit(
        states: States,
        context: Context,
        rollout: Rollout,
        batch: Batch,
        reward: Any,
        learns: Bool[Array, ""] | None = None,
    ) -> tuple[States, Means]:
        rows = (batch.on_device, reward)
        *learnt, told = program(*states[name], context, learns, rollout, rows)
        means = {f"scorers/{name}/{key}": x for key, x in told.items()}
        return {**states, name: Learned(*learnt)}, means

    return fit


def _learning(name: str, make: Make, micro_batches: int) -> Callable[..., Any]:
    """What each device does in a step."""

    def learn(
        shards: Shards, params: Any, opt: Any, skipped: Any, context: Context, *own: Any
    ) -> Any:
        learns, rollout, rows = own
        fit = make(context.hp)[name].fit
        assert fit is not None

        def loss(params: Any, rollout: Rollout, rows: Any) -> tuple[Any, ...]:
            mine = context_of(context, name)
            total, metrics = fit.loss(params, mine, rollout, *rows)
            return total, metrics, ()

        prompts = rollout.prompts.shape[0]
        count = fit.updates.fitted(prompts).mini_batches
        micro = micro_batches_in(prompts, count, micro_batches)
        step = fit_step(loss, fit.optimizer(context.hp), micro, shards)
        step, history = in_mini_batches(step, count), []
        for _ in range(fit.updates.epochs):
            params, opt, sums, _ = step(params, opt, rollout, rows, learns)
            history.append(sums)
        sums = jax.tree.map(lambda *x: sum(x[1:], x[0]), *history)
        skipped = jnp.where(sums["skipped"].value > 0, skipped + 1, 0)
        nothing = Sum(1.0 * (sums["loss"].count == 0), jnp.ones(()))
        told = fit.report({**sums, "skipped_labels": nothing})
        return params, opt, skipped, told

    return learn
