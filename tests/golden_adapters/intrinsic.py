"""Perplexities, follow-ups, density ratios, ONI's history, noise and self-certainty."""

import jax
import jax.numpy as jnp
import numpy as np

from golden_adapters.common import (
    NoAdapter,
    as_array,
    per_row,
    rollout_of,
    sentence,
    values,
)
from rewardlab import build
from rewardlab.rules import ngrams, phrases
from rewardlab.transforms.sources import surprise

UNBASED = dict.fromkeys(
    ("center_by_group", "scale_by_group_std", "broadcast_to_tokens"), ""
)


def sar(inputs, hyper):
    """Perplexities of one token, or lengths of a group."""
    if "lengths" in inputs:
        return _length_rewards(inputs)
    if "ppl_answer_only" not in inputs:
        raise NoAdapter("only the rewards, not their schedule, are in the public API")
    rollout = rollout_of(
        [[1]],
        logp=[[-np.log(inputs["ppl_answer_given_question"])]],
        blind=[[-np.log(inputs["ppl_answer_only"])]],
    )
    drop = "relative_drop('logp', base='blind')"
    both = "perplexity() | perplexity('blind')"
    logs = f"cross_entropy() | cross_entropy('blind') | {drop}"
    texts = {
        "default": f"{both} | {drop}",
        "log_ratio": logs,
        "difference": f"{both} | weighted_sum(blind=1, logp=-1)",
    }
    texts |= {f"clip{k}": f"{both} | cap({k}) | {drop}" for k in range(2, 11)}
    out = {name: values(text, rollout)[0, 0] for name, text in texts.items()}
    bare = values("perplexity() | weighted_sum(logp=-1)", rollout)[0, 0]
    return out | {"neg_ppl_plus5": bare + 5}


def _length_rewards(inputs):
    lengths = np.asarray(inputs["lengths"])
    mask = np.arange(lengths.max()) < lengths[:, None]
    rollout = rollout_of(mask, correct=np.asarray(inputs["correct"], float))
    by_right = values("shorter_than_correct('correct')", rollout).sum(1)
    by_all = values("shorter_than_group()", rollout).sum(1)
    return {"o1_pruner": by_all, "efficient_reasoning": by_right}


def flr(inputs, hyper):
    """Follow-ups are padded; their logits predict the token in the same column."""
    out, signals = {}, {}
    for side, name in (("pos", "praise_logp"), ("neg", "blame_logp")):
        rows = inputs[f"{side}_tokens"]
        width = max(map(len, rows))
        mask = np.arange(width) < np.array([len(row) for row in rows])[:, None]
        tokens = np.array([[*row, *[0] * (width - len(row))] for row in rows])
        size = len(inputs[f"{side}_logits"][0][0])
        logits = np.zeros((*mask.shape, size))
        for i, row in enumerate(inputs[f"{side}_logits"]):
            logits[i, : len(row)] = row
        logp = surprise.follow_up_logprob(as_array(logits), tokens, jnp.asarray(mask))
        out[f"mean_logprob_{side}"] = logp
        signals[name] = np.asarray(logp)[None]
    out["flr_paper"] = values(sentence("flr", **_based("flr")), _one(signals))[0, 0]
    return out


def _based(method):
    words = [p.split("(")[0] for p in sentence(method).split(" | ")]
    return {word: "" for word in UNBASED if word in words}


def _one(signals):
    return rollout_of([[1]], **signals)


def density_ratio(inputs, hyper):
    """The sum is the row `cdr`; the mean and PromptEcho are cross-entropies."""
    rollout = rollout_of(
        inputs["mask"],
        strong_logp=inputs["logp_strong"],
        weak_logp=inputs["logp_weak"],
    )
    mean = "cross_entropy('weak_logp') | cross_entropy('strong_logp')"
    texts = {
        "density_ratio_sum": sentence("cdr", **_based("cdr")),
        "density_ratio_mean": f"{mean} | weighted_sum(weak_logp=1, strong_logp=-1)",
        "neg_ce_mean_strong(promptecho)": "cross_entropy('strong_logp')"
        " | weighted_sum(strong_logp=-1)",
    }
    return {name: values(text, rollout).sum(1) for name, text in texts.items()}


def oni(inputs, hyper):
    """Batches of rows of one token, one after another, through ONI's shapers."""
    if "batches" not in inputs:
        raise NoAdapter("only the history and the threshold are recorded")
    least = inputs.get("threshold", 0)
    prior = hyper.get("count_init", 1e-4)
    text = f"outcome('r') | standardize_by_history(prior={prior}, ddof=1)"
    transform = build(f"{text} | keep_above({least})")
    state, seen, kept = None, [], []
    for batch in inputs["batches"]:
        rollout = rollout_of(per_row(batch), r=batch)
        state = transform.init(rollout) if state is None else state
        channels, state = jax.jit(transform.update)({}, state, rollout)
        moments = state[1]
        seen.append([moments.mean, moments.m2 / moments.count, moments.count])
        kept.append(channels["r"].value[:, 0])
    return {"mean_var_count": seen, "normalised_then_thresholded": kept}


def noisy_reward(inputs, hyper):
    """The text comes without the mark that the reference looks for."""
    if "text_after_marker" not in inputs:
        return _noise(inputs)
    text = inputs["text_after_marker"]
    after = phrases.thinking(f"{phrases.MARK} {text}")
    chat = {"phrases": phrases.CHAT_PHRASES, "turns": ()}
    return {
        "rpr_math": phrases.reasoning_pattern(after),
        "rpr_rm": phrases.reasoning_pattern(after, **chat),
        **{
            f"ngram{n}_repetition": ngrams.repeated_kinds(text, n) for n in range(1, 41)
        },
    }


def _noise(inputs):
    """A reward model's score with its pattern reward, under the names we expect."""
    names = ("rm", "rm_score", "score")
    score = next((inputs[name] for name in names if name in inputs), None)
    pattern = inputs.get("rpr", inputs.get("pattern"))
    if score is None or pattern is None:
        raise NoAdapter("neither a text nor a score with its pattern reward")
    score, pattern = np.atleast_1d(score), np.atleast_1d(pattern)
    rollout = rollout_of(per_row(score), score=score, pattern=pattern)
    out = values(sentence("pattern_calibration", **UNBASED), rollout)[:, 0]
    out = out if np.ndim(inputs[next(n for n in names if n in inputs)]) else out[0]
    return dict.fromkeys(("calibrated", "rm_calibrated", "out", "reward"), out)


ADAPTERS = {
    "sar": sar,
    "flr": flr,
    "density_ratio": density_ratio,
    "oni": oni,
    "noisy_reward": noisy_reward,
}
LOOSE_64 = {"sar": (1e-6, "lengths have a float32 mean and std in the reference")}
NAN_IS = {"oni": "the variance of one reward is 0"}
