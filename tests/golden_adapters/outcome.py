"""Outcome estimators beyond GRPO: verl, TRL, the papers' own codes."""

import numpy as np

from golden_adapters.common import (
    advantages,
    groups,
    only,
    per_row,
    rollout_of,
    sentence,
    values,
    with_end,
)
from golden_adapters.groups import verl_outcome
from rewardlab.transforms.shapers.consistency import confidence


def mask_of(inputs):
    return np.asarray(inputs["response_mask"], bool)


def company(group, rows=True):
    """Whether the group has two of `rows`: verl leaves lone rows as they are."""
    return (np.bincount(group, np.ones(len(group)) * rows)[group] > 1).astype(float)


def remax(inputs, hyper):
    """Rewards of every token against the greedy completion's reward."""
    mask = mask_of(inputs)
    rollout = rollout_of(
        mask, r=inputs["token_level_rewards"], greedy=inputs["reward_baselines"]
    )
    parts = {"outcome": "dense('r') | returns_to_go()", "broadcast_to_tokens": ""}
    returns = values(sentence("remax", **parts, center_by_signal=""), rollout)
    found = advantages(sentence("remax", **parts), rollout)
    return {"advantages": only(mask, found), "returns": only(mask, returns)}


def opo(inputs, hyper):
    mask, group = mask_of(inputs), groups(inputs["index"])
    total = np.sum(inputs["token_level_rewards"], axis=1)
    rollout = rollout_of(mask, group=group, correct=total, company=company(group))
    text = sentence("opo", center_by_group="gate('company', center_by_group())")
    out = advantages(text, rollout)
    return {"advantages": out, "returns": out}


def gpg(inputs, hyper):
    """`f_norm` divides every advantage."""
    norm = inputs.get("f_norm", hyper.get("f_norm", 1.0))
    found = verl_outcome("gpg_like_verl")(inputs, hyper)
    return {k: v / norm for k, v in found.items()}


def optimal_token_baseline(by_column):
    """Rows of lone prompts keep their return; weights may come with the rollout."""

    def adapt(inputs, hyper):
        mask, group = mask_of(inputs), groups(inputs["index"])
        weights = inputs.get("rollout_is_weights")
        tail = bool(inputs.get("handle_zero_tail", False))
        rollout = rollout_of(
            mask,
            group=group,
            logp=inputs["old_log_probs"],
            r=inputs["token_level_rewards"],
            sum_pi_squared=inputs["sum_pi_squared"],
            weight=np.ones(mask.shape) if weights is None else weights,
            company=company(group, mask.any(axis=1) if tail else True),
        )
        call = (
            "gate('company', optimal_token_baseline(weight='weight', eps=1e-8,"
            f" keep_tail={tail}, by_column={by_column}))"
        )
        text = sentence(
            "optimal_token_baseline", outcome="dense('r')", optimal_token_baseline=call
        )
        returns = sentence(
            "optimal_token_baseline", outcome="dense('r')", optimal_token_baseline=""
        )
        return {
            "advantages": advantages(text, rollout),
            "returns": only(mask, values(returns, rollout)),
        }

    return adapt


def overlong(length, hyper):
    """The penalty of one completion of `length` tokens."""
    rollout = rollout_of(np.ones((1, max(length, 1))) * (length > 0), correct=[0.0])
    call = f"length_penalty({hyper['most'] - hyper['buffer']}, rate={hyper['rate']!r})"
    return values(f"outcome('correct') | {call}", rollout).sum()


def dapo_overlong(inputs, hyper):
    """verl's penalty, which goes on beyond the greatest length."""
    given = {**hyper, **inputs}
    most, buffer = given["max_resp_len"], given["buffer_len"]
    rate = given["penalty_factor"] / buffer
    cost = {"most": most, "buffer": buffer, "rate": rate}
    return {"overlong_reward": overlong(given["valid_response_length"], cost)}


def tunix_dapo_overlong(inputs, hyper):
    """Lengths are characters: a character stands for a token here."""
    cost = {"most": hyper["max"], "buffer": hyper["buffer"]}
    cost["rate"] = hyper["penalty"] / hyper["buffer"]
    texts = inputs.get("completions", inputs.get("completion"))
    texts = [texts] if isinstance(texts, str) else texts
    return {"reward": [overlong(len(text), cost) for text in texts]}


def unlikeliness(inputs, hyper):
    """Contiguous groups; a row without tokens gets one, of log-prob 0."""
    mask = with_end(inputs["response_mask"])
    mask[:, -1] = ~mask[:, :-1].any(axis=1)
    rewards = inputs["rewards"]
    rollout = rollout_of(
        mask,
        group=np.arange(len(rewards)) // inputs["group_size"],
        logp=np.pad(inputs["old_log_probs"], ((0, 0), (0, 1))),
        correct=rewards,
    )
    call = "center_by_group(keep_singletons=True)"
    text = sentence("unlikeliness", center_by_group=call)
    found = advantages(text, rollout, beta=inputs["beta_rank"], first_rank=0)
    return {"advantages": found[:, :-1]}


def grpo_care(inputs, hyper):
    """One group; its accuracy is its only reward."""
    marked = np.asarray(inputs["answer_mask"], bool)
    rollout = rollout_of(
        np.ones(marked.shape),
        correct=inputs["accuracy_rewards"],
        ref_logp=inputs["ref_answer_logps"],
        is_answer=marked,
    )
    cap = inputs.get("upper_bound")
    hp = {
        "coef": inputs.get("coef", hyper["bonus_coefficient"]),
        "margin": inputs.get("margin") or 0.0,
        "max_confidence": np.inf if cap is None else cap,
    }
    words = ("center_by_group", "scale_by_group_std", "broadcast_to_tokens")
    text = sentence("grpo_care", **dict.fromkeys(words, ""))
    rewards = values(text, rollout, **hp).sum(axis=1)
    sure = confidence(rollout.signals["ref_logp"], marked, hp["max_confidence"])
    return {
        "confidence": sure,
        "bonus": rewards - np.asarray(inputs["accuracy_rewards"], float),
        "rewards": rewards,
        "advantages": advantages(sentence("grpo_care"), rollout, **hp)[:, 0],
    }


def dr_irl(inputs, hyper):
    """One group; each weight alone, and the whole."""
    rewards = inputs["rewards"]
    rollout = rollout_of(
        per_row(rewards),
        score=rewards,
        one=np.ones(len(rewards)),
        similarity=inputs["clause_similarity_W"],
        gap=inputs["reward_gap"],
    )
    tau = float(inputs["tau"])
    gaps = np.asarray(inputs["reward_gap"], float)
    data = values("outcome('one') | weigh_by_unlikeness('similarity')", rollout)
    model = values("outcome('one') | weigh_by_gap('gap', tau=tau)", rollout, tau=tau)
    return {
        "advantages": advantages(sentence("dr_irl"), rollout, tau=tau)[:, 0],
        "alpha_data": data[:, 0],
        "alpha_model": model[0, 0],
        "kept": (gaps - gaps.mean()) ** 2 <= tau,
    }


def duration_aware(inputs, hyper):
    """One completion, each token an action."""
    durations = np.asarray(inputs["durations"], float)[None]
    rollout = rollout_of(
        np.ones(durations.shape),
        step=np.arange(durations.shape[1])[None],
        duration=durations,
        one=np.ones(durations.shape),
        a=np.asarray(inputs["advantages"], float)[None],
    )
    weigh = "weigh_by_duration('duration')"
    return {
        "weights": values(f"dense('one') | {weigh}", rollout)[0],
        "weighted_advantages": values(f"dense('a') | {weigh}", rollout)[0],
    }


ADAPTERS = {
    "remax": remax,
    "opo": opo,
    "gpg": gpg,
    "passk_norm": verl_outcome("passk_like_verl"),
    "passk_nonorm": verl_outcome("passk"),
    "optimal_token_baseline": optimal_token_baseline(by_column=True),
    "tir_optimal_token_baseline": optimal_token_baseline(by_column=False),
    "dapo_overlong": dapo_overlong,
    "tunix_dapo_overlong": tunix_dapo_overlong,
    "unlikeliness": unlikeliness,
    "grpo_care": grpo_care,
    "grpo_s_dr_irl": dr_irl,
    "duration_aware": duration_aware,
}
LOOSE_64 = {
    "unlikeliness": (1e-5, "its reference computes in float32"),
    "grpo_care": (1e-5, "its mean log-prob divides by count + 1e-6"),
}
NAN_IS = {
    "opo": "a group without tokens gets 0",
    "grpo_care": "a lone or equal group gets 0",
    "grpo_s_dr_irl": "equal rewards get 0",
    "duration_aware": "without any duration every weight is 1",
}
