"""Rewards learned from outcomes: PRIME, implicit PRM."""

import jax.numpy as jnp
import numpy as np

from golden_adapters.common import (
    advantages,
    as_array,
    only,
    rollout_of,
    sentence,
    values,
)
from rewardlab.core import masked
from rewardlab.reward_models import (
    bradley_terry,
    implicit,
    pairs,
)
from rewardlab.selection import difficulty_filter


def bools(x):
    return np.asarray(x, bool)


def _mean(loss):
    return masked.mean(loss, jnp.ones(loss.shape, bool))


def _prime_rollout(mask, inputs, **signals):
    group = np.arange(len(mask)) // inputs["n_samples"]
    return rollout_of(mask, group=group, correct=inputs["acc"], **signals)


def prime(inputs, hyper):
    """PRIME's repository: scores, returns at two discounts, losses, prompt filter."""
    mask, label = bools(inputs["mask"]), as_array(inputs["acc"])
    names = {"prm_logp": "prm_logprobs", "ref_logp": "ref_logprobs"}
    logp = {ours: inputs[theirs] for ours, theirs in names.items()}
    rollout, out = _prime_rollout(mask, inputs, **logp), {}
    q = "log_ratio('prm_logp')"
    for name, text in (("token", q), ("whole", f"{q} | episode_return()")):
        out[f"raw_score_{name}"] = values(text, rollout)
        out[f"batch_norm_{name}"] = values(
            f"{text} | scale_by_greatest_return()", rollout
        )
    for gamma in (1.0, 0.9, 0.5, 0.0):
        returns = values(sentence("prime_like_verl", whiten=""), rollout, **_hp(gamma))
        whole = advantages(sentence("prime_like_verl"), rollout, **_hp(gamma))
        out[f"returns_rm_gamma{gamma}"] = returns
        out[f"advantages_rm_gamma{gamma}"] = only(mask, whole)
    reward = implicit.implicit_reward(
        *map(as_array, logp.values()), jnp.asarray(mask), inputs["beta"]
    )
    out["ce_loss"] = _mean(implicit.cross_entropy(reward, label))
    accuracy = pairs.pair_accuracy(reward, label, rollout.group)
    return {**out, "dpo_accuracy": accuracy, **_kept(rollout, inputs, hyper)}


def _hp(gamma):
    return {"gamma": gamma, "eps": 1e-6}


def _kept(rollout, inputs, hyper):
    """PRIME keeps prompts of middling accuracy whose answers all ended in time."""
    low, high = inputs.get("accuracy_bounds", hyper["accuracy_bounds"])
    group, count = rollout.group, rollout.prompts.shape[0]
    label, length = rollout.signals["correct"], jnp.sum(rollout.mask, axis=1)
    keep = difficulty_filter.accuracy_within(label, group, count, low, high)
    ended = difficulty_filter.all_shorter(
        length, group, count, inputs["max_response_length"]
    )
    both = keep & ended
    return {
        "filter_accuracy_keep": keep[group],
        "filter_accuracy_and_truncation_keep": both[group],
    }


def prime_recipe(inputs, hyper):
    """verl's recipe: its scores (without a row's last token) come ready made."""
    mask, label = bools(inputs["mask"]), as_array(inputs["acc"])
    rollout = _prime_rollout(mask, inputs, rm=inputs["rm_scores_after_batch_norm"])
    weights = f"rm={inputs['reward_dpo_coef']}, correct={inputs['reward_gt_coef']}"
    parts = {"log_ratio": "dense('rm')", "scale_by_greatest_return": ""}
    text = sentence("prime_like_verl", **parts)
    text = text.replace("'prm_logp'", "'rm'")
    text = text.replace("prm_logp=1, correct=1", weights)
    q, zero = as_array(inputs["q"]), jnp.zeros(mask.shape)
    reward = implicit.implicit_reward(q, zero, jnp.asarray(mask), inputs["beta"])
    loss = implicit.detached_pair_loss(reward, label, rollout.group)
    by_label = implicit.best_of_n_weight(label, rollout.group)
    by_reward = implicit.best_of_n_weight(reward, rollout.group)
    return {
        "returns": values(text.replace(" | whiten()", ""), rollout, gamma=1.0),
        "advantages": only(mask, advantages(text, rollout, gamma=1.0)),
        "detached_dpo_loss_none": _mean(loss),
        "detached_dpo_loss_bon_acc": jnp.sum(loss * by_label),
        "detached_dpo_loss_bon_rm": jnp.sum(loss * by_reward),
    }


def implicit_prm(inputs, hyper):
    """Two kinds of case in one file."""
    kinds = {"losses": _implicit_losses, "prefix_rewards": _prefix_rewards}
    return kinds[inputs["kind"]](inputs, hyper)


def _implicit_losses(inputs, hyper):
    """Sums of log-probs are rows of one token; the first half of them is chosen."""
    logp, ref = (as_array(inputs[f"{x}_logp_sum"])[:, None] for x in ("policy", "ref"))
    beta = inputs["beta"]
    reward = implicit.implicit_reward(logp, ref, jnp.ones(logp.shape, bool), beta)
    chosen, rejected = jnp.split(reward, 2)
    right = jnp.arange(len(reward)) < len(chosen)
    kto, _ = implicit.vanilla_kto(reward, right, jnp.zeros(len(reward), jnp.int32))
    return {
        "ce_loss": _mean(implicit.cross_entropy(reward, as_array(inputs["labels"]))),
        "dpo_loss": _mean(bradley_terry.pair_loss(chosen, rejected)),
        "chosen_rewards": chosen,
        "rejected_rewards": rejected,
        "vanilla_kto_loss": _mean(kto),
    }


def _prefix_rewards(inputs, hyper):
    """Steps end where the indices say; the first index is the end of the prompt."""
    mask = bools(inputs["label_mask"])[:, 1:]
    ends, columns = np.asarray(inputs["step_end_index"]), np.arange(mask.shape[1])
    absent, coef = ends[:, 1:] < 0, inputs["coef"]
    last = np.where(ends < 0, mask.shape[1], ends)
    step = np.sum(last[:, :, None] < columns, axis=1)
    logp, out = as_array(inputs["policy_token_logp"]), {}
    refs = {"w/ ref": as_array(inputs["ref_token_logp"]), "w/o ref": 0 * logp}
    for name, ref in refs.items():
        rollout = rollout_of(mask, step=step, prm_logp=logp, ref_logp=ref)
        text = "log_ratio('prm_logp') | return_from_step(discount=0)"
        text += f" | weighted_sum(prm_logp={coef})"
        found = values(text, rollout)
        single = [
            np.where(step == k, found, 0).sum(axis=1) for k in range(1, ends.shape[1])
        ]
        total = implicit.process_values(logp, ref, jnp.asarray(mask), coef)
        at_end = np.take_along_axis(
            np.asarray(total), np.where(absent, 0, ends[:, 1:]), axis=1
        )
        pad = inputs["pad_value"]
        out[name] = {
            f"constant+coef-{coef}": {
                "single": np.where(absent, pad, np.transpose(single)),
                "accumulative": np.where(absent, pad, at_end),
            }
        }
    return out


ADAPTERS = {
    "prime": prime,
    "prime_verl_recipe": prime_recipe,
    "implicit_prm": implicit_prm,
}
LOOSE_64 = {
    "prime": (1e-4, "its scores pass through float32, and whitening is near 0"),
    "prime_verl_recipe": (1e-4, "the outcome is float32 there, and sums are near 0"),
    "implicit_prm": (1e-6, "the labels are float32 there, and so is the loss"),
}
NAN_IS = {
    "prime": "a group of one gets 0",
    "prime_verl_recipe": "a group of one gets 0",
}
