"""GRPO, RLOO and REINFORCE++ in verl, TRL and Tunix."""

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


def verl_outcome(method):
    """An estimator of verl that sums each row's rewards, on masked tokens too."""

    def adapt(inputs, hyper):
        mask = np.asarray(inputs["response_mask"], bool)
        total = np.sum(inputs["token_level_rewards"], axis=1)
        group = groups(inputs["index"])
        rollout = rollout_of(with_end(mask), group=group, correct=total)
        out = np.where(mask, advantages(sentence(method), rollout)[:, :-1], 0)
        return {"advantages": out, "returns": out}

    return adapt


def verl_reinforce_pp(inputs, hyper):
    """Rewards of every token; the reference ends the return at a hole in the mask."""
    mask = np.asarray(inputs["response_mask"], bool)
    rollout = rollout_of(mask, reward=inputs["token_level_rewards"])
    to_go = f"returns_to_go(discount={hyper['gamma']}, across_gaps=False)"
    words = {"outcome": "dense('reward')", "returns_to_go": to_go}
    text = sentence("reinforce_pp_like_verl", **words)
    plain = sentence("reinforce_pp_like_verl", **words, whiten="")
    returns = values(plain, rollout)
    return {"advantages": advantages(text, rollout), "returns": only(mask, returns)}


def verl_reinforce_pp_baseline(inputs, hyper):
    """Row rewards centred (rows without tokens count), then whitened over tokens."""
    mask = np.asarray(inputs["response_mask"], bool)
    total = np.sum(inputs["token_level_rewards"], axis=1)
    group = groups(inputs["index"])
    text = sentence("reinforce_pp_baseline_like_verl", whiten="")
    rollout = rollout_of(with_end(mask), group=group, correct=total)
    centred = advantages(text, rollout)[:, :-1]
    out = advantages("dense('x') | whiten()", rollout_of(mask, x=centred))
    return {"advantages": out, "returns": out}


def trl(method):
    """TRL's GRPO advantages: weighted rewards, of which NaN ones do not apply."""

    def adapt(inputs, hyper):
        rewards = np.asarray(inputs["rewards_per_func"], float)
        signals = {}
        for k, column in enumerate(rewards.T):
            signals[f"f{k}"] = np.nan_to_num(column)
            signals[f"f{k}_valid"] = ~np.isnan(column)
        names = [f"f{k}" for k in range(rewards.shape[1])]
        weights = inputs.get("reward_weights") or [1.0] * len(names)
        add = ", ".join(f"{n}={w!r}" for n, w in zip(names, weights, strict=True))
        parts = [f"outcome('{n}')" for n in names] + [f"weighted_sum({add})"]
        text = sentence(method, outcome=" | ".join(parts))
        group = np.arange(len(rewards)) // inputs["num_generations"]
        rollout = rollout_of(per_row(rewards), group=group, **signals)
        return {"advantages": advantages(text, rollout)[:, 0]}

    return adapt


def trl_rloo(inputs, hyper):
    """TRL's RLOO trainer after its KL, with and without `normalize_advantages`."""
    rewards = np.asarray(inputs["rewards"], float)
    rollout = rollout_of(
        per_row(rewards),
        group=np.arange(len(rewards)) // inputs["num_generations"],
        correct=np.nan_to_num(rewards),
        correct_valid=~np.isnan(rewards),
    )
    text = sentence("rloo")
    if inputs["normalize_advantages"]:
        cost = dict.fromkeys(("kl_penalty", "weighted_sum", "episode_return"), "")
        text = sentence("rloo_like_trl", **cost)
    return {"advantages": advantages(text, rollout)[:, 0]}


def tunix(inputs, hyper):
    """Tunix's three estimators."""
    rewards = inputs["rewards"]
    group = np.arange(len(rewards)) // inputs["num_generations"]
    rollout = rollout_of(per_row(rewards), group=group, correct=rewards)
    names = {"grpo": "grpo_like_tunix", "rloo": "rloo", "drgrpo": "dr_grpo"}
    return {k: advantages(sentence(m), rollout)[:, 0] for k, m in names.items()}


ADAPTERS = {
    "grpo": verl_outcome("grpo_like_verl"),
    "grpo_no_std": verl_outcome("dr_grpo_like_verl"),
    "grpo_tiny_variance": verl_outcome("grpo_like_verl"),
    "grpo_vectorized": verl_outcome("grpo_like_verl_vectorized"),
    "rloo": verl_outcome("rloo_like_verl"),
    "rloo_vectorized": verl_outcome("rloo"),
    "reinforce_pp_gamma1.0": verl_reinforce_pp,
    "reinforce_pp_gamma0.9": verl_reinforce_pp,
    "reinforce_pp_baseline": verl_reinforce_pp_baseline,
    "trl_grpo_scale_group": trl("grpo_like_trl"),
    "trl_grpo_scale_batch": trl("grpo_like_trl_batch"),
    "trl_grpo_scale_none": trl("dr_grpo"),
    "trl_rloo": trl_rloo,
    "tunix_advantages": tunix,
}
MASKED_MEANS = (1e-7, "its masked means divide by count + 1e-8")
LOOSE_64 = {
    "grpo_vectorized": (1e-4, "group statistics are float32 in the reference"),
    "reinforce_pp_gamma1.0": MASKED_MEANS,
    "reinforce_pp_gamma0.9": MASKED_MEANS,
    "reinforce_pp_baseline": MASKED_MEANS,
}
FEW_BITS = (1e-3, "rewards of 0.5 differ by 1e-4: 12 bits are left")
LOOSE_32 = {"grpo_tiny_variance": FEW_BITS, "grpo_vectorized": FEW_BITS}
NAN_IS = {
    "tunix_advantages": "a group of one gets 0",
    "trl_rloo": "a lone reward gets 0",
}
