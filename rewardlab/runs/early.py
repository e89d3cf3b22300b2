"""Compiling beside what else is done."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax


def early(f: Callable[..., Any], *arguments: Any) -> Callable[..., Any]:
    """A function whose compiling begins now, on a thread, beside what else is done.

    The first call waits for it. Arguments have the shapes, types and layouts of these.
    A function that is not compiled as a whole stays as it is.
    """
    if not isinstance(f, jax.stages.Wrapped):
        return f
    compiled = ThreadPoolExecutor(1).submit(f.lower(*arguments).compile)
    return lambda *arguments: compiled.result()(*arguments)
