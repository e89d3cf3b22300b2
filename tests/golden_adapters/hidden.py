"""Hidden states and whole next-token distributions: flow matching, vocabulary."""

import jax
import jax.numpy as jnp
import numpy as np

from golden_adapters.common import as_array
from rewardlab.core import masked
from rewardlab.models import logprobs, predictions
from rewardlab.objectives import rover
from rewardlab.reward_models import flow


def learned_flow(inputs, hyper):
    """The field is linear in the state, the condition and the time."""
    hidden, noise = as_array(inputs["hidden"]), as_array(inputs["noise"])
    condition = as_array(inputs["condition"])
    time = jax.nn.sigmoid(as_array(inputs["time_normal"]))[:, None]
    mask = jnp.asarray(np.asarray(inputs["mask"]) > 0)

    def linear(weights):
        def field(x, told, time):
            at = jnp.broadcast_to(time, (*x.shape[:-1], 1))
            return jnp.concatenate([x, told, at], axis=-1) @ weights

        return field

    def loss(weights):
        error = flow.velocity_error(linear(weights), hidden, condition, noise, time)
        return masked.mean(error, mask)

    weights = as_array(inputs["field"])
    value, gradient = jax.value_and_grad(loss)(weights)
    return {
        "loss": value,
        "gradient_field": gradient,
        "state": flow.on_path(hidden, noise, time),
        "time": time[:, 0],
        "score_at_time_0_8": flow.velocity_score(
            linear(weights), hidden, condition, noise
        ),
    }


def learned_vocab(inputs, hyper):
    """Numbers of each token, or what the next token is worth to ROVER."""
    mask = jnp.asarray(np.asarray(inputs["mask"]) > 0)
    if inputs["kind"] == "next_value":
        new, old = (
            logprobs.mean_logp(as_array(inputs[name]))
            for name in ("logits", "old_logits")
        )
        worth = rover.rover_target(0 * new, new, old, mask, inputs["rho"])
        return {"next_value": worth}
    logits = as_array(inputs["logits"]) / inputs["temperature"]
    tokens = jnp.asarray(inputs["tokens"])
    found = {
        "entropy": logprobs.token_entropy(logits),
        "sum_pi_squared": logprobs.collision(logits),
        "mean_logp": logprobs.mean_logp(logits),
        "chosen_logp": logprobs.log_likelihood(logits, tokens),
        "varentropy": predictions.varentropy(logits),
        "top_margin": predictions.top_margin(logits),
        "gradient_norm_squared": predictions.gradient_norm_squared(logits, tokens),
        "self_certainty": predictions.self_certainty(logits),
    }
    return {name: jnp.where(mask, x, 0) for name, x in found.items()}


ADAPTERS = {"learned_flow": learned_flow, "learned_vocab": learned_vocab}
LOOSE_64 = {"learned_flow": (1e-8, "its mean over tokens adds 1e-8 to their number")}
