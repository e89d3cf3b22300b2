"""What a word takes: its arguments are checked against its annotations at the door."""

import functools
import inspect
import math
import reprlib
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
import numpy as np

from rewardlab.core.ranges import (
    FLAG,
    LARGEST_FLOAT,
    NUMBER,
    RANGES,
    Each,
    Range,
    is_number,
)
from rewardlab.core.signatures import is_static, signature_of
from rewardlab.core.tree import Tree
from rewardlab.core.types import SIGNAL, Coefficient, RewardTransform


def check(make: Callable[..., Any], args: tuple, kwargs: Mapping[str, Any]) -> None:
    """Raises `ValueError`, in one sentence, for an argument that the word cannot take.

    Too few, too many or unknown ones are left to the call itself. Arrays of one number
    and schedules may stand for numbers; only what is known now is checked.
    """
    try:
        bound = signature_of(make).bind(*args, **kwargs)
    except TypeError:
        return
    word = getattr(make, "__name__", type(make).__name__)
    for name, value in _each(bound):
        parameter = bound.signature.parameters.get(name) or _rest(bound.signature)
        problem = _problem(word, parameter, value)
        if problem:
            transform = isinstance(value, RewardTransform)
            said = value.sentence if transform else reprlib.repr(value)
            raise ValueError(f"{word}: {name}={said} must be {problem}")


Word = typing.TypeVar("Word", bound=Callable[..., Any])


def checked(make: Word) -> Word:
    """A word that checks its arguments before it is made."""

    @functools.wraps(make)
    def careful(*args: Any, **kwargs: Any) -> Any:
        check(make, args, kwargs)
        return make(*args, **kwargs)

    return typing.cast(Word, careful)


def named(make: Callable[..., RewardTransform]) -> Callable[..., RewardTransform]:
    """A word: its arguments are checked, and the transform remembers its call."""

    @functools.wraps(make)
    def remember(*args: Any, **kwargs: Any) -> RewardTransform:
        check(make, args, kwargs)
        made = make(*args, **kwargs)
        inner = tuple(map(_tree_of, args))
        by_name = {name: _tree_of(x) for name, x in kwargs.items()}
        tree = Tree(make.__name__, remember, inner, by_name, made.tree)
        return made._replace(tree=tree)

    return remember


def _tree_of(value: Any) -> Any:
    return isinstance(value, RewardTransform) and value.tree or value


def _each(bound: inspect.BoundArguments) -> Iterator[tuple[str, Any]]:
    """The names and values of all arguments that were given, the collected ones too."""
    for name, value in bound.arguments.items():
        kind = bound.signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_POSITIONAL:
            yield from ((name, one) for one in value)
        elif kind is inspect.Parameter.VAR_KEYWORD:
            yield from value.items()
        else:
            yield name, value


def _rest(signature: inspect.Signature) -> inspect.Parameter:
    """What collects the named arguments that have no parameter of their own."""
    return list(signature.parameters.values())[-1]


def _problem(word: str, parameter: inspect.Parameter, value: Any) -> str:
    """What the value must be, unless it is."""
    if is_static(parameter):
        parameter = parameter.replace(annotation=parameter.annotation.__origin__)
    wanted, default = parameter.annotation, parameter.default
    if value is default or (value is None and _may_be_none(wanted)):
        return ""
    if getattr(wanted, "__metadata__", ()) == SIGNAL:
        none = value == "" and default is not inspect.Parameter.empty
        return "" if none else _of_signal(wanted, value)
    if wanted is bool:
        return FLAG.problem(value)
    if typing.get_origin(wanted) is typing.Literal:
        known = typing.get_args(wanted)
        return "" if value in known else f"one of {', '.join(map(repr, known))}"
    if wanted is str:
        return "" if isinstance(value, str) and value else "text in quotes"
    if wanted is RewardTransform:
        found = isinstance(value, RewardTransform)
        return "" if found else "a transform, as clip_reward(0.5)"
    if typing.get_origin(wanted) is tuple:
        return _of_tuple(word, parameter, value)
    if any(kind in (int, float) for kind in (wanted, *typing.get_args(wanted))):
        return _of_number(_range(word, parameter), parameter, value)
    return ""


def _of_signal(wanted: Any, value: Any) -> str:
    if callable(value) and wanted.__origin__ is not str:
        return ""
    named = isinstance(value, str) and value.isidentifier() and len(value) <= 100
    return "" if named else "the name of a signal, as 'correct'"


def _of_tuple(word: str, parameter: inspect.Parameter, value: Any) -> str:
    parts = typing.get_args(parameter.annotation)
    rule = RANGES.get(parameter.name, NUMBER)
    if isinstance(value, tuple | list):
        known = [x for x in value if not isinstance(x, jax.core.Tracer)]
        known = [float(x) if isinstance(x, jax.Array) else x for x in known]
    else:
        known = value
    if Each(rule).problem(known):
        return Each(rule).problem(known)
    fits = Ellipsis in parts or len(value) == len(parts)
    return "" if fits else f"a tuple of {len(parts)} numbers"


def _of_number(rule: Range, parameter: inspect.Parameter, value: Any) -> str:
    schedules = _takes_schedules(parameter.annotation)
    if schedules and callable(value):
        return ""
    if isinstance(value, jax.Array | np.ndarray):
        if value.shape:
            return f"one number, and has shape {value.shape}"
        if isinstance(value, jax.core.Tracer):
            return ""  # it was looked at where it came in
        value = float(value)
        value = int(value) if rule.whole and value.is_integer() else value
    if value == math.inf and parameter.default == math.inf:
        return ""
    if isinstance(value, float) and math.isfinite(value):
        # What overflows 32 bits later is a step that is not finite, and said as such.
        value = min(max(value, -LARGEST_FLOAT), LARGEST_FLOAT)
    problem = rule.problem(value)
    return (
        f"{problem}, or a schedule" if schedules and not is_number(value) else problem
    )


def _range(word: str, parameter: inspect.Parameter) -> Range:
    own = RANGES.get(f"{word}.{parameter.name}") or RANGES.get(parameter.name)
    return own or (Range(whole=True) if parameter.annotation is int else NUMBER)


def _takes_schedules(wanted: Any) -> bool:
    kinds = typing.get_args(wanted)
    return all(kind in kinds for kind in typing.get_args(Coefficient))


def _may_be_none(wanted: Any) -> bool:
    several = typing.get_origin(wanted) in (typing.Union, types.UnionType)
    return several and type(None) in typing.get_args(wanted)
