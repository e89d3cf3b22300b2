"""ToolRL and BLEUBERI."""

import itertools

import numpy as np

from golden_adapters.common import NoAdapter, per_row, rollout_of, values
from rewardlab.rules import bleu, tool_calls, toolrl

SCHEDULES = {
    "MAX1STEP30MAX3": toolrl.two_stages,
    "SCHEDULEREWARD": toolrl.smooth_stages,
}


def _strictly(truth, called):
    return tool_calls.graded_calls(truth, called, tool_calls.same_list)


RULES = {
    "default": tool_calls.graded_calls,
    "REFINEDREWARD": _strictly,
    "COARSEREWARD": tool_calls.equal_calls,
    "INTERMEDIATEREWARD": tool_calls.whole_calls,
}


def toolrl_rewards(inputs, hyper):
    """Two lists of calls, or a text against an answer under flags and steps."""
    if "gt" in inputs:
        low, high = inputs.get("min", -3), inputs.get("max", 3)
        shares = {
            name: rule(inputs["gt"], inputs["pred"]) for name, rule in RULES.items()
        }
        return {k: tool_calls.between(low, high, s) for k, s in shares.items()}
    text = inputs.get("response", inputs.get("text"))
    answer = inputs.get("answer", inputs.get("ground_truth"))
    if text is None or answer is None:
        raise NoAdapter("neither calls nor a response with its answer")
    return _on_text(text, answer)


def _on_text(text, answer):
    ranges = {"default": toolrl.PLAIN, "CORRECTMAX1": toolrl.EQUAL_WEIGHT}
    for (flag, make), step in itertools.product(SCHEDULES.items(), range(201)):
        ranges[f"{flag}@{step}"] = make(step)
    out = {}
    for name, r in ranges.items():
        form = tool_calls.between(*r.format, toolrl.has_format(text, answer))
        right = toolrl.correctness(text, answer, r.correctness)
        tag = "" if name == "default" else f"_{name}"
        out |= {f"format{tag}": form, f"correctness{tag}": right}
        out |= {f"total{tag}": form + right, name: form + right}
    out["length"] = toolrl.thinking_length(text)
    for step in range(201):
        full = toolrl.growing_length(step)
        out[f"length_SCHEDULELENGTH@{step}"] = toolrl.thinking_length(text, full)
    return out


def bleu_scores(inputs, hyper):
    """One text against its references, or the z-scores of a group."""
    if "prediction" not in inputs:
        return _bleu_rm(inputs)
    text, references = inputs["prediction"], inputs["references"]

    def listed(smooth):
        parts = bleu.bleu_parts(text, references, hyper.get("max_order", 4), smooth)
        return [*parts[:5], *parts.precisions]

    rouge, f1 = bleu.rouge_l(text, references), bleu.bleu_rouge(text, references)
    return {
        "tokens": bleu.words_13a(text),
        "smooth [bleu,bp,ratio,len,ref_len,p1..p4]": listed(True),
        "nosmooth [..]": listed(False),
        **dict.fromkeys(("bleu", "bleu_reward", "reward"), bleu.bleu(text, references)),
        **dict.fromkeys(("rouge", "rougeL", "rouge_reward"), rouge),
        **dict.fromkeys(("f1", "bleu_rouge_f1"), f1),
    }


def _bleu_rm(inputs):
    if "bleu" not in inputs:
        raise NoAdapter("neither a text nor scores")
    if np.ndim(inputs["bleu"]) == 0:
        one, other = float(inputs["bleu"]), float(inputs.get("rouge", 0))
        f1 = 2 * one * other / (one + other) if one + other else 0.0
        return dict.fromkeys(("f1", "bleu_rouge_f1"), f1)
    scores = {"bleu": inputs["bleu"], "rm": inputs.get("rm", inputs.get("rm_scores"))}
    text = "outcome('bleu') | outcome('rm') | center_by_group()"
    text += " | scale_by_group_std(eps=1e-6) | weighted_sum(bleu=0.5, rm=0.5)"
    out = values(text, rollout_of(per_row(scores["bleu"]), **scores))[:, 0]
    return dict.fromkeys(("bleu_rm", "bleu_rm_reward", "combined", "reward"), out)


ADAPTERS = {"toolrl": toolrl_rewards, "bleu": bleu_scores}
