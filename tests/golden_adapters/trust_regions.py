"""Trust regions in probabilities, and losses that stand apart."""

import jax
import jax.numpy as jnp
import numpy as np

from golden_adapters.common import NoAdapter, as_array, rollout_of, values
from golden_adapters.loss_terms import modes
from golden_adapters.policy_losses import step
from rewardlab import objectives
from rewardlab.models.logprobs import TokenStats, log_likelihoods
from rewardlab.objectives.correction import binary_kl
from rewardlab.objectives.dppo import (
    DIVERGENCES,
    TOP_DIVERGENCES,
    within,
    within_region,
)

BINARY = {"dppo_binary_tv": "tv", "dppo_binary_kl": "kl"}


TOP = {"dppo_topk_tv": "tv", "dppo_topk_kl": "kl"}


def dppo(inputs, hyper):
    """The sampled token, or the likeliest ones, against all others."""
    mode, mask = inputs["mode"], np.asarray(inputs["response_mask"], bool)
    kind = inputs.get("loss_agg_mode", "token-mean")
    if mode not in {*BINARY, *TOP} or kind not in modes(mask):
        raise NoAdapter(f"the mode {mode!r}, averaged by {kind!r}")
    low, high = float(inputs["clip_low"]), float(inputs["clip_high"])
    cap = float(inputs.get("ratio_cap", hyper.get("ratio_cap", 10.0)))
    logp, old = as_array(inputs["log_prob"]), as_array(inputs["rollout_log_prob"])
    advantage = as_array(inputs["advantages"])
    if mode in TOP:
        moved = _of_likeliest(inputs, TOP[mode])
        loss = within_region(lambda *_: moved, low, high, cap)
    else:
        moved = DIVERGENCES[BINARY[mode]](logp, old)
        loss = objectives.dppo(low, high, BINARY[mode], cap)
    value, _, grad = step([loss], modes(mask)[kind], mask, logp, old, advantage)
    keep = within(moved, logp - old, advantage, low, high)
    found = {f"topk_{TOP[mode]}": moved} if mode in TOP else {}
    keep = np.where(mask, keep, 0)
    return {**found, "keep_mask": keep, "loss": value, "grad_log_prob": grad}


def _of_likeliest(inputs, kind):
    """As a number, or of the policy's logits and the sampler's likeliest tokens."""
    if f"topk_{kind}" in inputs:
        return as_array(inputs[f"topk_{kind}"])
    names = ("logits", "rollout_topk_token_ids", "rollout_topk_logprobs")
    if not {*names} <= {*inputs}:
        raise NoAdapter(f"the likeliest tokens by {sorted(inputs)}")
    ids = np.asarray(inputs["rollout_topk_token_ids"], int)
    now = log_likelihoods(as_array(inputs["logits"]), ids)
    return TOP_DIVERGENCES[kind](now, as_array(inputs["rollout_topk_logprobs"]))


def kpop(inputs, hyper):
    """The weight of a dropped token is 0; only the mask by token is the method."""
    level = inputs.get("level", "token"), inputs.get("action", "mask")
    if level != ("token", "mask"):
        raise NoAdapter(f"level and action {level}")
    mask = np.asarray(inputs["loss_mask"], bool)
    p, b = (as_array(inputs[f"{x}_logprobs"]) for x in ("proximal", "behave"))
    rollout = rollout_of(mask, logp=p, sampler_logp=b, a=np.ones(mask.shape))
    text = "dense('a') | mask_binary_kl(upper)"
    upper = float(inputs.get("upper", hyper.get("upper", 2.0)))
    weight = values(text, rollout, upper=upper)
    kept = weight > 0
    return {
        "kl_forward": binary_kl(p, b),
        "kl_reverse": binary_kl(b, p),
        "loss_mask": kept,
        "behave_imp_weight": weight,
        "filtered_fraction": 1 - kept.sum() / max(mask.sum(), 1),
    }


def echo_streams(inputs, hyper):
    """One weight of the predicted tokens a case; lists of rows become an array."""
    if inputs.get("ref_kl_weights") is not None:
        raise NoAdapter("the stream of a KL to a reference")
    rows = inputs["trainer_logprobs"]
    lengths = np.array([len(row) for row in rows])
    valid = np.arange(max(lengths)) < lengths[:, None]

    def wide(name):
        found = np.zeros(valid.shape)
        found[valid] = np.concatenate([np.asarray(x, float) for x in inputs[name]])
        return found

    mask = wide("loss_mask") > 0
    weights = wide("ce_weights") if inputs.get("ce_weights") is not None else 0 * mask
    told = weights > 0
    weight = set(np.round(weights[told], 12).tolist())
    if len(weight) > 1 or float(inputs.get("adv_tau", 1)) != 1 or (told & mask).any():
        raise NoAdapter("several weights, or a scaled advantage")
    get = lambda k: float(inputs.get(k, hyper[k]))  # noqa: E731
    loss = f"dppo_ratio({get('mask_low')}, {get('mask_high')}, {get('kl_tau')})"
    text = f"{loss} | token_mean() | predict_environment({(*weight, 0.0)[0]})"
    objective = objectives.build_loss(text)
    rollout = rollout_of(mask, valid=mask | told, logp=wide("inference_logprobs"))
    advantage = as_array(wide("advantages"))

    def total(logp):
        parts, _ = objective(TokenStats(logp, 0 * logp), rollout, advantage)
        return jnp.sum(parts.mean())

    value, grad = jax.jit(jax.value_and_grad(total))(as_array(wide("trainer_logprobs")))
    return {
        "loss": value,
        "grad_trainer_logprobs": [
            np.asarray(g)[:n] for g, n in zip(grad, lengths, strict=True)
        ],
        "rl_tokens": mask.sum(),
        "ce_tokens": told.sum(),
        "ref_kl_tokens": 0,
    }


ADAPTERS = {"dppo": dppo, "echo_streams": echo_streams, "kpop": kpop}
LOOSE_64 = {"kpop": (2e-7, "its weights are float32")}
