"""What the parameters of a word are called, and of what types they are."""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from rewardlab.core.types import DRAWS, STATIC


@functools.cache
def signature_of(make: Callable[..., Any]) -> inspect.Signature:
    """Its signature, with annotations as types also where a file has them as text."""
    try:
        return inspect.signature(make, eval_str=True)
    except NameError:  # of what is imported for type checkers only
        return inspect.signature(make)


def bound_of(
    make: Callable[..., Any], args: tuple, kwargs: Mapping[str, Any]
) -> inspect.BoundArguments:
    """The arguments by the names of their parameters; none where they do not fit."""
    signature = signature_of(make)
    try:
        return signature.bind_partial(*args, **kwargs)
    except TypeError:
        return signature.bind_partial()


def is_static(parameter: inspect.Parameter) -> bool:
    """Whether its value shapes the program, and so stays a number of Python."""
    return STATIC in getattr(parameter.annotation, "__metadata__", ())


def draws(make: Callable[..., Any]) -> bool:
    """Whether a word has a noise of its own: a `Seed` among its arguments."""
    parameters = signature_of(make).parameters.values()
    return any(DRAWS in getattr(p.annotation, "__metadata__", ()) for p in parameters)
