"""The learner: advantages to parameters.

`gradient_step` is the policy's own step, `learner` pairs it with an estimator.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp
import optax
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from rewardlab.core.masked import safe_divide
from rewardlab.core.outlines import of_shapes
from rewardlab.core.types import Reward, RewardTransform, Rollout
from rewardlab.learning.estimate import Estimate, Holes, estimate_with
from rewardlab.learning.fit import STEP, Step, fit_step
from rewardlab.learning.mini_batches import in_mini_batches, micro_batches_in
from rewardlab.learning.parallel import Driver
from rewardlab.learning.shards import ALONE, Shards
from rewardlab.models.logprobs import TokenStats
from rewardlab.models.lora import join
from rewardlab.objectives import Metrics, Objective
from rewardlab.objectives.apart import Together
from rewardlab.objectives.updates import ONCE, Updates
from rewardlab.selection.brings import compared_with

Params = Any
Policy = Callable[[Params, Rollout], TokenStats]
Means = dict[str, Float[Array, ""]]
Fit = Callable[[Rollout, Reward, Bool[Array, ""]], tuple[dict[str, Any], Means]]
Numbers = dict[str, Array]  # hyperparameters by name, arguments of what is compiled


class LearnerState(NamedTuple):
    """All that changes in training: one pytree, one checkpoint."""

    step: Int[Array, ""]  # iterations done
    skipped: Int[Array, ""]  # iterations skipped in a row as not finite
    params: Params
    opt: optax.OptState
    reward: Any  # the estimator's state
    select: Any = ()
    scorers: dict[str, Any] = {}  # by the scorer's name


class Report(NamedTuple):
    """What one update did."""

    metrics: Means
    advantage: Float[Array, "N T"]
    reward: Reward  # what the sentence makes of each row before any baseline
    bad_rows: Bool[Array, " N"]  # where a reward, log-prob or advantage is not finite
    holes: Holes  # by signal that was read: the rows in which it is NaN
    problem: Int[Array, " B"] | tuple[()] = ()  # the ids of the rollout's problems


class Parts(NamedTuple):
    """What learns, for one set of hyperparameters.

    `reward(state, rollout)` is the reward that the sentence makes before any baseline,
    for the record, of all rows.
    """

    policy: Policy
    estimator: RewardTransform
    reward: Callable[[Any, Rollout], Reward]
    objective: Objective
    optimizer: optax.GradientTransformation


class Learner(NamedTuple):
    """`init(params, rollout, hp) -> LearnerState` reads the rollout's shapes only;
    `update(state, rollout, hp, fit, learns, frozen) -> (LearnerState, Report)`, where
    `fit(kept, reward, sound) -> (scorers, means)` lets scorers learn before the policy
    does, if all advantages are finite, that is `sound`; the policy stays as it is
    unless it `learns`, and reads what is `frozen` beside what learns (see
    `models.lora`); `rehearse(rollout, hp)` goes through reward and selection on shapes,
    so that what they lack is said first."""

    init: Callable[..., LearnerState]
    update: Callable[..., tuple[LearnerState, Report]]
    rehearse: Callable[..., None]


def gradient_step(
    policy: Policy,
    objective: Objective,
    optimizer: optax.GradientTransformation,
    micro_batches: int = 1,
    shards: Shards = ALONE,
    on_policy: bool = False,
) -> Step:
    """One `fit_step` of the policy: step(params, opt, rollout, advantage).

    Rows are laid out prompt by prompt. Returns (params, opt, metrics, log-probs before
    it [N, T]). `on_policy`: these are the rollout's too, so every ratio is 1 but those
    of rows that the policy did not sample.
    """

    def loss(params: Params, rollout: Rollout, advantage: Any) -> tuple[Any, ...]:
        stats = policy(params, rollout)
        logp = lax.stop_gradient(stats.logp)
        then = compared_with(rollout, logp) if on_policy else rollout
        if not isinstance(objective, Together):
            return *objective(stats, then, advantage), logp
        read = functools.partial(policy, params)
        return *objective(stats, then, advantage, read), logp

    several = isinstance(objective, Together) and objective.several
    return fit_step(loss, optimizer, micro_batches, shards, several)


def learner(
    parts: Callable[[Numbers], Parts],
    driver: Driver,
    updates: Updates = ONCE,
    micro_batches: int = 1,
    select: Callable[[Rollout], Rollout] | None = None,
    on_policy: bool = False,
) -> Learner:
    """An estimator, and `updates` of the policy from each rollout.

    `parts(hp)` is asked inside the trace, so hyperparameters are arguments of what is
    compiled. Estimator and loss see the rows that `select` keeps. When an advantage is
    not finite the estimator's state stays too; where that state would turn NaN, or a
    signal that is read is NaN, no advantage is finite.

    `on_policy` says that the parameters are those that made the rollout. Then the old
    log-probs come from the first step's own pass, if that is over all rows: a sampler's
    differ from them by the precision of its type, which in bfloat16 is more than `gspo`
    allows.
    """
    fresh = _step_of(parts, driver, updates, micro_batches, on_policy)
    later = _step_of(parts, driver, updates, micro_batches, False)
    estimate = estimate_with(parts, select or (lambda rollout: rollout))

    def update(
        state: LearnerState,
        rollout: Rollout,
        hp: Numbers | None = None,
        fit: Fit | None = None,
        learns: Bool[Array, ""] | None = None,
        frozen: Params | None = None,
    ) -> tuple[LearnerState, Report]:
        chex.assert_equal_shape([rollout.tokens, rollout.mask, rollout.logp])
        told = (hp or {}, learns, frozen or {})
        found = estimate(state.reward, rollout, told[0])
        kept, history = found.kept, []
        scorers, means = fit(*found.learned_of) if fit else (state.scorers, {})
        params, opt = state.params, state.opt
        bad = ~jnp.all(jnp.isfinite(found.reward.value), axis=1)
        fitted = updates.fitted(rollout.prompts.shape[0] // driver.devices)
        first = fresh if fitted.mini_batches == 1 else later
        for step in [first, *[later] * (updates.epochs - 1)]:
            params, opt, sums, logp = step(params, opt, kept, found.advantage, told)
            history.append(sums)
            bad |= jnp.any(~jnp.isfinite(logp) & kept.mask, axis=1)
            if on_policy and step is fresh:
                kept = compared_with(kept, logp)
        metrics = {**_mean_over_epochs(history), **means}
        metrics |= _selected(kept, rollout) if select else {}
        new = state._replace(params=params, opt=opt, scorers=scorers)
        return _next(new, found, metrics), _report(found, metrics, bad)

    rehearse = functools.partial(_rehearse, parts, estimate)
    return Learner(_beginning(parts, driver), update, rehearse)


def _next(state: LearnerState, found: Estimate, metrics: Means) -> LearnerState:
    skipped = jnp.where(metrics["skipped"] > 0, state.skipped + 1, 0)
    return state._replace(step=state.step + 1, skipped=skipped, reward=found.state)


def _report(found: Estimate, metrics: Means, bad: Bool[Array, " N"]) -> Report:
    spread = ~jnp.all(jnp.isfinite(found.advantage), axis=1)
    bad = jnp.where(jnp.any(bad), bad, spread)
    return Report(metrics, found.advantage, found.reward, bad, found.holes)


def _rehearse(
    parts: Callable[[Numbers], Parts],
    estimate: Callable[..., Any],
    rollout: Rollout,
    hp: Numbers,
) -> None:
    def through(rollout: Rollout, hp: Numbers) -> Any:
        return estimate(parts(hp).estimator.init(rollout), rollout, hp)

    jax.eval_shape(through, rollout, hp)


def _step_of(
    parts: Callable[[Numbers], Parts],
    driver: Driver,
    updates: Updates,
    micro_batches: int,
    on_policy: bool,
) -> Callable[..., Any]:
    """The policy's step on all devices: (params, opt, rollout, advantage, told)."""

    def step(shards: Shards, params: Any, opt: Any, *rows: Any) -> Any:
        rollout, advantage, (hp, learns, frozen) = rows
        policy, _, _, objective, optimizer = parts(hp)
        prompts = rollout.prompts.shape[0]
        count = updates.fitted(prompts).mini_batches
        micro = micro_batches_in(prompts, count, micro_batches)
        whole = lambda own, rollout: policy(join(frozen, own), rollout)  # noqa: E731
        own = gradient_step(whole, objective, optimizer, micro, shards, on_policy)
        own = in_mini_batches(own, count)
        return own(params, opt, rollout, advantage, learns)

    return driver.fit(step, **STEP)


def _beginning(
    parts: Callable[[Numbers], Parts], driver: Driver
) -> Callable[..., LearnerState]:
    @of_shapes
    def first(rollout: Rollout, params: Params, hp: Numbers) -> LearnerState:
        zero, own = jnp.zeros((), jnp.int32), parts(hp)
        opt, reward = own.optimizer.init(params), own.estimator.init(rollout)
        params, opt = driver.part((params, opt))  # never whole on one device
        # A state is donated as a whole, so no array may stand in it twice.
        return jax.tree.map(jnp.copy, LearnerState(zero, zero, params, opt, reward))

    def init(params: Params, rollout: Rollout, hp: Numbers | None = None) -> Any:
        state = first(rollout, params, hp or {})
        parted = driver.part({"params": state.params, "opt": state.opt})
        return driver.replicate(state._replace(params=(), opt=()))._replace(**parted)

    return init


def _selected(kept: Rollout, rollout: Rollout) -> Means:
    rows = (jnp.sum(jnp.any(x.mask, axis=1) * 1.0) for x in (kept, rollout))
    return {"frac_rows_selected": safe_divide(*rows)}


def _mean_over_epochs(history: list[Metrics]) -> Means:
    total = jax.tree.map(lambda *x: sum(x[1:], x[0]), *history)
    return {name: s.mean() for name, s in total.items()}
