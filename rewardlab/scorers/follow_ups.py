"""A listener: how likely people answer a completion with praise, and with blame."""

import dataclasses
import functools
from collections.abc import Sequence

import jax.numpy as jnp
from jaxtyping import Array, Float

from rewardlab.core import masked
from rewardlab.core.types import Rollout, Static, Sum
from rewardlab.models import lm
from rewardlab.models.model import Model
from rewardlab.scorers.asking import completion, joined, put, question
from rewardlab.scorers.lessons import Judging, Lesson, learning, silent
from rewardlab.scorers.measured import truth_of
from rewardlab.scorers.passes import Maker
from rewardlab.scorers.protocol import Context, Scorer, Setting


def follow_ups(
    praise: str = "?y",
    blame: str = "?n",
    truth: str = "correct",
    warmup: Static[int] = 40,
    lr: float = 1e-3,
) -> Maker:
    """praise_logp, blame_logp [N, R] = mean_t log p(token t of a follow-up | prompt,
    completion, tokens before), nats: of texts that a pleased or displeased reader adds.

    Several texts are joined by "|". The model that reads them is one of its own, which
    starts as the policy and learns that a row of `truth` y is followed by praise with
    weight y and by blame with 1 - y; for `warmup` iterations it learns alone. (FLR,
    arXiv 2409.13948: the method `flr`)

    follow_ups("?y", "?n"): log p("?") = -0.2, then log p("y") = -1 -> praise -0.6
    """

    def make(setting: Setting) -> Scorer:
        sides = [side.split("|") for side in (praise, blame)]
        read = functools.partial(likely, setting)

        def ask(
            model: Model, params: lm.Params, context: Context, rollout: Rollout
        ) -> dict[str, Array]:
            pleased, displeased = (read(model, params, rollout, x) for x in sides)
            return {"praise_logp": pleased, "blame_logp": displeased}

        def teach(model: Model, params: lm.Params, rollout: Rollout) -> Sum:
            label, there = truth_of(rollout, truth)
            more, less = (jnp.mean(read(model, params, rollout, x), 1) for x in sides)
            return masked.sum_of(-(label * more + (1 - label) * less), there)

        def tell(rollout: Rollout) -> dict[str, Sum]:
            label, there = truth_of(rollout, truth)
            names = ("praise_logp", "blame_logp")
            more, less = (jnp.mean(rollout.signal(name), 1) for name in names)
            right = (more > less) == (label > 0.5)
            return {"accuracy": masked.sum_of(jnp.where(right, 1.0, 0.0), there)}

        pleased, displeased = map(len, sides)
        names = {"praise_logp": f"N{pleased}", "blame_logp": f"N{displeased}"}
        blank = silent("follow_ups", names, (truth,))
        judging, lesson = Judging(ask, teach, tell), Lesson(warmup, False, lr)
        return learning(setting, blank, lesson, judging)

    return make


def likely(
    setting: Setting,
    model: Model,
    params: lm.Params,
    rollout: Rollout,
    texts: Sequence[str],
) -> Float[Array, "N R"]:
    """The mean log-prob of the tokens of each text after the completion, nats."""
    coded = [setting.tokenizer.encode(text) for text in texts]
    rows, width = len(rollout.tokens), max(map(len, coded))
    ids = jnp.asarray([[*x, *[0] * (width - len(x))] for x in coded], jnp.int32)
    there = jnp.asarray([[i < len(x) for i in range(width)] for x in coded])
    case = put(joined(question(rollout), completion(rollout)), jnp.tile(ids, (rows, 1)))
    there = jnp.tile(there, (rows, 1))
    case = dataclasses.replace(case, valid=there, mask=there)
    logp = model.log_probs(params, case).logp
    return masked.row_mean(logp, there).reshape(rows, len(texts))
