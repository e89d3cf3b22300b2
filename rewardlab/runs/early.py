"""Compiling beside what else is done."""

import weakref
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import jax

# What was compiled of a function, by the shapes of its arguments: it lives as long.
_COMPILED: weakref.WeakKeyDictionary[Any, dict[Any, Future]] = (
    weakref.WeakKeyDictionary()
)


def early(f: Callable[..., Any], *arguments: Any) -> Callable[..., Any]:
    """A function whose compiling begins now, on a thread, beside what else is done.

    The first call waits for it. Arguments have the shapes, types and layouts of these;
    for equal ones it is compiled once. A function that is not compiled as a whole stays
    as it is.
    """
    if not isinstance(f, jax.stages.Wrapped):
        return f
    leaves, kind = jax.tree.flatten(arguments)
    shapes = kind, tuple(map(_kind, leaves))
    made = _COMPILED.setdefault(f, {})
    if shapes not in made:
        made[shapes] = ThreadPoolExecutor(1).submit(f.lower(*arguments).compile)
    compiled = made[shapes]
    return lambda *arguments: compiled.result()(*arguments)


def _kind(x: Any) -> tuple[Any, ...]:
    return tuple(getattr(x, name, None) for name in ("shape", "dtype", "sharding"))
