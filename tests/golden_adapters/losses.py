"""verl's KL estimators, loss aggregation and PPO loss; pass@k."""

import jax
import jax.numpy as jnp
import numpy as np

from golden_adapters.common import NoAdapter, as_array, rollout_of
from rewardlab import masked, objectives
from rewardlab.analysis.pass_at_k import pass_at_k as unbiased
from rewardlab.models.logprobs import TokenStats

KL_NAMES = {"kl": "k1", "mse": "k2", "low_var_kl": "k3"}


def kl_penalty(inputs, hyper):
    """A name with a plus has the value of the estimator and the gradient of k2."""
    name = inputs["kl_penalty"].replace("(intended)", "").strip()
    plus, name = name.endswith("+"), name.rstrip("+")
    name = KL_NAMES.get(name, name)
    if name not in objectives.KL_ESTIMATORS:
        raise NoAdapter(f"the estimator {name!r}")
    estimate = objectives.KL_ESTIMATORS[name]
    logp, ref = as_array(inputs["logprob"]), as_array(inputs["ref_logprob"])

    def total(logp):
        value = estimate(logp, ref)
        if plus:
            path = objectives.KL_ESTIMATORS["k2"](logp, ref)
            value = path + jax.lax.stop_gradient(value - path)
        return jnp.sum(value), value

    grad, value = jax.grad(total, has_aux=True)(logp)
    return {"value": value, "grad_logprob": grad}


def loss_aggregation(inputs, hyper):
    """A `Sum` has both halves, so a global count or a factor can divide it instead."""
    loss = as_array(inputs["loss_mat"])
    mask = jnp.asarray(np.asarray(inputs["loss_mask"], bool))
    n, width = mask.shape

    def sums(aggregate):
        weight, count = aggregate(mask)
        value = jnp.sum(jnp.where(mask, weight * loss, 0))
        return value, jnp.sum(count)

    def mean(aggregate):
        value, count = sums(aggregate)
        return masked.divide(value, count)

    tokens, rows = sums(objectives.token_mean)[0], sums(objectives.sequence_mean)[0]
    return {
        "token-mean": mean(objectives.token_mean),
        "seq-mean-token-sum": mean(objectives.sequence_sum),
        "seq-mean-token-mean": mean(objectives.sequence_mean),
        "seq-mean-token-sum-norm": mean(objectives.constant(width / n)),
        "seq-mean-token-sum-norm(scale=100)": mean(objectives.constant(100 / n)),
        "token-mean(dp=2,batch_num_tokens=50)": tokens / 50 * 2,
        "seq-mean-token-mean(dp=2,gbs=16)": rows / 16 * 2,
    }


def ppo_clip(inputs, hyper):
    """Loss, its gradient, and the shares of clipped tokens."""
    modes = {
        "token-mean": objectives.token_mean,
        "seq-mean-token-sum": objectives.sequence_sum,
        "seq-mean-token-mean": objectives.sequence_mean,
    }
    mask = np.asarray(inputs["response_mask"], bool)
    mode = inputs["loss_agg_mode"]
    norm = objectives.constant(mask.shape[1] / mask.shape[0])
    clip = objectives.clipped_surrogate(
        inputs["clip_low"], inputs["clip_high"], dual_clip=inputs["clip_c"]
    )
    loss = objectives.objective(clip, aggregate=modes.get(mode, norm))
    rollout = rollout_of(mask, logp=inputs["old_log_prob"])
    advantage = as_array(inputs["advantages"])

    def total(logp):
        parts, metrics = loss(TokenStats(logp, 0 * logp), rollout, advantage)
        return parts.mean(), metrics

    logp = as_array(inputs["log_prob"])
    (value, metrics), grad = jax.value_and_grad(total, has_aux=True)(logp)
    names = {
        "actor/pg_clipfrac": "clip_ratio/region_mean",
        "actor/ppo_kl": "ppo_kl",
        "actor/pg_clipfrac_lower": "clip_ratio/dual_mean",
    }
    shares = {theirs: metrics[ours].mean() for theirs, ours in names.items()}
    return {"loss": value, "grad_log_prob": grad, "metrics": shares}


def pass_at_k(inputs, hyper):
    """Both outputs are the same number, computed in two ways there."""
    n, c, k = (inputs[x] for x in "nck")
    value = float(unbiased(np.asarray([c]), n, k)[0])
    return {"pass_at_k": value, "comb_check": value}


ADAPTERS = {
    "kl_penalty": kl_penalty,
    "loss_aggregation": loss_aggregation,
    "ppo_clip_dual": ppo_clip,
    "pass_at_k": pass_at_k,
}
LOOSE_64 = {
    "loss_aggregation": (1e-7, "its row means divide by length + 1e-8"),
    "ppo_clip_dual": (1e-7, "its metrics and row means divide by count + 1e-8"),
}
NAN_IS = {
    "loss_aggregation": "a mean over nothing is 0; NaN outside the mask is unread",
    "ppo_clip_dual": "a mean over nothing is 0",
}
