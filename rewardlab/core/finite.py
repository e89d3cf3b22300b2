"""Whether the numbers of a pytree are finite, and whether they cease to be numbers."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool


def all_finite(tree: Any) -> Bool[Array, ""]:
    """Whether every float of the tree is finite."""
    finite = [jnp.all(jnp.isfinite(x)) for x in jax.tree.leaves(tree) if _is_float(x)]
    return functools.reduce(jnp.logical_and, finite, jnp.ones((), bool))


def turns_nan(before: Any, after: Any) -> Bool[Array, ""]:
    """Whether a float that was a number is none now.

    Infinities stay out of it: the least of what was seen so far may begin as one.
    """
    pairs = zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True)
    turned = [jnp.any(jnp.isnan(n) & ~jnp.isnan(o)) for o, n in pairs if _is_float(o)]
    return functools.reduce(jnp.logical_or, turned, jnp.zeros((), bool))


def _is_float(x: Array) -> bool:
    return jnp.issubdtype(x.dtype, jnp.floating)
