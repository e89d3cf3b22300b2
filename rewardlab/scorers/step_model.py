"""Process reward models: a small head that scores each step, trained on labels."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float

from rewardlab.core import masked
from rewardlab.core.lookup import look_up
from rewardlab.core.reward import Reward
from rewardlab.core.types import Rollout, SignalName, Static, Sum
from rewardlab.reward_models import step_scores
from rewardlab.scorers import heads
from rewardlab.scorers.passes import Maker
from rewardlab.scorers.past import of_past
from rewardlab.scorers.protocol import Context, Fit, Scorer, Setting
from rewardlab.scorers.steps import exists, least_so_far

WIDTH = 64  # of the head's hidden layer
LEARNT = ("step_states", "step_label", "step_weight")


def step_model(
    signal: SignalName = "prm",
    loss: str = "cross_entropy",
    logits: Static[int] = 1,
    lr: float = 1e-3,
    warmup: Static[int] = 0,
    online: bool = True,
) -> Maker:
    """`prm` [N, S]: p_k = sigmoid(head(x_k)), the chance that step k is right.

    x_k are the `step_states`: the policy's hidden state at the end of the step, no
    gradient, and log-probs of the step and the row. The head, of one hidden layer,
    learns `step_label` (see `step_labels`) by cross entropy or the 'squared' error, a
    mean weighted by `step_weight` over the labels of this batch and the last ones,
    which `past` keeps. With logits=2 it gives two, of "wrong" and "right". For `warmup`
    iterations it learns and the policy does not; without `online` it is frozen then.

    It scores each step that the task's checker scores, where there is one, else each
    step. Told beside the loss: the accuracy, and of pairs of a right and a wrong step
    of one prompt the share that it puts in order (`auc`), beside that of the row's
    least log-prob so far (`auc_of_logp`), which costs nothing.
    """
    each = look_up(loss, "loss of step_model", step_scores.LOSSES)
    if logits not in (1, 2):
        raise ValueError(f"step_model: logits={logits} must be 1 or 2")
    if not (online or warmup):
        raise ValueError(
            "step_model: without online it learns in its warm-up alone; write warmup=20"
        )

    fit = Fit(_error(each, warmup, online), lambda hp: optax.adam(lr), warmup=warmup)

    def make(setting: Setting) -> Scorer:
        def init(context: Context, shapes: Rollout) -> heads.Head:
            size = shapes.signals["step_states"].shape[-1]
            return heads.begin(context.key, size, WIDTH, logits)

        def score(
            state: heads.Head, context: Context, rollout: Rollout, batch: Any
        ) -> dict[str, Array]:
            found = step_scores.probability(
                heads.read(state, rollout.signal("step_states"))
            )
            valid = scored_steps(rollout)
            return {signal: jnp.where(valid, found, 0), f"{signal}_valid": valid}

        reads = (*LEARNT, *(f"past_{name}" for name in LEARNT))
        name = "step_model" if signal == "prm" else f"step_model_{signal}"
        return Scorer(name, {signal: "NS"}, reads, "shard", score, init, fit)

    return make


def _error(each: Callable[..., Array], warmup: int, online: bool) -> Callable[..., Any]:
    """The weighted mean of a loss over labels of the present and the past."""

    def error(
        head: heads.Head, context: Context, rollout: Rollout, batch: Any, reward: Reward
    ) -> tuple[Sum, dict[str, Sum]]:
        (states, label, weight), _ = of_past(rollout, *LEARNT)
        weight = weight * (online | (context.iteration < warmup))
        errors = jnp.where(weight > 0, each(heads.read(head, states), label), 0)
        total = Sum(jnp.sum(weight * errors), jnp.sum(weight))
        p = step_scores.probability(heads.read(head, rollout.signal("step_states")))
        return total, told_of(p, rollout)

    return error


def scored_steps(rollout: Rollout) -> Bool[Array, "N S"]:
    """The steps that a checker scores, which leave out an answer; else all."""
    there = exists(rollout)
    return rollout.signals.get("step_correct_valid", there) & there


def told_of(p: Float[Array, "N S"], rollout: Rollout) -> dict[str, Sum]:
    """Of this batch's labels: how many, how many are right, and what is in order."""
    there = rollout.signal("step_label_valid")
    right = rollout.signal("step_label") > 0.5
    least = least_so_far(rollout)
    known = masked.sum_of(right.astype(p.dtype), there)
    rows = jnp.sum(jnp.any(rollout.mask, axis=1)).astype(p.dtype)
    return {
        "accuracy": masked.sum_of(((p > 0.5) == right).astype(p.dtype), there),
        "positives": known,
        "labels": Sum(known.count, rows),
        "auc": _in_order(p, right, there, rollout),
        "auc_of_logp": _in_order(least, right, there, rollout),
    }


def _in_order(
    score: Float[Array, "N S"],
    right: Bool[Array, "N S"],
    there: Bool[Array, "N S"],
    rollout: Rollout,
) -> Sum:
    """Over pairs of steps of one prompt, whose rows lie together."""
    prompts = rollout.prompts.shape[0]
    parts = (x.reshape(prompts, -1) for x in (score, right, there))
    pairs, above = jax.vmap(step_scores.concordance)(*parts)
    return Sum(jnp.sum(above), jnp.sum(pairs))


def aggregate_steps(
    how: str = "minimum", read: SignalName = "prm", signal: SignalName = "score"
) -> Maker:
    """`score` [N]: one number of a row from the scores of its steps.

    `how` is minimum, product, last, mean, geometric, or mean_logit, the sigmoid of the
    mean logit. A row without scores abstains.

    aggregate_steps('minimum'): (0.9, 0.2, 0.8) -> 0.2
    """
    one = look_up(how, "way to aggregate steps", step_scores.AGGREGATES)

    def make(setting: Setting) -> Scorer:
        def score(
            state: Any, context: Context, rollout: Rollout, batch: Any
        ) -> dict[str, Array]:
            value = rollout.signal(read)
            valid = rollout.signals.get(f"{read}_valid", exists(rollout))
            some = jnp.any(valid, axis=1)
            found = jnp.where(some, one(value, valid), 0)
            return {signal: found, f"{signal}_valid": some}

        name = f"aggregate_{signal}"
        return Scorer(name, {signal: "N"}, (read,), "shard", score)

    return make
