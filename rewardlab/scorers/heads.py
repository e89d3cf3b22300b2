"""Small networks that read hidden states, and what the policy found unlikely.

A frozen state alone does not hold how surprising the token was that it has just read,
so a head is given the sampled log-probs beside it.
"""

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from rewardlab.core.types import Rollout

SURPRISE = 3  # numbers of a token that `surprise` gives
Head = dict[str, Array]  # w1 [inputs, width], b1 [width], w2 [width, outputs], b2


def surprise(rollout: Rollout, before: bool) -> Float[Array, "N T 3"]:
    """log p of each token, and its sum and its least value over the row so far, nats.

    Under the policy that sampled; tokens that are not its own count as 0. With `before`
    they are of the tokens before each one: what a value may know, which must not see
    the token that it is a baseline of.

    log p = (-1, -3, -2): sums (-1, -4, -6), least (-1, -3, -3); before: (0, -1, -4),
    (0, -1, -3)
    """
    own = jnp.where(rollout.mask, rollout.logp, 0)
    sums, least = jnp.cumsum(own, axis=1), lax.cummin(own, axis=1)
    known = lax.stop_gradient(jnp.stack([own, sums, least], axis=-1))
    if before:
        known = jnp.pad(known[:, :-1], ((0, 0), (1, 0), (0, 0)))
    return known


def begin(key: Array, inputs: int, width: int, outputs: int = 1) -> Head:
    """A head whose outputs are all 0 at first; of `width` 0 it is linear."""
    w1 = inputs**-0.5 * jax.random.normal(key, (inputs, width))
    w2, b2 = jnp.zeros((width or inputs, outputs)), jnp.zeros(outputs)
    inner = {"w1": w1, "b1": jnp.zeros(width)} if width else {}
    return {**inner, "w2": w2, "b2": b2}


def read(
    head: Head, *inputs: Float[Array, "... inputs"]
) -> Float[Array, "... outputs"]:
    """y = w2 . gelu(W1 x + b1) + b2, with x the inputs side by side; or w2 . x + b2."""
    x = jnp.concatenate(inputs, axis=-1)
    if "w1" in head:
        x = jax.nn.gelu(x @ head["w1"] + head["b1"])
    return x @ head["w2"] + head["b2"]
