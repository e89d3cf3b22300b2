"""Labels of steps, step scorers trained on them, outcomes handed to steps."""

import jax
import jax.numpy as jnp
import numpy as np

from golden_adapters.common import NoAdapter, as_array, per_row, rollout_of, values
from rewardlab.core import masked
from rewardlab.reward_models import redistribution, step_labels, step_scores


def _mean(loss, mask=None):
    mask = jnp.ones(loss.shape, bool) if mask is None else mask
    return masked.mean(loss, mask)


def redistributed(inputs, hyper):
    """Heads after steps of gradient descent, and differences of prefixes."""
    kinds = {"contribution_head": _head, "prefix_differences": _differences}
    kinds |= {"abc_attention": _attention}
    return kinds[inputs["kind"]](inputs)


def _head(inputs):
    mask = jnp.asarray(np.asarray(inputs["step_mask"], bool))
    features, outcome = as_array(inputs["features"]), as_array(inputs["outcome"])
    errors = {"sum": redistribution.sum_error, "mean": redistribution.mean_error}

    def given(head):
        return jnp.where(mask, redistribution.linear_head(features, *head), 0)

    @jax.value_and_grad
    def loss(head):
        return _mean(errors[inputs["loss"]](given(head), mask, outcome))

    head, losses = (as_array(inputs["weight"]), as_array(inputs["bias"])), []
    out = {"contribution_before": given(head)}
    for _ in range(inputs["steps"]):
        value, slope = jax.jit(loss)(head)
        head = jax.tree.map(lambda x, g: x - inputs["lr"] * g, head, slope)
        losses.append(value)
    names = {"losses": losses, "weight_after": head[0], "bias_after": head[1]}
    return {**out, **names, "contribution_after": given(head)}


def _attention(inputs):
    """Of all heads from the last token; the shares are what an end without R gives."""
    looks = jnp.mean(as_array(inputs["attention"])[:, -1], axis=0)[None]
    looks = looks[:, inputs["prompt_length"] :]
    mask, one = jnp.ones(looks.shape, bool), jnp.ones(1)
    found = redistribution.by_attention
    return {
        "distribution": found(looks, one, mask, 1.0)[0],
        "token_reward": found(looks, inputs["reward"] * one, mask, inputs["beta"])[0],
    }


def _differences(inputs):
    score, first = as_array(inputs["prefix_score"]), as_array(inputs["prompt_score"])
    mask = jnp.asarray(np.asarray(inputs["mask"], bool))
    found = redistribution.prefix_differences(score, first, mask, inputs["beta"])
    return {"token_reward": found}


def labels(inputs, hyper):
    """From shares of continuations that succeed."""
    kinds = {
        "monte_carlo": _monte_carlo,
        "binary_search": _search,
        "tolerant_labels": _tolerant,
    }
    return kinds[inputs["kind"]](inputs)


def _monte_carlo(inputs):
    mask = jnp.asarray(np.asarray(inputs["step_mask"], bool))
    success = as_array(inputs["wins"]) / inputs["continuations"]
    prompt = as_array(inputs["wins_from_prompt"]) / inputs["continuations"]
    chance = jnp.concatenate([prompt[:, None], success], axis=1)
    before, there = chance[:, :-1], lambda x: jnp.where(mask, x, 0)
    first = step_labels.first_error(success > 0, mask)
    left = step_labels.relative_progress(success, before)
    steps = np.broadcast_to(np.arange(mask.shape[1]), mask.shape)
    rows = rollout_of(mask, step=steps, success=chance)
    return {
        "soft": there(success),
        "hard": there(step_labels.hard(success)),
        "first_error": first,
        "right_until_first_error": step_labels.before_error(first, mask),
        "trained_steps": step_labels.up_to_error(first, mask),
        "relative_progress": there(left),
        "relative_progress_label": there(left >= inputs["threshold"]),
        "advantage": values("progress('success')", rows),
        "best_of_4_advantage": values("progress('success', attempts=4)", rows),
    }


def _search(inputs):
    success = jnp.asarray(as_array([inputs["step_success"]]))
    mask = jnp.asarray(np.asarray(per_row(success[0]).T))
    first, asked = step_labels.search(success, mask)
    return {"steps_asked": [x for x in asked[0] if x >= 0], "first_error": first[0]}


def _tolerant(inputs):
    mask = jnp.asarray(np.asarray(inputs["step_mask"], bool))
    success = as_array(inputs["wins"]) / inputs["continuations"]
    confidence = as_array(inputs["self_confidence"])
    first = step_labels.first_error(success > 0, mask)
    found = step_labels.tolerant(success, confidence, first, mask, inputs["tolerance"])
    return {"first_error": first, "label": found}


def scores(inputs, hyper):
    """Losses of step scorers with their gradients, and numbers of whole rows."""
    kind = inputs["kind"]
    if kind == "domain_weights":
        return _domains(inputs)
    mask = jnp.asarray(np.asarray(inputs["step_mask"], bool))
    if kind == "aggregate":
        found = as_array(inputs["step_score"])
        ways = step_scores.AGGREGATES
        return {how: one(found, mask) for how, one in ways.items()}
    names = ("logits", "logit")
    logits = as_array(next(inputs[name] for name in names if name in inputs))
    wide = logits if kind == "two_logits" else logits[..., None]
    label = as_array(inputs["label"])
    each = step_scores.LOSSES["squared" if kind == "mse" else "cross_entropy"]

    @jax.value_and_grad
    def loss(wide):
        return _mean(each(wide, label), mask)

    value, slope = jax.jit(loss)(wide)
    slope = slope if kind == "two_logits" else slope[..., 0]
    return {"loss": value, "gradient": slope, "score": step_scores.probability(wide)}


def _domains(inputs):
    raise NoAdapter("weights of domains by their effect on other rows")


ADAPTERS = {
    "learned_redistribution": redistributed,
    "learned_step_labels": labels,
    "learned_step_model": scores,
}
