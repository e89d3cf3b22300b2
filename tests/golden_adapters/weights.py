"""Weights of tokens: entropy gates, perplexity, effective rank, STEER, RLFR, G-OPD."""

import jax
import jax.numpy as jnp
import numpy as np

from golden_adapters.common import advantages, as_array, only, rollout_of, values
from rewardlab import METHODS, objectives
from rewardlab.models.logprobs import TokenStats
from rewardlab.objectives.steer import (
    entropy_change,
    exponential_weight,
    linear_weight,
)
from rewardlab.reward_models import effective_rank as ranks
from rewardlab.transforms.weights.entropy import high_entropy
from rewardlab.transforms.weights.perplexity import log_perplexity, standardized

ROW = "outcome('a') | broadcast_to_tokens()"


def loss_and_gradient(loss, logp, entropy, rollout, advantage):
    """A token-mean loss as in the references: its value and the gradient to `logp`."""
    whole = objectives.objective(loss, aggregate=objectives.token_mean())

    def total(logp):
        return whole(TokenStats(logp, entropy), rollout, advantage)[0].mean()

    return jax.jit(jax.value_and_grad(total))(logp)


def high_entropy_gate(inputs, hyper):
    """Gated advantages in the clipped loss are a gated loss."""
    mask = np.asarray(inputs["mask"], bool)
    share = inputs["top_entropy_quantile"]
    entropy, logp = as_array(inputs["entropies"]), as_array(inputs["new"])
    rollout = rollout_of(
        mask, logp=inputs["old"], a=inputs["advantages"], entropy=entropy
    )
    text = f"{ROW} | keep_high_entropy({share})"
    gated = jnp.asarray(advantages(text, rollout))
    clip = objectives.clipped(0.2, 0.2)
    loss, grad = loss_and_gradient(clip, logp, 0 * logp, rollout, gated)
    kept = high_entropy(entropy, rollout.mask, share)
    return {"mask": kept, "loss": loss, "grad_per_token_logps": grad}


def ppl_shaping(inputs, hyper):
    """The weight stands on every token of a row; the reference names it once a row."""
    mask = np.asarray(inputs["mask"], bool)
    rollout = rollout_of(mask, logp=inputs["log_prob"], a=inputs["advantage"])
    text = f"{ROW} | weigh_by_perplexity({inputs['alpha']})"
    shaped = advantages(text, rollout)
    first = np.argmax(mask, axis=1)[:, None]
    empty = ~mask.any(axis=1)  # a row without tokens has nowhere to hold an advantage
    log_ppl = log_perplexity(rollout)
    return {
        "log_ppl": log_ppl,
        "w_ppl": standardized(log_ppl, jnp.asarray(~empty)),
        "advantage_shaped": np.ma.masked_array(
            np.take_along_axis(shaped, first, axis=1)[:, 0], empty
        ),
    }


def verl_adv_shaping(inputs, hyper):
    """Both arrays are given for every token."""
    a, b = inputs["advantages_0"], inputs["aux_rewards"]
    kappa = inputs.get("kappa", hyper["kappa"])
    text = f"dense('a') | capped_bonus('b', kappa={kappa})"
    return {"advantages": values(text, rollout_of(np.ones_like(a, bool), a=a, b=b))}


def verl_effective_rank(inputs, hyper):
    """The Gram route is float32 noise around the same numbers: not compared."""
    hidden, stride = as_array(inputs["hidden"]), inputs["stride"]
    window = hyper["max_seq_len"]
    measures = (ranks.rank_change, ranks.rank_indicators)
    both = jax.jit(lambda h: [measure(h, stride, window) for measure in measures])
    change, (acceleration, velocity, _) = both(hidden)
    noise = {
        f"{name}_per_stride_optimized": only(np.zeros(x.shape, bool), np.asarray(x))
        for name, x in (("erv", change.velocity), ("era", change.acceleration))
    }
    return noise | {
        "effective_rank": ranks.effective_rank(hidden),
        "erv_per_stride": change.velocity,
        "era_per_stride": change.acceleration,
        "ERV": velocity,
        "ERA": acceleration,
    }


def verl_aux_reward(inputs, hyper):
    """The reference works in bfloat16, which is not compared; its authors' script has
    the bonus off, and then nothing moves."""
    indicators = as_array(inputs["indicators[ERA,ERV,ER]"])
    moving = ranks.Moving(
        as_array(inputs["ema_baselines"]), as_array(inputs["ema_performance_score"])
    )
    gain, most = hyper["modulation_gain"], hyper["clip"]
    by_score = not inputs["aux_fix"]
    bonus = ranks.rank_bonus(indicators, moving, gain, most, by_score)
    beta = ranks.rank_gate(indicators, moving, gain, most)
    means = as_array(inputs["new_means"])[None]
    score, rows = jnp.mean(as_array(inputs["scores"]))[None], jnp.ones(1, bool)
    step = jax.grad(lambda now: ranks.distance(now, means, score, rows).mean())(moving)
    rate = hyper["ema_alpha"]
    after = jax.tree.map(lambda now, slope: now - rate * slope, moving, step)
    if not inputs["add_reward"]:
        bonus, after, beta = 0 * bonus, moving, beta[:0]
    names = ("Effective Rank diff 2", "Effective Rank diff", "Effective Rank")
    return {
        "aux_reward_bf16": only(np.zeros(bonus.shape, bool), np.asarray(bonus)),
        "aux_reward_float64_transcription": bonus,
        "era_gate_beta": beta,
        "mids_after": dict(zip(names, after.indicators, strict=True)),
        "ema_performance_after": after.score,
    }


def steer(inputs, hyper):
    """Linear or exponential weights, and the weighted loss."""
    mask = np.asarray(inputs["mask"], bool)
    logp, entropy = as_array(inputs["log_prob"]), as_array(inputs["entropy"])
    rollout = rollout_of(mask, logp=inputs["old_log_prob"])
    advantage, w_min = as_array(inputs["advantages"]), inputs["w_min"]
    clip = hyper["clip_low"], hyper["clip_high"], hyper["clip_c"]
    change = entropy_change(TokenStats(logp, entropy), rollout, advantage)
    if inputs["linear"]:
        w_max = inputs["w_max"]
        weight = linear_weight(change, rollout, w_min, w_max)
        loss = objectives.steer(w_min, w_max, *clip)
    else:
        floor = hyper["metric_floor_exp"]
        weight = exponential_weight(change, rollout, w_min, floor)
        loss = objectives.steer_exponential(w_min, floor, *clip)
    value, grad = loss_and_gradient(loss, logp, entropy, rollout, advantage)
    return {"weights": weight, "loss": value, "grad_log_prob": grad}


def rlfr(inputs, hyper):
    """The outcome is given normalised; the reference pads its rows with zeros."""
    mask = np.asarray(inputs["mask"], bool)
    flow = inputs["velocity_scores"]
    rollout = rollout_of(mask, flow=flow, correct=inputs["group_norm_reward"])
    scaled = "dense('flow') | minmax_by_padded_row()"
    kept = f"{scaled} | keep_top({inputs['topk']}, above={inputs['threshold']})"
    add = f"weighted_sum(flow={-inputs['flow_coef']!r}, correct=1)"
    reward = f"{kept} | outcome('correct') | {add}"
    return {
        "normalised": values(scaled, rollout),
        "filtered": values(kept, rollout),
        "token_reward": values(reward, rollout),
        "advantages": advantages(f"{reward} | returns_to_go()", rollout),
    }


def g_opd(inputs, hyper):
    """Every token is the student's."""
    student = inputs["student_logp"]
    rollout = rollout_of(
        np.ones_like(student, bool),
        logp=student,
        ref_logp=inputs["reference_logp"],
        teacher_logp=inputs["teacher_logp"],
    )
    text = METHODS["g_opd"].reward
    return {"advantages": advantages(text, rollout, scale=inputs["lambda"])}


ADAPTERS = {
    "g_opd": g_opd,
    "high_entropy_gate": high_entropy_gate,
    "ppl_shaping": ppl_shaping,
    "verl_adv_shaping": verl_adv_shaping,
    "verl_effective_rank": verl_effective_rank,
    "verl_aux_reward": verl_aux_reward,
    "steer": steer,
    "rlfr": rlfr,
}
SVD = (1e-4, "its singular values are float32")
LOOSE_64 = {
    "verl_effective_rank": SVD,
    "steer": (1e-5, "its weights are float32"),
}
LOOSE_32 = {"verl_effective_rank": SVD}
NAN_IS = {
    "steer": "a mean over no token is 0",
    "rlfr": "a row of equal scores gets 0",
    "ppl_shaping": "rows that are equal weigh 1",
    "high_entropy_gate": "a mean over no token is 0",
}
