"""How much an answer is about its prompt, by the frozen start of training."""

import dataclasses
from typing import Any

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from rewardlab.core.types import Rollout
from rewardlab.models.model import Model
from rewardlab.scorers.passes import Maker
from rewardlab.scorers.protocol import Context, Scorer, Setting


def relevance() -> Maker:
    """relevance = max(0, cos(mean state of the prompt, mean state of the answer)), [N].

    Hidden states of the model that training began with, which reads both alone, each
    after the prompt's last token. It stands in for a retriever's embeddings, of which
    the paper takes the product. (arXiv 2402.03469: the method `regularized_relevance`)

    relevance(): a prompt and an answer of the same tokens -> 1
    """

    def make(setting: Setting) -> Scorer:
        model = setting.models["reference"]

        def score(
            state: Any, context: Context, rollout: Rollout, batch: Any
        ) -> dict[str, Array]:
            params = context.params["reference"]
            start = _last(rollout.prompts, rollout.prompt_mask)
            begun = dataclasses.replace(
                rollout, prompts=start, prompt_mask=jnp.ones(start.shape, bool)
            )
            asked, there = _from_the_left(rollout.prompts, rollout.prompt_mask)
            question = dataclasses.replace(begun, tokens=asked, valid=there)
            one = _mean_state(model, params, question)[rollout.group]
            other = _mean_state(model, params, begun)
            product = jnp.sum(one * other, axis=1)
            return {"relevance": jnp.maximum(product, 0)}

        roles = ("reference",)
        return Scorer("relevance", {"relevance": "N"}, (), "shard", score, roles=roles)

    return make


def _last(prompts: Int[Array, "B P"], mask: Bool[Array, "B P"]) -> Int[Array, "B 1"]:
    places = jnp.where(mask, jnp.arange(mask.shape[1]), 0)
    last = jnp.max(places, axis=1, keepdims=True)
    return jnp.take_along_axis(prompts, last, axis=1)


def _from_the_left(
    prompts: Int[Array, "B P"], mask: Bool[Array, "B P"]
) -> tuple[Int[Array, "B P"], Bool[Array, "B P"]]:
    """Prompts with their padding behind them."""
    order = jnp.argsort(~mask, axis=1, stable=True)
    taken = (jnp.take_along_axis(x, order, axis=1) for x in (prompts, mask))
    tokens, there = taken
    return tokens, there


def _mean_state(model: Model, params: Any, rollout: Rollout) -> Float[Array, "N W"]:
    """The sum of the states of all tokens, of length 1; 0 without a token."""
    states = lax.stop_gradient(model.states(params, rollout, after=True))
    total = jnp.sum(jnp.where(rollout.valid[..., None], states, 0), axis=1)
    length = jnp.sqrt(jnp.sum(total**2, axis=1, keepdims=True))
    return total / jnp.maximum(length, 1e-9)
