"""Policies that judge or value themselves: TW-GRPO, ROVER, PACS, LaSeR, VAS, Ctrl-U."""

import jax
import jax.numpy as jnp
import numpy as np

from golden_adapters.common import (
    NoAdapter,
    advantages,
    as_array,
    groups,
    rollout_of,
    sentence,
    values,
    with_end,
)
from rewardlab.core import masked
from rewardlab.models.logprobs import mean_logp
from rewardlab.objectives import pacs as pacss
from rewardlab.objectives import rover as rovers
from rewardlab.objectives.token_importance import group_divergence, token_importance
from rewardlab.reward_models import laser as lasers
from rewardlab.reward_models import uncertainty, value_search


def tw_grpo(inputs, hyper):
    """Groups are rows that follow one another; our weights have a gradient as well."""
    logp, rows = as_array(inputs["log_probs_all_vocab"]), inputs["num_generations"]
    mask = jnp.asarray(np.asarray(inputs["mask"]) > 0)
    together = lambda x: x.reshape(-1, rows, *x.shape[1:]).swapaxes(1, 2)  # noqa: E731
    alpha = inputs.get("alpha", hyper["alpha"])
    limit = inputs.get("clamp", hyper["clamp"])
    divergence = group_divergence(together(logp), together(mask), limit)
    weights = jnp.repeat(token_importance(divergence, alpha), rows, axis=0)
    weights = jnp.where(mask, weights, 0)
    return {"weights": weights, "weights_carry_gradient": True}


def rover_reward(inputs, hyper):
    """Countdown's reward; the unused one is 5 (1 - p) for right, -2 p for wrong."""
    mask = np.asarray(inputs["response_mask"], bool)
    total = np.sum(inputs["token_level_rewards"], axis=1)
    group = groups(inputs["index"])
    text = sentence("rover", center_by_group="center_by_group(keep_singletons=True)")
    rollout = rollout_of(with_end(mask), group=group, correct=total)
    out = np.where(mask, advantages(text, rollout)[:, :-1], 0)
    right = np.where(total > 0, 1.0, 0.0)
    steep = np.where(total > 0, 5.0, 2.0)
    uneven = "outcome('x') | center_by_batch() | broadcast_to_tokens() | weigh('steep')"
    rollout = rollout_of(with_end(mask), x=right, steep=steep)
    other = np.where(mask, advantages(uneven, rollout)[:, :-1], 0)
    return {
        "countdown_reward(mean-centred)": out,
        "math_outcome_advantage(unused by published script)": other,
    }


def rover_loss(inputs, hyper):
    """Targets, Q-values, the loss and its gradient to the log-probs."""
    mask = jnp.asarray(np.asarray(inputs["mask"]) > 0)
    names = ("log_prob", "old_log_prob", "logits", "old_logits", "reward_per_token")
    logp, old, logits, old_logits, reward = (as_array(inputs[k]) for k in names)
    new, before = (mean_logp(x) for x in (logits, old_logits))
    rho, scale = inputs["rover_t"], inputs["next_q_scale"]
    target = rovers.rover_target(reward, new, before, mask, rho, scale)

    def loss(logp):
        q = rovers.q_value(logp, old, mask, rho)
        used = rovers.clipped_q(q, target) if inputs["clip"] else q
        return masked.mean((used - target) ** 2, mask), used

    (value, q), grad = jax.jit(jax.value_and_grad(loss, has_aux=True))(logp)
    return {
        "mean_log_softmax_new": new,
        "mean_log_softmax_old": before,
        "target": target,
        "q_values": q,
        "loss": value,
        "grad_log_prob": grad,
    }


def pacs(inputs, hyper):
    """The reference sums over padding as well, and so does this mask."""
    logp, old = as_array(inputs["log_prob"]), as_array(inputs["old_log_prob"])
    everywhere = jnp.ones(logp.shape, bool)
    length = jnp.sum(as_array(inputs["response_mask"]), axis=1)
    group = np.arange(logp.shape[0]) // inputs["rollout_n"]
    rollout = rollout_of(everywhere, group=group)
    correct, beta = as_array(inputs["scores"]), inputs["beta"]
    kind = inputs["adv_estimator"]
    if kind == "grpo" and not inputs["norm_adv_by_std"]:
        kind = "grpo_no_std"
    weights = {
        "question": pacss.class_balance(correct, rollout),
        "only_positive": correct == 1,
        "only_negative": correct == 0,
    }
    weight = weights[inputs["weight_mode"]] if inputs["use_weight"] else 1 + 0 * correct

    def loss(logp):
        if str(inputs["reward_method"]) == "1":
            reward = pacss.ratio_reward(logp, old, everywhere, beta)
        else:
            reward = pacss.likelihood_reward(logp, everywhere, length, beta)
        logit = pacss.LOGITS[kind](reward, rollout)
        return pacss.pacs_loss(logit, correct, weight), (reward, logit)

    (value, (reward, logit)), grad = jax.jit(jax.value_and_grad(loss, has_aux=True))(
        logp
    )
    return {
        "proxy_reward": reward,
        "logit": logit,
        "weight": weight,
        "loss": value,
        "grad_log_prob": grad,
    }


def laser(inputs, hyper):
    """The loss has log-probs times the temperature, the advantage has not."""
    mask = jnp.asarray(np.asarray(inputs["response_mask"]) > 0)
    rows, column = np.arange(mask.shape[0]), lasers.after_end(mask)
    logp = as_array(inputs["logp"])[rows, column]
    constant, heat = inputs["ref_constant"], inputs["temperature"]
    reference = as_array(inputs["ref_logp"])[rows, column]
    fixed = constant < 0
    beta = hyper["beta_v"]
    in_loss = lasers.self_score(
        logp * heat, constant if fixed else reference * heat, beta
    )
    score = lasers.self_score(logp, constant if fixed else reference, beta)
    reward, done = as_array(inputs["reward"]), lasers.finished(mask)
    weight = lasers.class_weights(reward, done)
    used = weight if inputs["balanced"] else 1.0
    rollout = rollout_of(
        np.ones((len(rows), 1)),
        group=groups(inputs["uid"]),
        correct=inputs["advantages_row"],
        self_score=lasers.verdict(score),
        finished=done,
    )
    tau = hyper["tau"]
    options = {"min_std": hyper["filter_std"]}
    plain = {"center_by_group": "", "scale_by_group_std": ""}
    mixed = sentence("laser", **plain)
    own = sentence("laser", **plain, weighted_sum="weighted_sum(self_score=1)")
    trust = {"tau": tau, "trust": 1 - tau}
    return {
        "score_for_loss": in_loss,
        "loss_mask": done,
        "class_weight": weight,
        "loss": lasers.self_score_loss(in_loss, reward, done, used),
        "self_advantage_row": values(own, rollout, **options)[:, 0],
        "mixed_advantage_row_tau0.1": values(mixed, rollout, **options, **trust)[:, 0],
    }


def vas(inputs, hyper):
    """TD(lambda) targets with their loss, or logits raised by values."""
    if "logits" in inputs:
        value = next(v for k, v in inputs.items() if "value" in k.lower())
        k = inputs.get("top_k", inputs.get("k", 20))
        out = value_search.augmented_logits(
            as_array(inputs["logits"]), as_array(value), inputs["beta"], k
        )
        return dict.fromkeys(("logits", "new_logits", "augmented_logits"), out)
    if "reward_last_token" not in inputs:
        raise NoAdapter(f"inputs {sorted(inputs)}")
    mask = jnp.asarray(np.asarray(inputs["mask"]) > 0)
    reward = masked.last(mask) * as_array(inputs["reward_last_token"])[:, None]
    returns = value_search.lambda_returns(
        reward, as_array(inputs["values"]), mask, inputs["gamma"], inputs["lam"]
    )
    loss = value_search.value_loss(as_array(inputs["vpreds"]), returns, mask)
    return {"returns": returns, "loss": loss}


def ctrl_u(inputs, hyper):
    """Classes a pixel have a divergence, values a distance."""
    sides = [
        next((as_array(v) for k, v in inputs.items() if k.startswith(side)), None)
        for side in ("primary", "aux")
    ]
    if any(side is None for side in sides):
        raise NoAdapter(f"inputs {sorted(inputs)}")
    scale = inputs.get("u_scale", 1.0)
    loss = next(as_array(v) for k, v in inputs.items() if "loss_map" in k)
    counts = np.asarray(inputs.get("timestep_mask", np.ones(len(loss)))) > 0
    if any("logits" in k for k in inputs):
        v, regulariser = uncertainty.class_disagreement(*sides, scale), 1.0
    else:
        v, regulariser = uncertainty.value_disagreement(*sides), scale
    weight = uncertainty.certainty(v)
    return {
        "variance": v,
        "weight": weight,
        "reward_loss": uncertainty.counted_mean(loss * weight, counts),
        "variance_term": regulariser * uncertainty.counted_mean(v, counts),
    }


ADAPTERS = {
    "tw_grpo_weights": tw_grpo,
    "rover_reward": rover_reward,
    "rover_loss": rover_loss,
    "pacs": pacs,
    "laser": laser,
    "vas": vas,
    "ctrl_u": ctrl_u,
}
IN_FLOAT32 = (3e-5, "the reference runs in float32 there")
LOOSE_64 = {
    "laser": IN_FLOAT32,
    "rover_loss": (1e-3, "targets are differences of float32 log-softmaxes there"),
    "pacs": (1e-6, "its class weights are float32"),
}
LOOSE_32 = {"laser": (1e-4, "float32 on both sides, and scores are divided by a std")}
NAN_IS = {
    "pacs": "a group of one has no baseline: its logit is 0",
}
