"""Judges of more than a whole row: critics of its steps, criteria of a rubric.

Each is a small verifier model of its own that learns of the task's facts, as `judge`.
"""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rewardlab.core.types import Rollout, Static, Sum
from rewardlab.models import lm
from rewardlab.models.model import Model
from rewardlab.reward_models.judging import flaws, grade, least_step
from rewardlab.scorers.asking import (
    FORM,
    answered,
    completion,
    drawn,
    form_of,
    joined,
    places,
    question,
    written,
)
from rewardlab.scorers.hindsight import TRUTH, told_the_answer
from rewardlab.scorers.judge import asked_of, writing
from rewardlab.scorers.lessons import Judging, Lesson, cross_entropy, learning, silent
from rewardlab.scorers.measured import labels, of_parts
from rewardlab.scorers.passes import Maker
from rewardlab.scorers.protocol import Context, Scorer, Setting

LETTERS = "abcd"  # which criterion is asked for
POINTS = (5.0, 3.0, 1.0, -2.0)  # of the criteria below
FACTS = ("correct", "prm", "format", "step_correct")  # what they follow from


def critics(
    draws: Static[int] = 4,
    truth: str = "step_correct",
    warmup: Static[int] = 40,
    frozen: Static[bool] = False,
    lr: float = 1e-3,
    form: str = FORM,
    privileged: Static[bool] = False,
) -> Maker:
    """`flaws` [N, S]: how many of `draws` critiques call the step wrong.

    A verifier model reads question, completion and a marker, and writes a verdict for
    each step, one token each; K critiques of a row are drawn by the engine that samples
    completions. `soundness` [N] is the mean over them of a row's worst step. What a
    critique says of a step in other tokens than the answers is no verdict, and a step
    of which no critique says anything abstains. It learns by cross entropy of the
    signal `truth` of steps, where that is valid. (CAPO, arXiv 2508.02298: the method
    `capo`, whose critic is a large model that writes)

    A `privileged` one reads the right answer before the question, which the policy
    never sees: the problems' columns `truth` and `truth_mask`. (CriticSearch, arXiv
    2511.12159: the method `critic_search`)

    critics(draws=3): "yyn", "yny", "ynn" of three steps -> 0, 2, 2
    """

    def make(setting: Setting) -> Scorer:
        def ask(
            model: Model, params: lm.Params, context: Context, rollout: Rollout
        ) -> dict[str, Array]:
            known = form_of(form, setting.tokenizer)
            _, there = labels(rollout, truth)
            case = model, params, asked_of(rollout, known), context.key
            texts = drawn(*case, writing(setting, draws, there.shape[1]))
            place = jnp.moveaxis(places(texts, known.answers), 1, 0)  # [K, N, S]
            read = place >= 0
            value = jnp.where(read, place / (len(known.answers) - 1), jnp.nan)
            heard = jnp.any(read, axis=0) | ~there
            found = {"flaws": flaws(value, there), "flaws_valid": heard}
            return found | {"soundness": least_step(jnp.where(read, value, 1), there)}

        def teach(model: Model, params: lm.Params, rollout: Rollout) -> Sum:
            known = form_of(form, setting.tokenizer)
            label, there = labels(rollout, truth)
            place, prompt = known.place(label), asked_of(rollout, known)
            right = jnp.asarray(known.answers)[place]
            logp = written(model, params, prompt, right, known.answers)
            return cross_entropy(logp, place, label, there)

        def tell(rollout: Rollout) -> dict[str, Sum]:
            share = 1 - rollout.signal("flaws") / draws
            said = share, rollout.signals["flaws_valid"]
            return of_parts(rollout, said, labels(rollout, truth), draws)

        provides = {"flaws": "NS", "flaws_valid": "NS", "soundness": "N"}
        case = silent("critics", provides, (truth,)), Judging(ask, teach, tell)
        blank, judging = _informed(*case) if privileged else case
        return learning(setting, blank, Lesson(warmup, frozen, lr), judging)

    return make


def _informed(blank: Scorer, judging: Judging) -> tuple[Scorer, Judging]:
    """The same with the right answer before the question."""
    return blank._replace(columns=TRUTH), judging._replace(sees=told_the_answer)


def criteria(
    warmup: Static[int] = 40,
    frozen: Static[bool] = False,
    lr: float = 1e-3,
    form: str = FORM,
) -> Maker:
    """`met`, `points` [N, 4]: which criteria of a rubric a verifier model finds met.

    The answer is right (5 points), every equation holds (3), the form is kept (1), a
    step that holds is of no use (-2). It reads question and completion once, then each
    criterion's letter and the marker; met is P(yes) > 1/2. It learns by cross entropy
    of these facts. (ORBIT, arXiv 2510.15859: the method `orbit`, whose rubrics and
    judge are a large model's)

    criteria(): an answer right by sound steps of good form -> 1, 1, 1, 0: 9 of 9 points
    """

    def make(setting: Setting) -> Scorer:
        def read(model: Model, params: lm.Params, rollout: Rollout) -> Array:
            known, encode = form_of(form, setting.tokenizer), setting.tokenizer.encode
            endings = [(*encode(letter), *known.marker) for letter in LETTERS]
            prompt = joined(question(rollout), completion(rollout))
            return answered(model, params, prompt, known.answers, endings)

        def ask(
            model: Model, params: lm.Params, context: Context, rollout: Rollout
        ) -> dict[str, Array]:
            met = grade(read(model, params, rollout)) > 0.5
            points = jnp.broadcast_to(jnp.asarray(POINTS), met.shape)
            return {"met": met.astype(jnp.float32), "points": points}

        def teach(model: Model, params: lm.Params, rollout: Rollout) -> Sum:
            label, there = facts(rollout)
            place = form_of(form, setting.tokenizer).place(label)
            return cross_entropy(read(model, params, rollout), place, label, there)

        def tell(rollout: Rollout) -> dict[str, Sum]:
            met, truth = rollout.signal("met"), facts(rollout)
            return of_parts(rollout, (met, jnp.ones(met.shape, bool)), truth)

        provides = dict.fromkeys(("met", "points"), f"N{len(POINTS)}")
        blank = silent("criteria", provides, FACTS)
        lesson = Lesson(warmup, frozen, lr)
        return learning(setting, blank, lesson, Judging(ask, teach, tell))

    return make


def facts(rollout: Rollout) -> tuple[Float[Array, "N C"], Bool[Array, "N C"]]:
    """Which criteria are met, of what the task knows."""
    correct, prm, form, useful = (rollout.signal(name) for name in FACTS)
    steps = rollout.signals["prm_valid"]
    holds = prm > 0.5
    sound = jnp.all(holds | ~steps, axis=1)
    useless = jnp.any(steps & holds & (useful < 0.5), axis=1)
    label = jnp.stack([correct > 0.5, sound, form > 0.5, useless], axis=1)
    rows = jnp.any(rollout.mask, axis=1, keepdims=True)
    return label.astype(jnp.float32), jnp.broadcast_to(rows, label.shape)
