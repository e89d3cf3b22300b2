"""How a judge of one's own is made: what it says, is shown, and how it errs."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int

from rewardlab.core import masked
from rewardlab.core.evaluations import at_first
from rewardlab.core.types import Rollout, Sum
from rewardlab.data.batch import Batch
from rewardlab.models import lm
from rewardlab.models.model import Model
from rewardlab.scorers.beside import own_model
from rewardlab.scorers.protocol import Context, Fit, Scorer, Setting


class Lesson(NamedTuple):
    """How long a judge learns, and how fast.

    For `warmup` iterations it learns and the policy does not; a `frozen` one stays then
    as it is.
    """

    warmup: int
    frozen: bool
    lr: float


class Judging(NamedTuple):
    """What a judge does with a model and its parameters.

    `ask(model, params, context, rollout)` gives signals; `teach(model, params,
    rollout)` what it is shown, as a loss; `tell(rollout)` the error of what it said, as
    sums. `sees(rollout, batch)` are the rows as the first two read them.
    """

    ask: Callable[[Model, lm.Params, Context, Rollout], dict[str, Array]]
    teach: Callable[[Model, lm.Params, Rollout], Sum]
    tell: Callable[[Rollout], dict[str, Sum]]
    sees: Callable[[Rollout, Batch], Rollout] = lambda rollout, batch: rollout


def learning(
    setting: Setting, scorer: Scorer, lesson: Lesson, judging: Judging
) -> Scorer:
    """The scorer as a small model of its own that learns of every rollout.

    Once the warm-up of a frozen judge is over, its lessons cost nothing.
    """
    own = own_model(setting)

    def score(
        state: Any, context: Context, rollout: Rollout, batch: Any
    ) -> dict[str, Array]:
        seen = judging.sees(rollout, batch)
        return judging.ask(own.model, own.whole(state, context), context, seen)

    def loss(
        state: Any, context: Context, rollout: Rollout, batch: Any, reward: Any
    ) -> tuple[Sum, dict[str, Sum]]:
        def shown() -> Sum:
            seen = judging.sees(rollout, batch)
            return judging.teach(own.model, own.whole(state, context), seen)

        told = judging.tell(rollout)
        if not lesson.frozen:
            return shown(), told
        return at_first(context.iteration, lesson.warmup, shown, nothing), told

    fit = Fit(loss, lambda hp: optax.adam(lesson.lr), warmup=lesson.warmup)
    return scorer._replace(score=score, init=own.init, fit=fit, roles=own.roles)


def silent(name: str, provides: dict[str, str], reads: tuple[str, ...]) -> Scorer:
    """A scorer on each device, before `learning` says what it does."""
    return Scorer(name, provides, reads, "shard", lambda *_: {})


def nothing() -> Sum:
    """A loss of no label."""
    return Sum(jnp.zeros(()), jnp.zeros(()))


def cross_entropy(
    logp: Float[Array, "... K"],
    place: Int[Array, "..."],
    label: Float[Array, "..."],
    there: Bool[Array, "..."],
) -> Sum:
    """-log p of the answer in the place of a label, among all tokens, nats.

    NaN for a label that is there and is NaN, which its place hides.
    """
    right = jnp.take_along_axis(logp, place[..., None], axis=-1)[..., 0] + 0 * label
    return masked.sum_of(-right, jnp.broadcast_to(there, right.shape))
