"""Rows that another policy sampled, and GUI-G1's weights of hard boxes."""

import math

import jax
import jax.numpy as jnp
import numpy as np

from golden_adapters.common import NoAdapter, as_array, only, rollout_of
from golden_adapters.policy_losses import NO_LIMIT, step
from rewardlab import objectives
from rewardlab.analysis.off_policy import effective_sample_size, off_policy_measures
from rewardlab.models.logprobs import TokenStats
from rewardlab.objectives import correction
from rewardlab.selection.difficulty import box_weights

STATS = {
    "k1": correction.token_k1,
    "k2": correction.token_k2,
    "k3": correction.token_k3,
}
LEVELS = {
    "token": lambda stat, mask: stat,
    "seq_sum": correction.row_sum,
    "seq_mean": correction.row_mean,
    "seq_max": correction.row_max,
}


def as_mask(x):
    return jnp.asarray(np.asarray(x, bool))


def rollout_weights(inputs, hyper):
    """Weights are made, truncated, and then perhaps normalised."""
    mask = as_mask(inputs["response_mask"])
    logp, sampler = (as_array(inputs[f"{x}_log_prob"]) for x in ("train", "rollout"))
    by_token = inputs["level"] == "token"
    most = inputs["threshold"]
    make = correction.token_weights if by_token else correction.row_weights
    raw = make(logp - sampler, mask)
    weights = correction.truncate(raw, most)
    if inputs["batch_normalize"]:
        divide = (
            correction.normalize_by_tokens if by_token else correction.normalize_by_rows
        )
        weights = divide(weights, mask)
    return {
        "weights": weights,
        "mask": mask,
        "offpolicy_metrics": jax.jit(off_policy_measures)(logp, sampler, mask),
        "rollout_is_mean_before_truncation": jnp.mean(raw, where=mask),
        "ess": effective_sample_size(raw, mask, most),
    }


def rejection(inputs, hyper):
    """Options joined by commas are all asked; k1 has two bounds, the others one."""
    mask = as_mask(inputs["response_mask"])
    gap = as_array(inputs["log_ratio"])
    options = str(inputs["option"]).split(",")
    thresholds = str(inputs["threshold"]).split(",")
    if len(thresholds) == 1:
        thresholds *= len(options)
    keep = mask
    for option, threshold in zip(options, thresholds, strict=True):
        level, _, kind = option.strip().rpartition("_")
        if level not in LEVELS or kind not in STATS:
            raise NoAdapter(f"the option {option!r}")
        stat = LEVELS[level](STATS[kind](gap), mask)
        *least, most = map(float, threshold.strip().split("_"))
        within = kind == "k1"
        keep &= (
            correction.within_ratio(stat, most, *least)
            if within
            else correction.at_most(stat, most)
        )
    lost = mask & ~keep
    return {
        "mask": keep,
        "masked_fraction": jnp.sum(lost) / jnp.maximum(jnp.sum(mask), 1),
        "seq_masked_fraction": jnp.mean(jnp.any(lost, axis=1)),
    }


def trl_ratio(inputs, hyper):
    """No bound on log-ratios; rows give one number; padding is not compared."""
    mask = as_mask(inputs["mask"])
    gap = as_array(inputs["old_logp"]) - as_array(inputs["sampling_logp"])
    level, _, how = inputs.get("mode", hyper.get("mode")).partition("_")
    least = inputs.get("clip_min", hyper.get("clip_min")) or 0.0
    most = inputs.get("clip_max", hyper.get("clip_max"))
    most = math.inf if most is None else most
    bound = {"truncate": correction.truncate, "mask": correction.drop}[how]
    if level == "token":
        weights = correction.token_weights(gap, mask, math.inf)
        return {"ratio": only(mask, bound(weights, most, least))}
    weights = bound(correction.row_weights(gap, mask, math.inf), most, least)
    rows = jnp.max(weights, axis=1, where=mask, initial=-jnp.inf, keepdims=True)
    return {"ratio": only(jnp.any(mask, axis=1, keepdims=True), rows)}


def off_policy_mask(inputs, hyper):
    """One verdict a row, for its advantage is one number."""
    mask = np.asarray(inputs["mask"], bool)
    rollout = rollout_of(mask, logp=inputs["sampling_logps"])
    logp = as_array(inputs["per_token_logps"])
    advantage = as_array(inputs["advantages"]).reshape(len(mask), -1)
    keep = correction.near_policy(
        TokenStats(logp, 0 * logp), rollout, advantage, inputs["threshold"]
    )
    return {"keep": keep}


def gui_g1_loss(inputs, hyper):
    """The weight of a prompt multiplies its advantages; 64 tokens are the norm."""
    mask = np.asarray(inputs["mask"], bool)
    advantage = as_array(inputs["advantages"]) * as_array(inputs["difficulty_weights"])
    value, _, grad = step(
        [objectives.clipped(hyper.get("eps", 0.2), log_ratio=NO_LIMIT)],
        objectives.constant(inputs.get("max_tokens", hyper.get("max_tokens", 64))),
        mask,
        inputs["new"],
        inputs["old"],
        advantage,
    )
    return {"loss": value, "grad": grad}


def gui_g1_difficulty(inputs, hyper):
    """Small boxes weigh more."""
    return {"w": box_weights(as_array(inputs["relative_box_area_lambda"]))}


ADAPTERS = {
    "gui_g1_difficulty": gui_g1_difficulty,
    "gui_g1_loss": gui_g1_loss,
    "off_policy_sequence_mask": off_policy_mask,
    "rollout_is_weights": rollout_weights,
    "rollout_rejection_mask": rejection,
    "trl_vllm_is": trl_ratio,
}
BY_COUNT = "its means divide by a count + 1e-8"
LOOSE_64 = {
    "rollout_is_weights": (1e-7, BY_COUNT),
    "rollout_rejection_mask": (1e-7, BY_COUNT),
}
NAN_IS = {
    "gui_g1_loss": "a mean over nothing is 0",
    "rollout_is_weights": "a mean over nothing is 0",
}
