"""Rows from elsewhere: sampled with a hint, or written by an expert."""

import jax
import jax.numpy as jnp
import numpy as np

from golden_adapters.common import (
    NoAdapter,
    as_array,
    channels,
    groups,
    per_row,
    rollout_of,
)
from rewardlab import objectives
from rewardlab.models.logprobs import TokenStats
from rewardlab.selection import select_rows, words_of

SHAPES = {  # of LUFFY's names
    "no_reshape": ("power", 1.0),
    "p_div_p_0.1": ("constant", 0.1),
    "square_root": ("power", 0.5),
    "logp": ("log", 1.0),
}


def _loss(inputs, rows, old, words, aggregate, times=1.0):
    """The loss and its gradient to the log-probs."""
    mask = np.asarray(inputs["mask"]) > 0
    rollout = rollout_of(mask, logp=old, **rows)
    objective = objectives.objective(words, aggregate=aggregate)

    def loss(logp):
        stats = TokenStats(logp, 0 * logp)
        return (
            times * objective(stats, rollout, as_array(inputs["advantage"]))[0].mean()
        )

    value, gradient = jax.value_and_grad(loss)(as_array(inputs["logp"]))
    return {"loss": value, "gradient": gradient}


def guide_loss(inputs):
    """Hinted rows are shaped and never clipped."""
    hinted = ~(np.asarray(inputs["from_plain_prompt"]) > 0)
    words = objectives.guided(
        inputs["clip"], shape=inputs["strategy"], value=inputs["value"]
    )
    case = (as_array(inputs["old_logp"]), words, objectives.sequence_mean())
    return _loss(inputs, {"hinted": hinted}, *case)


def expert_rows_loss(inputs):
    """An expert's `logp` is 0; a sum over the width is N rows' mean over it."""
    expert = np.asarray(inputs["expert"])[:, :1] > 0
    old = np.where(expert, 0, np.asarray(inputs["old_logp"], float))
    shape, value = SHAPES[inputs["reshape"]]
    high = 99.0 if inputs["no_clip"] else 0.2
    words = objectives.guided(0.2, high, shape=shape, value=value)
    rows = {"expert": expert[:, 0]}
    if inputs["sum_over_width"]:
        return _loss(inputs, rows, old, words, objectives.constant(), len(old))
    return _loss(inputs, rows, old, words, objectives.token_mean())


def own_rows_baseline(inputs):
    """The mean and std of the policy's own rows."""
    reward = next(inputs[k] for k in ("reward", "rewards", "scores") if k in inputs)
    names = ("own", "on_policy", "from_policy", "expert")
    name = next((k for k in names if k in inputs), None)
    if name is None:
        raise NoAdapter("no mark of the policy's own rows")
    marks = np.asarray(inputs[name]) > 0
    expert = marks if name == "expert" else ~marks
    group = groups(next(inputs[k] for k in ("group", "prompt", "uid") if k in inputs))
    rollout = rollout_of(per_row(reward), group=group, correct=reward, expert=expert)
    divide = bool(inputs["divide_by_std"])
    text = f"outcome('correct') | center_by_own_rows(divide_by_std={divide})"
    (given,) = channels(text, rollout).values()
    return {"advantages": np.asarray(given.value)[:, 0]}


def reroll(inputs):
    """Which prompts are sampled again, what is used of both, and what is kept."""
    plain, again = (np.asarray(inputs[k]) for k in ("correct", "correct_with_hint"))
    prompts, each = plain.shape
    low = inputs["threshold"]
    text = f"hint_failed('correct', most={low}) | keep_middling('correct', low={low},"
    text += f" high={1 - low})"
    group = np.repeat(np.arange(prompts), each)
    both = [
        rollout_of(per_row(x.reshape(-1)), group=group, correct=x.reshape(-1))
        for x in (plain, again)
    ]
    there = {"hint_there": jnp.ones(prompts, bool)}
    used = words_of(text)[0].replaced(*both, there)
    kept = np.asarray(select_rows(text)(used).mask)[:, 0].reshape(prompts, each)
    hinted = np.asarray(used.signals["hinted"]).reshape(prompts, each)
    return {
        "sampled_again": hinted.any(axis=1),
        "rows_used": np.asarray(used.signals["correct"]).reshape(prompts, each),
        "prompt_trained_on": kept.any(axis=1),
        "from_plain_prompt": ~hinted,
    }


KINDS = {
    "guide_loss": guide_loss,
    "expert_rows_loss": expert_rows_loss,
    "own_rows_baseline": own_rows_baseline,
    "reroll": reroll,
}


def hint(inputs, hyper):
    """By the kind of the case."""
    return KINDS[inputs["kind"]](inputs)


ADAPTERS = {"learned_hint": hint}
