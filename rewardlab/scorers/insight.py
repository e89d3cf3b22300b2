"""A reader of steps: how notable a model finds each, and which text it is."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from rewardlab.core.types import Rollout, Static, Sum
from rewardlab.models import lm
from rewardlab.models.model import Model
from rewardlab.reward_models.judging import log_odds
from rewardlab.scorers.asking import FORM, after_each, ends_of, form_of, of_steps
from rewardlab.scorers.lessons import Judging, Lesson, cross_entropy, learning, silent
from rewardlab.scorers.measured import labels, of_parts
from rewardlab.scorers.passes import Maker
from rewardlab.scorers.protocol import Context, Scorer, Setting


def insight(
    truth: str = "step_correct",
    warmup: Static[int] = 40,
    frozen: Static[bool] = False,
    lr: float = 1e-3,
    form: str = FORM,
) -> Maker:
    """`insight` [N, S]: log-odds that a model gives each step, nats; `message` [N, S].

    The model reads the question and the row and is asked at the end of each step, all
    in one pass; only the two answers of `form` count. It learns by cross entropy of the
    signal `truth` of steps. `message` is a number for the step's text, equal for equal
    texts. (ONI, arXiv 2410.23022: the method `oni`, whose classifier learns of a large
    model's labels of messages)

    insight(): log p(y) = -1, log p(n) = -3 -> 2
    """

    def make(setting: Setting) -> Scorer:
        def read(model: Model, params: lm.Params, rollout: Rollout) -> Array:
            place, _ = ends_of(rollout, rollout.signal(truth).shape[1])
            answers = form_of(form, setting.tokenizer).answers
            found = after_each(model, params, rollout, answers)
            return jnp.take_along_axis(found, place[..., None], axis=1)

        def ask(
            model: Model, params: lm.Params, context: Context, rollout: Rollout
        ) -> dict[str, Array]:
            odds = log_odds(read(model, params, rollout))
            _, there = ends_of(rollout, odds.shape[1])
            message = of_steps(rollout, odds.shape[1])
            return {"insight": jnp.where(there, odds, 0), "message": message}

        def teach(model: Model, params: lm.Params, rollout: Rollout) -> Sum:
            label, there = labels(rollout, truth)
            place = form_of(form, setting.tokenizer).place(label)
            return cross_entropy(read(model, params, rollout), place, label, there)

        def tell(rollout: Rollout) -> dict[str, Sum]:
            label, there = labels(rollout, truth)
            said = jax.nn.sigmoid(rollout.signal("insight")), there
            return of_parts(rollout, said, (label, there))

        blank = silent("insight", {"insight": "NS", "message": "NS"}, (truth,))
        lesson = Lesson(warmup, frozen, lr)
        return learning(setting, blank, lesson, Judging(ask, teach, tell))

    return make
