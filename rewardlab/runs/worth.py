"""What an iteration's rollout was worth: every step's metrics, and a written step's
stages, each from a program of its own beside the iteration's."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool

from rewardlab.core import masked
from rewardlab.core.stages import made, named_state, trace, words
from rewardlab.core.types import Channels, Reward, RewardTransform, Rollout, Sum
from rewardlab.learning.learner import LearnerState, Numbers, Report
from rewardlab.methods.sentence import expected_reward
from rewardlab.runs import metrics
from rewardlab.runs.completions import Worth
from rewardlab.runs.signs import sign_metrics
from rewardlab.runs.step_metrics import step_metrics
from rewardlab.tasks import Task
from rewardlab.text.ends import have_ended

Sentence = Callable[[Numbers], RewardTransform]  # of the numbers that are traced


class Stages(NamedTuple):
    """The rows that were learned from, and the channels after each word, of those."""

    kept: Bool[Array, " N"]
    channels: tuple[Channels, ...]


def worth_of(
    advantage: Any, reward: Reward, stages: Stages, spelled: tuple[str, ...]
) -> Worth:
    """What a rollout was worth, of the host, with each stage under its word."""
    return Worth(
        np.asarray(advantage),
        np.where(reward.has_value, reward.total, np.nan),
        np.asarray(stages.kept),
        list(zip(spelled, stages.channels, strict=True)),
    )


def expected_with(sentence: Sentence) -> Callable[..., Reward]:
    """`expected(state, rollout, hp)`: what a critic learns to expect, of a rollout and
    the state that the sentence had before it."""

    @jax.jit
    def expected(state: Any, rollout: Rollout, hp: Numbers) -> Reward:
        return expected_reward(sentence(hp), "value")(state, rollout)

    return expected


def measure_with(task: Task, sentence: Sentence) -> Callable[..., metrics.Metrics]:
    """`measure(before, state, report, rollout, hp)`: the metrics of a step.

    `before` is the state that the sentence had before it.
    """

    @jax.jit
    def measure(
        before: Any, state: LearnerState, report: Report, rollout: Rollout, hp: Numbers
    ) -> metrics.Metrics:
        transform = sentence(hp)
        stages = trace(transform)({}, before, rollout)
        sources = made(stages)
        channels = metrics.watched(rollout) | sources
        advantage, reward, ended = report.advantage, report.reward, ends(task, rollout)
        played = rollout.signals.get("ended_by")
        return {
            **metrics.rollout_metrics(rollout, advantage, channels, reward, ended),
            **metrics.failure_metrics(rollout.signals),
            **step_metrics(rollout, channels),
            **sign_metrics(rollout, ended, words(transform), stages),
            **({} if played is None else metrics.episode_metrics(rollout, played)),
            "entropy": _surprise(rollout),
            **report.metrics,
            **metrics.state_metrics(named_state(transform, state.reward)),
        }

    return measure


def _surprise(rollout: Rollout) -> Sum:
    """A sample of the entropy: of the rows that the policy drew from their prompt."""
    own = ~masked.borrowed(rollout)[:, None]
    return masked.sum_of(-rollout.logp, rollout.mask & own)


def ends(task: Task, rollout: Rollout) -> Bool[Array, " N"]:
    """The rows that ended by themselves, not by a limit."""
    if "ended_by" in rollout.signals:  # an episode
        return rollout.signals["finished"] > 0
    return have_ended(task.tokenizer, rollout.tokens, rollout.mask)


def stages_with(
    sentence: Sentence, select: Callable[[Rollout], Rollout] | None
) -> Callable[[Any, Rollout, Numbers], Stages]:
    """`stages(before, rollout, hp)`: what the estimator did, word by word."""

    @jax.jit
    def stages(before: Any, rollout: Rollout, hp: Numbers) -> Stages:
        kept = select(rollout) if select else rollout
        return Stages(jnp.any(kept.mask, axis=1), trace(sentence(hp))({}, before, kept))

    return stages
