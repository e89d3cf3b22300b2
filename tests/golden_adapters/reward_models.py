"""Scalar reward models: what they learn of pairs, by the words of `loss=`."""

import jax
import jax.numpy as jnp
import numpy as np

from golden_adapters.common import NoAdapter, as_array
from rewardlab.reward_models import bradley_terry
from rewardlab.reward_models.averaging import moved_copy
from rewardlab.scorers import pair_losses as words
from rewardlab.scorers.pair_losses import Pairs, total

LOSSES = {
    "bt": lambda c: words.bradley_terry(),
    "bt_centred": lambda c: (words.bradley_terry(), words.centring(c)),
    "bt_l2": lambda c: (words.bradley_terry(), words.squares(c)),
    "pos_reg": lambda c: (words.bradley_terry(), words.lift(c)),
    "label_smooth": lambda c: words.bradley_terry(smoothing=c),
}


def learned_reward_model(inputs, hyper):
    """Losses of given scores with their gradients, a fitted head, a moving copy."""
    kind = inputs["kind"]
    if kind in LOSSES:
        return _of_pairs(inputs, LOSSES[kind](inputs.get("c", 0.0)))
    if kind not in KINDS:
        raise NoAdapter(f"the kind {kind!r} is not read")
    try:
        return KINDS[kind](inputs)
    except KeyError as missing:
        raise NoAdapter(f"the kind {kind!r} comes without {missing}") from None


def _of_pairs(inputs, loss, **more):
    chosen, rejected = (as_array(inputs[name]) for name in ("chosen", "rejected"))
    weight = more.pop("weight", jnp.ones_like(chosen))

    def mean(chosen, rejected):
        return total(loss, Pairs(chosen, rejected, weight, **more)).mean()

    loss, grads = jax.value_and_grad(mean, (0, 1))(chosen, rejected)
    return {"loss": loss, "gradient_chosen": grads[0], "gradient_rejected": grads[1]}


def _neutral_tie(inputs):
    """The first pairs are ordered, the others are ties."""
    ordered = np.arange(len(inputs["chosen"])) < inputs["ordered"]
    weight, tie = as_array(1.0 * ordered), as_array(1.0 * ~ordered)
    loss = (words.bradley_terry(), words.neutral(inputs["lam"]))
    return _of_pairs(inputs, loss, weight=weight, tie=tie)


def _text_regularised(inputs):
    logp = as_array(inputs["logp_chosen"])
    c, beta = inputs["c"], inputs["beta"]
    loss = (words.bradley_terry(weight=1 - c), words.text(c, beta))
    return _of_pairs(inputs, loss, logp=logp)


def _binary(inputs):
    score, label = as_array(inputs["score"]), as_array(inputs["label"])
    mean = lambda r: jnp.mean(bradley_terry.binary_loss(r, label))  # noqa: E731
    loss, gradient = jax.value_and_grad(mean)(score)
    return {"loss": loss, "gradient": gradient}


def _bt_fit(inputs):
    """The head of which the loss is least, by Newton's method."""
    first, second = as_array(inputs["first"]), as_array(inputs["second"])
    says = as_array(inputs["first_preferred"])[:, None] > 0.5
    chosen, rejected = (
        jnp.where(says, a, b) for a, b in ((first, second), (second, first))
    )
    ones = jnp.ones(len(first), first.dtype)

    def loss(w):
        pairs = Pairs(chosen @ w, rejected @ w, ones)
        return total(words.bradley_terry(), pairs).mean() + inputs["l2"] / 2 * w @ w

    w = jnp.zeros(first.shape[1], first.dtype)
    for _ in range(30):
        w = w - jnp.linalg.solve(jax.hessian(loss)(w), jax.grad(loss)(w))
    unknown = np.ma.masked_all(())  # the true weights are not among the inputs
    return {"weight": w, "loss": loss(w), "cosine_to_truth": unknown}


def _moving_copy(inputs):
    """A copy that moves after every k-th step, from the first parameters on."""
    first, *later = map(as_array, inputs["parameters"])
    copy, told = first, []
    for step, now in enumerate(later, 1):
        if step % inputs["every"] == 0:
            copy = moved_copy(copy, now, inputs["decay"])
        told.append(copy)
    return {"copy": np.asarray(told)}


KINDS = {
    "moving_copy": _moving_copy,
    "neutral_tie": _neutral_tie,
    "text_regularised": _text_regularised,
    "binary": _binary,
    "bt_fit": _bt_fit,
}

ADAPTERS = {"learned_reward_model": learned_reward_model}
