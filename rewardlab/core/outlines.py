"""Functions of the shapes of a tree, compiled once for equal ones."""

import functools
from collections.abc import Callable
from typing import Any

import jax


def of_shapes(f: Callable[..., Any]) -> Callable[..., Any]:
    """`f(like, *arrays)`, compiled, of which `like` is a tree that has only shapes.

    Equal shapes share what is compiled, whichever tree they come from.
    """

    @functools.partial(jax.jit, static_argnums=(0, 1))
    def compiled(shapes: Any, kind: Any, *arrays: Any) -> Any:
        return f(jax.tree.unflatten(kind, shapes), *arrays)

    def call(like: Any, *arrays: Any) -> Any:
        leaves, kind = jax.tree.flatten(like)
        shapes = tuple(jax.ShapeDtypeStruct(x.shape, x.dtype) for x in leaves)
        return compiled(shapes, kind, *arrays)

    return call
