"""KL estimators, the entropy bonus, the critic's loss, and the ways to average."""

import jax
import jax.numpy as jnp
import numpy as np

from golden_adapters.common import NoAdapter, as_array
from rewardlab import objectives
from rewardlab.contrib.adaptive_kl_penalty import next_coefficient
from rewardlab.core import masked
from rewardlab.models.logprobs import token_entropy

KL_NAMES = {"kl": "k1", "mse": "k2", "low_var_kl": "k3"}


def modes(mask, scale=None):
    """verl's aggregations by name; the constant norm is a sum over `scale`."""
    n, width = mask.shape
    return {
        "token-mean": objectives.token_mean(),
        "seq-mean-token-sum": objectives.sequence_sum(),
        "seq-mean-token-mean": objectives.sequence_mean(),
        "seq-mean-token-sum-norm": objectives.constant((scale or width) / n),
    }


def sums(loss, mask, aggregate):
    """Both halves of an aggregated loss."""
    weight, count = aggregate(mask)
    return jnp.sum(jnp.where(mask, weight * loss, 0)), jnp.sum(count)


def kl_penalty(inputs, hyper):
    """A name with a plus has the value of the estimator and the gradient of k2."""
    name = inputs["kl_penalty"].replace("(intended)", "").strip()
    plus, name = name.endswith("+"), name.rstrip("+")
    name = KL_NAMES.get(name, name)
    if name not in objectives.KL_ESTIMATORS:
        raise NoAdapter(f"the estimator {name!r}")
    estimate = objectives.KL_ESTIMATORS[name]
    estimate = objectives.with_k2_gradient(estimate) if plus else estimate
    logp, ref = as_array(inputs["logprob"]), as_array(inputs["ref_logprob"])

    def total(logp):
        value = estimate(logp, ref)
        return jnp.sum(value), value

    grad, value = jax.jit(jax.grad(total, has_aux=True))(logp)
    return {"value": value, "grad_logprob": grad}


def loss_aggregation(inputs, hyper):
    """A `Sum` has both halves, so a global count or a factor can divide it instead."""
    loss = as_array(inputs["loss_mat"])
    mask = jnp.asarray(np.asarray(inputs["loss_mask"], bool))
    named = modes(mask) | {
        "seq-mean-token-sum-norm(scale=100)": objectives.constant(100 / len(mask))
    }
    means = {
        name: masked.safe_divide(*sums(loss, mask, agg)) for name, agg in named.items()
    }
    return means | {
        "token-mean(dp=2,batch_num_tokens=50)": (
            sums(loss, mask, objectives.token_mean())[0] / 50 * 2
        ),
        "seq-mean-token-mean(dp=2,gbs=16)": (
            sums(loss, mask, objectives.sequence_mean())[0] / 16 * 2
        ),
    }


def tunix_aggregation(inputs, hyper):
    """Tunix keeps sum and denominator apart too; it means by width in one mode."""
    loss = as_array(inputs["loss_mat"])
    mask = jnp.asarray(np.asarray(inputs["loss_mask"], bool))
    n, width = mask.shape
    norm = inputs.get("norm", hyper.get("norm", "default"))
    norm = n if norm in ("default", None) else norm
    named = {
        "token-mean": (objectives.token_mean(), 1),
        "sequence-mean-token-mean": (objectives.sequence_mean(), 1),
        "sequence-mean-token-scale": (objectives.constant_non_empty(width), width),
        "seq-mean-token-sum": (objectives.sequence_sum(), 1),
        "sequence-mean-token-sum-norm": (objectives.constant(norm / n), 1),
    }
    found = {}
    for name, (aggregate, unit) in named.items():
        value, count = sums(loss, mask, aggregate)
        found[name] = {
            "sum": value / unit,
            "denominator": count / unit,
            "value": masked.safe_divide(value, count),
        }
    return found


def value_clip(inputs, hyper):
    """One loss and gradient for each way to average."""
    old, returns = as_array(inputs["values"]), as_array(inputs["returns"])
    mask = jnp.asarray(np.asarray(inputs["response_mask"], bool))
    epsilon = inputs.get("cliprange_value", hyper.get("cliprange_value", 0.2))

    def of(aggregate):
        def total(value):
            parts = objectives.value_loss(value, old, returns, mask, epsilon, aggregate)
            return parts.loss.mean(), parts.clipped.mean()

        value = as_array(inputs["vpreds"])
        (loss, share), grad = jax.jit(jax.value_and_grad(total, has_aux=True))(value)
        return {"loss": loss, "clipfrac": share, "grad_vpreds": grad}

    return {name: of(aggregate) for name, aggregate in modes(mask).items()}


def entropy(inputs, hyper):
    """The entropy of each token, and its means."""
    mask = jnp.asarray(np.asarray(inputs["response_mask"], bool))
    of_token = token_entropy(as_array(inputs["logits"]))
    means = {
        name: masked.safe_divide(*sums(of_token, mask, aggregate))
        for name, aggregate in modes(mask).items()
    }
    return {**means, "token_entropy": of_token}


def adaptive_kl(inputs, hyper):
    """The coefficient after each step."""
    options, values = {**hyper, **inputs}, []
    beta, target, horizon = (options[k] for k in ("init", "target", "horizon"))
    for step in inputs["steps"]:
        kl, rows = step["current_kl"], step["n_steps"]
        beta = next_coefficient(jnp.asarray(beta, float), kl, rows, target, horizon)
        values.append(beta)
    return {"values": jnp.stack(values)}


ADAPTERS = {
    "adaptive_kl_controller": adaptive_kl,
    "entropy_bonus": entropy,
    "kl_penalty": kl_penalty,
    "loss_aggregation": loss_aggregation,
    "tunix_loss_aggregation": tunix_aggregation,
    "value_clip_loss": value_clip,
}
BY_LENGTH = "its means divide by a count + 1e-8"
LOOSE_64 = {
    "entropy_bonus": (1e-7, BY_LENGTH),
    "loss_aggregation": (1e-7, "its row means divide by length + 1e-8"),
    "tunix_loss_aggregation": (1e-6, "its numbers are float32"),
    "value_clip_loss": (1e-7, BY_LENGTH),
}
NAN_IS = {
    "entropy_bonus": "a mean over nothing is 0",
    "loss_aggregation": "a mean over nothing is 0; NaN outside the mask is unread",
    "tunix_loss_aggregation": "a mean over nothing is 0; NaN outside is unread",
    "value_clip_loss": "a mean over nothing is 0; NaN outside the mask is unread",
}
