"""What of a model learns: all of its weights, or adapters beside frozen ones."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
from jaxtyping import Array

from rewardlab.models import lora
from rewardlab.models.config import LMConfig

Params = Any
_ADAPTERS = 2**31 - 5  # folded into a run's key: the first values of adapters


class Trainable(NamedTuple):
    """What learns, and what the passes of a run make of it.

    `begin(base, key)` is what learns at first. `whole(own, reference)` are weights for
    passes that nobody differentiates, such as sampling: the adapters merged, once an
    iteration. `beside(reference)` is what stays beside it in those that are, {} where
    all weights learn.
    """

    begin: Callable[[Params, Array], Params]
    whole: Callable[[Params, Params], Params]
    beside: Callable[[Params], Params]
    frozen: bool  # whether it needs the weights that training began with


ALL = Trainable(lambda base, _: base, lambda own, _: own, lambda _: {}, False)


def trainable(model: LMConfig) -> Trainable:
    """The adapters of a model that has them, and else all of its weights."""
    if model.lora is None:
        return ALL

    def begin(base: Params, key: Array) -> Params:
        return lora.init(model, jax.random.fold_in(key, _ADAPTERS))

    merged = jax.jit(functools.partial(lora.merged, config=model))
    whole = lambda own, reference: merged(reference, own)  # noqa: E731
    return Trainable(begin, whole, lambda reference: reference, True)
