"""One reward model from several: their weights, averaged."""

from collections.abc import Sequence
from typing import TypeVar

import jax
from jaxtyping import Array

Params = TypeVar("Params")


def average_weights(models: Sequence[Params]) -> Params:
    """The mean of every parameter over models of one layout (WARM, arXiv 2401.12187).

    Models that begin from the same pretrained weights stay linearly connected, so the
    average scores as an ensemble does at the price of one. PAR's code averages five.
    """
    if not models:
        raise ValueError("average_weights needs at least one model")
    return jax.tree.map(lambda *w: sum(w[1:], w[0]) / len(w), *models)


def moved_copy(copy: Params, now: Params, decay: float | Array) -> Params:
    """decay copy + (1 - decay) now: one move of a slow copy towards the parameters.

    decay 0.995, copy 1, now 3 -> 1.01
    """
    return jax.tree.map(lambda c, w: decay * c + (1 - decay) * w, copy, now)
