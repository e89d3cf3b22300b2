"""IGPO: information gain, its placement on tokens, and both released advantages."""

import re

import numpy as np

from golden_adapters.common import (
    advantages,
    as_array,
    groups,
    rollout_of,
    sentence,
    values,
)
from rewardlab.transforms.sources.belief import answer_logprob, answer_probability


def first_release(inputs, hyper):
    """Three kinds of case in one file."""
    kinds = {
        "advantage_v1": _advantage_v1,
        "info_gain": _info_gain,
        "placement_v1": _placement_v1,
    }
    return kinds[inputs["kind"]](inputs, hyper)


def _advantage_v1(inputs, hyper):
    """The returns run over masked tokens too, which only the result leaves out."""
    mask = np.asarray(inputs["mask"], bool)
    group = groups(inputs["index"])
    rewards = inputs["token_level_rewards"]
    rollout = rollout_of(np.ones(mask.shape), group=group, reward=rewards)
    parts = {"information_gain": "dense('reward')", "outcome": "", "weighted_sum": ""}
    text = sentence("igpo_first_release", **parts)
    returns = sentence("igpo_first_release", **parts, center_by_group_position="")
    out = np.where(mask, advantages(text, rollout), 0)
    return {"advantages": out, "returns": values(returns, rollout)}


def _info_gain(inputs, hyper):
    logp = as_array(inputs["gt_token_logprobs_before_each_turn"])[None]
    turns = logp.shape[1]
    mask, step = np.ones((1, turns)), np.arange(turns)[None]
    belief = {
        "prob": answer_probability(logp, logp <= 0),
        "log_prob": answer_logprob(logp, logp <= 0),
    }
    out = {"prob": belief["prob"][0]}
    for name, q in belief.items():
        rollout = rollout_of(mask, step=step, q=q)
        gain = values("information_gain('q')", rollout)[0, :-1]
        out[f"info_gain_{name}_diff"] = gain
    return out


def _placement_v1(inputs, hyper):
    """The text is cut into turns and scored here; where rewards stand is the method."""
    tokens = inputs["text"].split()
    starts = np.asarray([t == "<|im_start|>assistant" for t in tokens])
    step = np.cumsum(starts)[None]
    turns, gains = int(step.max()) + 1, list(inputs["info_gain"])
    if len(gains) != turns - 1:  # the release's rule for a miscounted list
        gains = [*gains, 0.0] if turns > 10 else []
    f1 = _word_f1(inputs["text"], inputs["ground_truth"])
    belief = np.concatenate([[0.0], np.cumsum(gains)])[None]
    rollout = rollout_of(np.ones(step.shape), step=step, belief=belief, correct=[f1])
    text = sentence("igpo_first_release", returns_to_go="", center_by_group_position="")
    return {"token_scores": values(text, rollout)[0], "f1": f1}


def _word_f1(text, truth):
    """Overlap of the sets of words; -2 if a tag is not closed or nothing answered."""
    answer = re.findall(r"<answer>(.*?)</answer>", text, re.S)
    tags = ("think", "tool_call", "answer")
    if not answer or any(text.count(f"<{t}>") != text.count(f"</{t}>") for t in tags):
        return -2.0
    said, true = (set(s.lower().split()) for s in (answer[-1], truth))
    both = len(said & true)
    return 2 * both / (len(said) + len(true)) if both else 0.0


def turn_level(inputs, hyper):
    """A turn ends where a reward is not 0; the outcome is the last token's.

    In that code a turn whose normalised reward is exactly 0 is no turn either, and
    merges into the next: the turns are cut again after normalising.
    """
    rewards = np.asarray(inputs["token_level_rewards"], float)
    mask = np.asarray(inputs["mask"], bool)
    group, joint = groups(inputs["index"]), inputs["mode"] == "joint"
    method = "igpo" if joint else "igpo_separate"
    kinds = {"information_gain": "dense('belief')", "outcome": "dense('correct')"}
    position = np.where(mask, np.arange(mask.shape[1]), -1)
    last = mask & (position == position.max(axis=1, keepdims=True))
    paid = mask & (rewards != 0)
    signals = {
        "belief": rewards,
        "belief_valid": paid & ~last,
        "correct": rewards,
        "correct_valid": paid & last,
    }
    plain = sentence(method, **kinds, step_returns_to_go="")
    rollout = rollout_of(mask, group=group, **signals)
    normalized = values(plain, rollout, alpha=1.0)
    ends = paid & (normalized != 0)
    if np.all(ends == paid):  # nothing merges: the method as it stands
        turns = rollout_of(mask, group=group, step=_turns(mask, paid), **signals)
        text = sentence(method, **kinds)
        out = advantages(text, turns, alpha=1.0, gamma=inputs["gamma"])
    else:
        turns = rollout_of(mask, step=_turns(mask, ends), z=normalized)
        text = f"dense('z') | step_returns_to_go(discount={inputs['gamma']})"
        out = advantages(text, turns)
    return {"normalized": normalized, "advantages": out}


def _turns(mask, ends):
    before = np.cumsum(ends, axis=1) - ends
    return np.where(mask, before, -1)


ADAPTERS = {"igpo_v1": first_release, "igpo_v2_turn": turn_level}
