"""A judge that learns by its own reward."""

from typing import Any

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from rewardlab.core import masked
from rewardlab.core.evaluations import at_first
from rewardlab.core.types import Rollout, Static, Sum
from rewardlab.models import lm
from rewardlab.models.model import Model
from rewardlab.reward_models.judging import RULES, mean_grade, verifier_reward
from rewardlab.reward_models.laser import class_weights
from rewardlab.scorers.asking import FORM, Form, answered, drawn, form_of, places, put
from rewardlab.scorers.beside import own_model
from rewardlab.scorers.judge import asked_of, writing
from rewardlab.scorers.lessons import cross_entropy, silent
from rewardlab.scorers.measured import Truth, of_rows, truth_of
from rewardlab.scorers.passes import Maker
from rewardlab.scorers.protocol import Context, Fit, Scorer, Setting


def class_weight() -> Maker:
    """`class_weight` [N]: n / (2 n_class) of a row's class, right or wrong.

    So both classes weigh the same in sum over the batch; without it who learns of them
    says what is true most of the time. (LaSeR, arXiv 2510.14943)

    class_weight(): verdicts 1, 0, 0, 0 -> 2, 2/3, 2/3, 2/3
    """

    def make(setting: Setting) -> Scorer:
        def score(
            state: Any, context: Context, rollout: Rollout, batch: Any
        ) -> dict[str, Array]:
            return {"class_weight": class_weights(*right(rollout))}

        reads, private = ("correct",), ("class_weight",)
        return Scorer(
            "class_weight",
            {"class_weight": "N"},
            reads,
            "batch",
            score,
            private=private,
        )

    return make


def rewarded(
    signal: str = "judge",
    rule: str = "rise",
    draws: Static[int] = 4,
    warmup: Static[int] = 40,
    lr: float = 3e-4,
    form: str = FORM,
) -> Maker:
    """`signal` [N]: the mean verdict, in [0, 1], of a judge that learns by its reward.

    It writes `draws` verdicts of each row, and is paid for what turns out: 1 for a
    right one, else -1/2, or -1 for one that cannot be read ("rise", RISE, arXiv
    2505.13445), or 0 for both ("zero_one", RL Tango, arXiv 2505.15034). Its loss is
    -w (r - mean r of the row's draws) log p(verdict), a mean over verdicts, where w
    makes right and wrong rows weigh the same. In `warmup`, when the policy does not
    learn, it is shown the answers, else it would never be read and never be paid. In
    RISE the policy itself verifies, and both kinds of rows are one batch; Tango's
    verifier writes a chain first.

    rewarded(draws=4): "y", "y", "n", "+" of a right row -> 2/3; paid 1, 1, -1/2, -1
    """
    if rule not in RULES:
        raise ValueError(f"rewarded: rule={rule!r} must be one of {', '.join(RULES)}")

    def make(setting: Setting) -> Scorer:
        own = own_model(setting)

        def score(
            state: Any, context: Context, rollout: Rollout, batch: Any
        ) -> dict[str, Array]:
            known, params = form_of(form, setting.tokenizer), own.whole(state, context)
            prompt, options = asked_of(rollout, known), writing(setting, draws)
            said = drawn(own.model, params, prompt, context.key, options)[:, :, 0]
            value, there = mean_grade(places(said, known.answers), len(known.answers))
            return {signal: value, f"{signal}_valid": there, "said": said}

        def loss(
            state: Any, context: Context, rollout: Rollout, batch: Any, reward: Any
        ) -> tuple[Sum, dict[str, Sum]]:
            known, params = form_of(form, setting.tokenizer), own.whole(state, context)
            case, (label, there) = (own.model, params, rollout, known), right(rollout)
            verdict = _verdict(rollout.signal("said"), known.answers)
            paid = verifier_reward(verdict, label[:, None], rule)
            counts = jnp.broadcast_to(there[:, None], paid.shape)
            told = of_rows(rollout, signal, (label, there), draws)
            told["reward"] = masked.sum_of(paid, counts)
            first = lambda: shown(*case)  # noqa: E731
            then = lambda: earned(case, paid, setting.temperature)  # noqa: E731
            return at_first(context.iteration, warmup, first, then), told

        fit = Fit(loss, lambda hp: optax.adam(lr), warmup=warmup)
        provides = {signal: "N", f"{signal}_valid": "N", "said": f"N{draws}"}
        made = silent(f"rewarded_{signal}", provides, ("correct", "class_weight"))
        made = made._replace(score=score, private=("said",))
        return made._replace(init=own.init, fit=fit, roles=own.roles)

    return make


def right(rollout: Rollout) -> Truth:
    """What the judge is to find: the verifier's verdict, where there is one."""
    return truth_of(rollout, "correct")


def shown(model: Model, params: lm.Params, rollout: Rollout, form: Form) -> Sum:
    """The cross entropy of the right answers."""
    label, there = right(rollout)
    logp = answered(model, params, asked_of(rollout, form), form.answers)[:, 0]
    return cross_entropy(logp, form.place(label), label, there)


def earned(
    case: tuple[Model, lm.Params, Rollout, Form],
    paid: Float[Array, "N K"],
    temperature: float | Float[Array, ""],
) -> Sum:
    """-w (r - mean r of the row) log p of each verdict that was drawn."""
    model, params, rollout, form = case
    said, weight = rollout.signal("said"), rollout.signal("class_weight")[:, None]
    asked = put(asked_of(rollout, form), said.reshape(-1, 1))
    logp = model.log_probs(params, asked, temperature).logp.reshape(said.shape)
    edge = paid - jnp.mean(paid, axis=1, keepdims=True)
    counts = jnp.broadcast_to(right(rollout)[1][:, None], said.shape)
    return masked.sum_of(-weight * edge * logp, counts)


def _verdict(said: Int[Array, "..."], answers: tuple[int, ...]) -> Int[Array, "..."]:
    """1 for an answer of the better half, 0 for another, -1 for none."""
    place = places(said, answers)
    return jnp.where(place < 0, place, (2 * place >= len(answers)).astype(jnp.int32))
