"""Judges: a language model reads a completion and says whether it is right."""

from typing import Any

import jax.numpy as jnp
import optax
from jaxtyping import Array

from rewardlab.core.types import Rollout, Static, Sum
from rewardlab.models import lm
from rewardlab.models.model import Model
from rewardlab.reward_models.judging import grade, mean_grade
from rewardlab.rollouts import Sampling
from rewardlab.scorers.asking import (
    FORM,
    Form,
    Piece,
    answered,
    completion,
    drawn,
    fixed,
    form_of,
    joined,
    places,
    question,
)
from rewardlab.scorers.lessons import (
    Judging,
    Lesson,
    cross_entropy,
    learning,
    nothing,
    silent,
)
from rewardlab.scorers.measured import of_rows, truth_of
from rewardlab.scorers.passes import Maker
from rewardlab.scorers.protocol import Context, Fit, Scorer, Setting


def judge(
    signal: str = "judge",
    truth: str = "correct",
    warmup: Static[int] = 40,
    frozen: Static[bool] = False,
    lr: float = 1e-3,
    form: str = FORM,
) -> Maker:
    """`signal` [N]: P(yes), in [0, 1], of a small verifier model that is real and errs.

    It reads the question, the completion and a marker; P(yes) is e^y / (e^y + e^n) at
    that one position. It starts as the policy and learns by cross entropy to answer as
    the signal `truth` says, a number of rows, or of steps, which must all be right. For
    `warmup` iterations it learns and the policy does not; a `frozen` one stays then as
    it is, which is what the papers' large judges do. `scorers/NAME/` has its accuracy,
    precision and recall at 1/2 and its AUC within the prompts, before it learns of the
    rows.

    judge('thinking', truth='step_correct'): log p(y) = -1, log p(n) = -2 -> 0.73
    """

    def make(setting: Setting) -> Scorer:
        def read(model: Model, params: lm.Params, rollout: Rollout) -> Array:
            known = form_of(form, setting.tokenizer)
            return answered(model, params, asked_of(rollout, known), known.answers)

        def ask(
            model: Model, params: lm.Params, context: Context, rollout: Rollout
        ) -> dict[str, Array]:
            return {signal: grade(read(model, params, rollout)[:, 0])}

        def teach(model: Model, params: lm.Params, rollout: Rollout) -> Sum:
            label, there = truth_of(rollout, truth)
            place = form_of(form, setting.tokenizer).place(label)
            logp = read(model, params, rollout)[:, 0]
            return cross_entropy(logp, place, label, there)

        def tell(rollout: Rollout) -> dict[str, Sum]:
            return of_rows(rollout, signal, truth_of(rollout, truth))

        blank = silent(f"judge_{signal}", {signal: "N"}, (truth,))
        lesson = Lesson(warmup, frozen, lr)
        return learning(setting, blank, lesson, Judging(ask, teach, tell))

    return make


def asked(
    signal: str = "judge",
    model: str = "reference",
    draws: Static[int] = 0,
    truth: str = "",
    form: str = FORM,
) -> Maker:
    """`signal` [N]: what a model that does not learn says of a completion, in [0, 1].

    Of the policy itself ("policy"), its frozen start ("reference") or another role. A
    form may have more than two answers, from the worst to the best; the score is their
    mean place. With `draws` the model writes its answer so often, at the temperature
    that is sampled at, and the score is the mean of those that can be read: a row of
    which none can abstains. Else it is the expectation over the answers, one forward
    pass. A base model that has never seen the form says little: look at its AUC, which
    is measured where a `truth` is named, and `unread`.

    asked('judge', draws=3): "y", "n", "7" -> 1/2;  "7", "8", "+" -> nothing
    """

    def make(setting: Setting) -> Scorer:
        def score(
            state: Any, context: Context, rollout: Rollout, batch: Any
        ) -> dict[str, Array]:
            known = form_of(form, setting.tokenizer)
            case = setting.models[model], context.params[model]
            prompt, count = asked_of(rollout, known), len(known.answers)
            if draws:
                texts = drawn(*case, prompt, context.key, writing(setting, draws))
                value, there = mean_grade(places(texts[..., 0], known.answers), count)
            else:
                value = grade(answered(*case, prompt, known.answers)[:, 0])
                there = jnp.ones(len(value), bool)
            return {signal: value, f"{signal}_valid": there}

        def loss(
            state: Any, context: Context, rollout: Rollout, batch: Any, reward: Any
        ) -> tuple[Sum, dict[str, Sum]]:
            unknown = jnp.zeros(len(rollout.tokens))
            known = truth_of(rollout, truth) if truth else (unknown, unknown > 0)
            return nothing(), of_rows(rollout, signal, known, max(draws, 1))

        fit = Fit(loss, lambda hp: optax.identity())  # which counts, and moves nothing
        provides = {signal: "N", f"{signal}_valid": "N"}
        roles = () if model == "policy" else (model,)
        reads, name = ((truth,) if truth else ()), f"asked_{signal}"
        return Scorer(name, provides, reads, "shard", score, fit=fit, roles=roles)

    return make


def asked_of(rollout: Rollout, form: Form) -> Piece:
    """Question, completion, marker."""
    marker = fixed(form.marker, len(rollout.tokens))
    return joined(question(rollout), completion(rollout), marker)


def writing(setting: Setting, draws: int, length: int = 1) -> Sampling:
    """How answers are drawn: each of `length` tokens, whatever they are."""
    ids = (setting.tokenizer.pad_id, setting.temperature)
    return Sampling(draws, length, (), *ids)
