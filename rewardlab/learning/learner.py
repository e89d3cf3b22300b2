"""The learner: advantages to parameters.

`gradient_step` is the per-shard program that both drivers run; it knows one axis and
uses it once, on sums, before dividing. `learner` pairs it with an estimator.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp
import optax
from jax import lax
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float, Int

from rewardlab.core.finite import all_finite
from rewardlab.core.masked import divide
from rewardlab.core.types import Reward, RewardTransform, Rollout, Sum
from rewardlab.learning.estimate import Holes, estimate_with
from rewardlab.learning.parallel import (
    AXIS,
    REPLICATED,
    SHARDED,
    SHARDED_ROLLOUT,
    Driver,
)
from rewardlab.models.logprobs import TokenStats
from rewardlab.objectives import Metrics, Objective

STEP: dict[str, Any] = {  # how a gradient step meets devices
    "ins": (REPLICATED, REPLICATED, SHARDED_ROLLOUT, SHARDED),
    "outs": (REPLICATED, REPLICATED, REPLICATED, SHARDED),
    "donate": (0, 1),
}
Params = Any
Policy = Callable[[Params, Rollout], TokenStats]


class LearnerState(NamedTuple):
    """All that changes in training: one pytree, one checkpoint."""

    step: Int[Array, ""]  # iterations done
    skipped: Int[Array, ""]  # iterations skipped in a row as not finite
    params: Params
    opt: optax.OptState
    reward: Any  # the estimator's state


class Report(NamedTuple):
    """What one update did."""

    metrics: dict[str, Float[Array, ""]]
    advantage: Float[Array, "N T"]
    reward: Reward  # what the sentence makes of each row before any baseline
    bad_rows: Bool[Array, " N"]  # where a reward, log-prob or advantage is not finite
    holes: Holes  # by signal that was read: the rows in which it is NaN


class Learner(NamedTuple):
    """`init(params, rollout) -> LearnerState` reads the rollout's shapes only;
    `update(state, rollout) -> (LearnerState, Report)`; `rehearse(rollout)` goes through
    reward and selection on shapes, so that what they lack is said before all else."""

    init: Callable[[Params, Rollout], LearnerState]
    update: Callable[[LearnerState, Rollout], tuple[LearnerState, Report]]
    rehearse: Callable[[Rollout], None]


def gradient_step(
    policy: Policy,
    objective: Objective,
    optimizer: optax.GradientTransformation,
    micro_batches: int = 1,
    axis: str | None = None,
    on_policy: bool = False,
) -> Callable[..., tuple[Params, optax.OptState, Metrics, Float[Array, "N T"]]]:
    """One optimizer step on this shard's rows; rows are laid out prompt by prompt.

    Gradients are of the objective's sum; sums over micro-batches and over `axis` are
    divided once by the count of the whole batch, so the cut changes nothing. A step
    whose loss, gradient or outcome (parameters, optimizer) is not finite leaves both
    alone and reports `skipped` 1. Returns (params, opt, metrics, log-probs before it
    [N, T]). `on_policy`: these are the rollout's too, so every ratio is 1.
    """

    def loss(params: Params, rollout: Rollout, advantage: Any) -> tuple[Any, Any]:
        stats = policy(params, rollout)
        logp = lax.stop_gradient(stats.logp)
        then = dataclasses.replace(rollout, logp=logp) if on_policy else rollout
        total, metrics = objective(stats, then, advantage)
        return total.value, ((total, metrics), logp)

    gradient = jax.grad(loss, has_aux=True)

    def step(
        params: Params, opt: optax.OptState, rollout: Rollout, advantage: Any
    ) -> tuple[Params, optax.OptState, Metrics, Float[Array, "N T"]]:
        grads, sums, logp = _accumulate(
            functools.partial(gradient, params), rollout, advantage, micro_batches
        )
        if axis is not None:
            grads, sums = lax.psum((grads, sums), axis)
        total, metrics = sums
        # One long vector, as `optax.flatten` makes it: a loop, not one a parameter.
        flat, unravel = ravel_pytree(grads)
        flat = flat / jnp.maximum(total.count, 1)
        grads, norm, one = unravel(flat), jnp.linalg.norm(flat), jnp.ones(())
        finite = jnp.isfinite(norm) & jnp.isfinite(total.value)
        updates, after = optimizer.update(grads, opt, params)
        new = (optax.apply_updates(params, updates), after)
        finite &= all_finite(new)
        kept = jax.tree.map(lambda n, o: jnp.where(finite, n, o), new, (params, opt))
        whole = {"loss": total, "grad_norm": Sum(norm, one)}
        skipped = {"skipped": Sum(1.0 - finite, one)}
        return *kept, {**metrics, **whole, **skipped}, logp

    return step


def _accumulate(
    gradient: Callable[..., Any], rollout: Rollout, advantage: Any, micro_batches: int
) -> tuple[Any, Any, Float[Array, "N T"]]:
    """Gradients and sums over micro-batches, and the log-probs of all rows."""
    if micro_batches == 1:
        grads, (sums, logp) = gradient(rollout, advantage)
        return grads, sums, logp
    chunks = _chunks(rollout, advantage, micro_batches)
    grads, (sums, _) = jax.eval_shape(gradient, *jax.tree.map(lambda x: x[0], chunks))
    zeros = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), (grads, sums))

    def add(carry: Any, chunk: Any) -> tuple[Any, Any]:
        grads, (sums, logp) = gradient(*chunk)
        return jax.tree.map(jnp.add, carry, (grads, sums)), logp

    (grads, sums), logp = lax.scan(add, zeros, chunks)
    return grads, sums, logp.reshape(rollout.logp.shape)


def _chunks(rollout: Rollout, advantage: Any, count: int) -> tuple[Rollout, Any]:
    """The rows of whole prompts cut into `count` equal parts on a new first axis."""
    prompts, rows = rollout.prompts.shape[0], rollout.tokens.shape[0]
    if prompts % count:
        fits = [n for n in range(1, prompts + 1) if prompts % n == 0]
        raise ValueError(
            f"micro_batches={count} does not divide the {prompts} prompts of a device; "
            f"use one of {fits}"
        )
    cut = lambda x: x.reshape(count, x.shape[0] // count, *x.shape[1:])  # noqa: E731
    group = jnp.arange(rows // count) // (rows // prompts)
    fields = {f.name: getattr(rollout, f.name) for f in dataclasses.fields(rollout)}
    parts = jax.tree.map(cut, {k: v for k, v in fields.items() if k != "iteration"})
    parts["group"] = jnp.tile(group, (count, 1))
    parts["iteration"] = jnp.broadcast_to(rollout.iteration, (count,))
    return Rollout(**parts), cut(advantage)


def learner(
    policy: Policy,
    estimator: RewardTransform,
    reward: Callable[[Any, Rollout], Reward],
    objective: Objective,
    optimizer: optax.GradientTransformation,
    driver: Driver,
    num_iterations: int = 1,
    micro_batches: int = 1,
    select: Callable[[Rollout], Rollout] | None = None,
    on_policy: bool = False,
) -> Learner:
    """An estimator and `num_iterations` gradient steps on each rollout.

    `reward(state, rollout)` is the reward that the sentence makes before any baseline,
    for the record, of all rows; the estimator and the loss see those that `select`
    keeps. When an advantage is not finite the estimator's state stays too; where that
    state would turn NaN, or a signal that is read is NaN, no advantage is finite.

    `on_policy` says that the parameters are those that made the rollout. Then the old
    log-probs come from the first step's own pass: a sampler's differ from them by the
    precision of its type, which in bfloat16 is more than `gspo` allows.
    """
    once = functools.partial(gradient_step, policy, objective, optimizer, micro_batches)
    first, later = (driver.spmd(once(AXIS, x), **STEP) for x in (on_policy, False))
    steps = [first, *[later] * (num_iterations - 1)]
    estimate = estimate_with(estimator, reward, select or (lambda rollout: rollout))

    def init(params: Params, rollout: Rollout) -> LearnerState:
        return driver.replicate(_first_state(params, rollout, optimizer, estimator))

    def update(state: LearnerState, rollout: Rollout) -> tuple[LearnerState, Report]:
        chex.assert_equal_shape([rollout.tokens, rollout.mask, rollout.logp])
        kept, advantage, after, trained_on, holes = estimate(state.reward, rollout)
        params, opt = state.params, state.opt
        history, bad = [], ~jnp.all(jnp.isfinite(trained_on.value), axis=1)
        for step in steps:
            params, opt, sums, logp = step(params, opt, kept, advantage)
            history.append(sums)
            bad |= jnp.any(~jnp.isfinite(logp) & kept.mask, axis=1)
            if on_policy and step is first:
                kept = dataclasses.replace(kept, logp=logp)
        metrics = _mean_over_epochs(history)
        if select is not None:
            rows = (jnp.any(x.mask, axis=1) for x in (kept, rollout))
            metrics["frac_rows_selected"] = divide(*(jnp.sum(x * 1.0) for x in rows))
        skipped = jnp.where(metrics["skipped"] > 0, state.skipped + 1, 0)
        new = LearnerState(state.step + 1, skipped, params, opt, after)
        spread = ~jnp.all(jnp.isfinite(advantage), axis=1)
        bad = jnp.where(jnp.any(bad), bad, spread)
        return new, Report(metrics, advantage, trained_on, bad, holes)

    return Learner(init, update, functools.partial(_rehearse, estimator, estimate))


def _rehearse(
    estimator: RewardTransform, estimate: Callable[..., Any], rollout: Rollout
) -> None:
    jax.eval_shape(estimate, estimator.init(rollout), rollout)


def _first_state(
    params: Params,
    rollout: Rollout,
    optimizer: optax.GradientTransformation,
    estimator: RewardTransform,
) -> LearnerState:
    @jax.jit
    def fresh(params: Params) -> LearnerState:
        zero = jnp.zeros((), jnp.int32)
        opt, reward = optimizer.init(params), estimator.init(rollout)
        # A state is donated as a whole, so no array may stand in it twice.
        return jax.tree.map(jnp.copy, LearnerState(zero, zero, params, opt, reward))

    return fresh(params)


def _mean_over_epochs(history: list[Metrics]) -> dict[str, Float[Array, ""]]:
    total = jax.tree.map(lambda *x: sum(x[1:], x[0]), *history)
    return {name: s.mean() for name, s in total.items()}
