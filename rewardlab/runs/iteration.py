"""The functions of a run, before they are compiled: from a state to the next.

sample -> score -> estimate -> fit what scores -> step
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from rewardlab.core.outlines import of_shapes
from rewardlab.core.types import Reward, Rollout
from rewardlab.data.batch import Batch
from rewardlab.learning.learner import (
    Learner,
    LearnerState,
    Numbers,
    Params,
    Report,
)
from rewardlab.learning.parallel import Driver
from rewardlab.learning.scoring import Scoring
from rewardlab.learning.trainable import Trainable
from rewardlab.models import lm
from rewardlab.runs.elsewhere import Elsewhere
from rewardlab.runs.gathering import Gather
from rewardlab.runs.roles import Role
from rewardlab.scorers.protocol import Context

Models = dict[str, Params]  # frozen, by role
_SCORERS = 2**31 - 3  # folded into a run's key: the noise of scorers


class Frozen(NamedTuple):
    """What is read beside what learns, and stays as it is."""

    refers: bool  # adapters or scorers read the parameters that training began with
    roles: dict[str, Role]  # the models beside the policy that scorers ask

    def of(self, base: Params, models: Models) -> Models:
        """The parameters by role."""
        return {**({"reference": base} if self.refers else {}), **models}

    def shapes(self, base: Params) -> Models:
        """The shapes of these; nothing is computed."""
        key = jax.random.key(0)
        like = {
            name: jax.eval_shape(functools.partial(lm.init, role.model), key)
            for name, role in self.roles.items()
        }
        return self.of(base, like)


def shapes_of(
    draw: Callable[..., Rollout], outline: Callable[..., Rollout], frozen: Frozen
) -> Callable[[Params, Batch, Numbers], Rollout]:
    """Of a rollout in training, signals that end with it too; nothing is computed."""

    def gather(
        params: Params, others: Models, batch: Batch, key: Array, hp: Numbers
    ) -> Rollout:
        zero = jnp.zeros((), jnp.int32)
        rollout = draw(params, batch, key, zero, hp["rollout.temperature"])
        context = _context(params, others, key, zero, hp)
        return outline(context, rollout, batch)

    def shapes(params: Params, batch: Batch, hp: Numbers) -> Rollout:
        case = (batch.on_device, jax.random.key(0), hp)
        return jax.eval_shape(gather, params, frozen.shapes(params), *case)

    return shapes


def init_of(
    learn: Learner,
    score: Scoring,
    driver: Driver,
    trained: Trainable,
    frozen: Frozen,
    others: Elsewhere | None,
) -> Callable[..., Any]:
    """`init` of a `Program`, from the policy that it begins with."""

    @of_shapes
    def fresh(
        rollout: Rollout, params: Params, models: Models, key: Array, hp: Numbers
    ) -> Any:
        zero, roles = jnp.zeros((), jnp.int32), frozen.of(params, models)
        context = _context(params, roles, key, zero, hp)
        own = driver.part(score.init(context, rollout))  # whole on no device
        # A state is donated as a whole, so no array may stand in it twice.
        return jax.tree.map(jnp.copy, own)

    @of_shapes
    def stores(rollout: Rollout) -> Any:
        return jax.tree.map(jnp.copy, others.init(rollout)) if others else ()

    def init(
        params: Params,
        rollout: Rollout,
        key: Array,
        hp: Numbers,
        models: Models | None = None,
    ) -> LearnerState:
        state = learn.init(trained.begin(params, key), rollout, hp)
        own = fresh(rollout, params, models or {}, key, hp)
        state = state._replace(scorers=driver.part(own))
        if others is None:
            return state
        return state._replace(select=driver.replicate(stores(rollout)))

    return init


def iteration_of(
    gather: Gather,
    score: Scoring,
    learn: Learner,
    trained: Trainable,
    expected: Callable[..., Reward],
    others: Elsewhere | None,
) -> Callable[..., Any]:
    """`iterate` of a `Program`; `expected(state, rollout, hp)` is for scorers."""

    def iterate(
        state: LearnerState,
        frozen: Models,
        batch: Batch,
        key: Array,
        iteration: Int[Array, ""],
        hp: Numbers,
    ) -> tuple[LearnerState, Report, Rollout]:
        reference = frozen.get("reference", {})
        policy = trained.whole(state.params, reference)
        context = _context(policy, frozen, key, iteration, hp)
        rollout, batch, scorers, means = gather(state, context, batch, key)
        state = state._replace(scorers=scorers)

        def fit(kept: Rollout, reward: Reward, sound: Bool[Array, ""]) -> Any:
            if score.learns:
                reward = expected(state.reward, rollout, hp)
            return score.fit(scorers, context, kept, batch, reward, sound)

        learns = None if not score.warmup else iteration >= score.warmup
        beside = trained.beside(reference)
        state, report = learn.update(state, rollout, hp, fit, learns, beside)
        if score.follows:
            policy = trained.whole(state.params, reference)
            now = context._replace(params={**context.params, "policy": policy})
            state = state._replace(scorers=score.step(state.scorers, now, rollout))
        if others:
            case = (context, rollout, batch, report)
            state = state._replace(select=others.store(state.select, *case))
        metrics = {**report.metrics, **means, **_resting(learns)}
        report = report._replace(metrics=metrics, problem=batch.arrays["id"])
        return state, report, _public(rollout, score)

    return iterate


def evaluation_of(
    draw: Callable[..., Rollout], judge: Scoring, trained: Trainable
) -> Callable[..., Rollout]:
    """`evaluate` of a `Program`."""

    def evaluate(
        state: LearnerState, frozen: Models, batch: Batch, key: Array, hp: Numbers
    ) -> Rollout:
        zero = jnp.zeros((), jnp.int32)
        at = hp.get("eval.temperature")  # there is none where it is greedy
        policy = trained.whole(state.params, frozen.get("reference", {}))
        rollout = draw(policy, batch, key, zero, at)
        context = _context(policy, frozen, key, zero, hp)
        rollout, _, _ = judge.score(state.scorers, context, rollout, batch)
        return _public(rollout, judge)

    return evaluate


def _resting(learns: Bool[Array, ""] | None) -> dict[str, Array]:
    """Whether the policy rests while scorers warm up, where some do."""
    return {} if learns is None else {"policy_rests": 1.0 - learns}


def _public(rollout: Rollout, score: Scoring) -> Rollout:
    """Without the signals that end with the program, else they are outputs of it."""
    signals = {n: x for n, x in rollout.signals.items() if n not in score.private}
    return dataclasses.replace(rollout, signals=signals)


def _context(
    policy: Params, frozen: Models, key: Array, iteration: Array, hp: Numbers
) -> Context:
    own = jax.random.fold_in(jax.random.fold_in(key, _SCORERS), iteration)
    return Context(own, iteration, {"policy": policy, **frozen}, hp)
