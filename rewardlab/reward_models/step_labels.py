"""Labels of steps from continuations: how often episodes from a prefix end right.

`success` of step k is that share among the continuations of the prefix which ends with
step k; `before` is that of the prefix before it, of step 0 the bare prompt's.
"""

from typing import Any

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from rewardlab.core import masked

Steps = Float[Array, "N S"]
Mask = Bool[Array, "N S"]
First = Int[Array, " N"]  # the first wrong step of each row, -1 where there is none


def hard(success: Steps) -> Steps:
    """1 if any continuation ends right (Math-Shepherd, arXiv 2312.08935)."""
    return (success > 0).astype(success.dtype)


def reachable(success: Steps, mask: Mask) -> Steps:
    """1 if any continuation of this or of a later prefix ends right (GLoRe's SORM).

    A step before a verified prefix is right, whatever its own few samples said
    (arXiv 2402.10963). Success (0, 1/4, 0) -> (1, 1, 0)
    """
    ever = lax.cummax(jnp.where(mask, success, 0), axis=1, reverse=True)
    return hard(ever)


def first_error(right: Bool[Array, "N S"], mask: Mask) -> First:
    """The first step of the mask that is not right; -1 where there is none."""
    wrong = mask & ~right
    return jnp.where(jnp.any(wrong, axis=1), jnp.argmax(wrong, axis=1), -1)


def before_error(first: First, mask: Mask) -> Mask:
    """The steps of the mask that come before the first error."""
    step = jnp.arange(mask.shape[1])
    return mask & ((first[:, None] < 0) | (step < first[:, None]))


def up_to_error(first: First, mask: Mask) -> Mask:
    """The steps up to and with the first error: later ones are not trained on."""
    return before_error(first, mask) | (
        mask & (jnp.arange(mask.shape[1]) == first[:, None])
    )


def relative_progress(success: Steps, before: Steps) -> Steps:
    """success / before: what a step leaves of the chance to succeed (GenPRM).

    0 where nothing was left before it. (arXiv 2504.00891, which calls a step right
    from 0.8 on)
    """
    return jnp.where(before > 0, success / jnp.where(before > 0, before, 1), 0)


def tolerant(
    success: Steps,
    confidence: Float[Array, " N"],
    first: First,
    mask: Mask,
    tolerance: int = 1,
) -> Steps:
    """0 from the first error on, min(success / confidence, 1) in the `tolerance` steps
    before it, 1 before those (SCAN, arXiv 2509.16548).

    `confidence` is the success of the bare prompt: weak and strong completers then
    agree. `first` is found from few continuations, and may be late by some steps.
    """
    step, at = jnp.arange(mask.shape[1]), first[:, None]
    share = relative_progress(
        success, jnp.broadcast_to(confidence[:, None], mask.shape)
    )
    near = (at >= 0) & (step >= at - tolerance)
    label = jnp.where(near, jnp.minimum(share, 1), 1)
    return jnp.where(before_error(first, mask), label, 0)


def search(success: Steps, mask: Mask) -> tuple[First, Int[Array, "N R"]]:
    """The first error by binary search, and the steps that it asks for, in order.

    (OmegaPRM, arXiv 2406.06592.) A step counts as right with all before it if its
    `success` is above 0; then the search goes on to the right of it, else to the left.
    It asks at most R = ceil(log2(S + 1)) prefixes, -1 where it has ended. Where success
    comes back after an error it may find another first error than a scan.
    """
    rounds = mask.shape[1].bit_length()
    rows = jnp.arange(mask.shape[0])

    def ask(at: tuple[Array, Array, Array], _: None) -> tuple[Any, Array]:
        left, right, first = at
        middle = (left + right) // 2
        goes_on = left <= right
        wins = success[rows, jnp.maximum(middle, 0)] > 0
        first = jnp.where(goes_on & ~wins, middle, first)
        left = jnp.where(goes_on & wins, middle + 1, left)
        right = jnp.where(goes_on & ~wins, middle - 1, right)
        return (left, right, first), jnp.where(goes_on, middle, -1)

    zero = jnp.zeros(mask.shape[0], jnp.int32)
    begun = (zero, masked.count(mask).astype(jnp.int32) - 1, zero - 1)
    (_, _, first), asked = lax.scan(ask, begun, None, rounds)
    return first, asked.T


def asked_for(asked: Int[Array, "N R"], mask: Mask) -> Mask:
    """The steps of the mask that a search has asked for."""
    step = jnp.arange(mask.shape[1])[:, None]
    return mask & jnp.any(asked[:, None] == step, axis=2)
