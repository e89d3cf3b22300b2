"""Several processes that are one run: what the first does for all, and what is shared.

Every process runs the same lines in the same order. With one process each function here
does what its argument says and nothing more, and JAX's devices are not looked for.
"""

import contextlib
import pickle
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import jax
import numpy as np
from jax.experimental import multihost_utils

T = TypeVar("T")


def several() -> bool:
    """Whether other processes take part."""
    return jax.distributed.is_initialized() and jax.process_count() > 1


def is_first() -> bool:
    """Whether it is this process that writes and speaks for all."""
    return not jax.distributed.is_initialized() or jax.process_index() == 0


def agreed(make: Callable[[], T]) -> T:
    """What `make` gives in the first process, in all; they go on once it is made.

    Its error is raised in all as well.
    """
    if not several():
        return make()
    said = _tried(make) if is_first() else b""
    size = int(multihost_utils.broadcast_one_to_all(np.int64(len(said))))
    # Blocks of few sizes, since each size is a program of its own.
    block = np.zeros(1 << max(size - 1, 1).bit_length(), np.uint8)
    block[: len(said)] = np.frombuffer(said, np.uint8)
    told = multihost_utils.broadcast_one_to_all(block)
    value, error = pickle.loads(np.asarray(told)[:size].tobytes())
    if error is not None:
        raise error
    return value


def highest(number: int) -> int:
    """The highest of what the processes say."""
    if not several():
        return number
    return int(multihost_utils.process_allgather(np.int32(number)).max())


def fetched(tree: T) -> T:
    """The tree with the arrays of which other processes hold rows as NumPy's, whole."""

    def here(x: Any) -> Any:
        if not isinstance(x, jax.Array) or x.is_fully_addressable:
            return x
        if x.is_fully_replicated:
            return np.asarray(x)
        return multihost_utils.process_allgather(x, tiled=True)

    return jax.tree.map(here, tree) if several() else tree


@contextlib.contextmanager
def held(make: Callable[[], AbstractContextManager[Any]]) -> Iterator[None]:
    """Inside, the first process is inside of what `make` gives."""
    with contextlib.ExitStack() as stack:
        agreed(lambda: bool(stack.enter_context(make())))
        yield


def _tried(make: Callable[[], Any]) -> bytes:
    try:
        return pickle.dumps((make(), None))
    except Exception as error:
        try:
            pickle.loads(said := pickle.dumps((None, error)))
        except Exception:  # an error that cannot be sent: its words can
            said = pickle.dumps((None, ValueError(str(error))))
        return said
