"""Whether a rollout is one: the shapes and types of its fields, in one sentence.

Shapes are known under a trace too, so that compiled code pays nothing.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rewardlab.core.signals import SIGNALS
from rewardlab.core.types import Rollout

_KINDS = {
    "prompts": (jnp.integer, "BP"),
    "prompt_mask": (jnp.bool_, "BP"),
    "group": (jnp.integer, "N"),
    "tokens": (jnp.integer, "NT"),
    "mask": (jnp.bool_, "NT"),
    "valid": (jnp.bool_, "NT"),
    "step": (jnp.integer, "NT"),
    "logp": (jnp.floating, "NT"),
    "iteration": (jnp.integer, ""),
}
_SAYS = {jnp.integer: "integers", jnp.bool_: "True and False", jnp.floating: "floats"}


def check_rollout(rollout: Rollout) -> None:
    """Raises `ValueError`, in one sentence, that names the field or signal.

    Values are looked at where they are known: `group` must count rows of `prompts`.
    """
    if not isinstance(rollout, Rollout):
        raise ValueError(f"this is no Rollout but {type(rollout).__name__}")
    for field in dataclasses.fields(Rollout):
        if field.name != "signals":
            value = _array(field.name, getattr(rollout, field.name))
            if problem := _of_kind(value, *_KINDS[field.name]):
                raise ValueError(f"rollout.{field.name} must be {problem}")
    sizes = _sizes(rollout)
    for name, (_, letters) in _KINDS.items():
        if name == "prompt_mask":  # which no estimator reads
            continue
        shape = np.shape(getattr(rollout, name))
        if shape != tuple(sizes[letter] for letter in letters):
            meant = tuple(sizes[letter] for letter in letters)
            raise ValueError(
                f"rollout.{name} has shape {shape} and must have {meant}, as "
                "rollout.tokens has"
            )
    if not sizes["N"] or not sizes["T"]:
        raise ValueError(
            f"rollout.tokens has shape {(sizes['N'], sizes['T'])}; give it at least "
            "one row of one token"
        )
    _check_signals(rollout, sizes)
    _check_group(rollout, sizes["B"])


def _array(name: str, value: Any) -> Any:
    if isinstance(value, int) and name == "iteration":
        return np.asarray(value)
    if not hasattr(value, "shape") or not hasattr(value, "dtype"):
        raise ValueError(
            f"rollout.{name} is a {type(value).__name__}; give an array, as "
            "jnp.asarray makes it"
        )
    return value


def _of_kind(value: Any, kind: Any, letters: str) -> str:
    """What the value must be, unless it is of the kind and has as many axes."""
    right = jnp.issubdtype(value.dtype, kind) and value.ndim == len(letters)
    if right:
        return ""
    axes = f"[{', '.join(letters)}]" if letters else "one number"
    return f"{_SAYS[kind]}, {axes}, and is {value.dtype} of shape {value.shape}"


def _sizes(rollout: Rollout) -> dict[str, int]:
    (b, p), (n, t) = np.shape(rollout.prompts), np.shape(rollout.tokens)
    return {"B": b, "P": p, "N": n, "T": t}


def _check_signals(rollout: Rollout, sizes: dict[str, int]) -> None:
    if not isinstance(rollout.signals, dict):
        raise ValueError("rollout.signals must be a dict of arrays by their names")
    rows, tokens = sizes["N"], (sizes["N"], sizes["T"])
    for name, value in rollout.signals.items():
        if not isinstance(name, str):
            raise ValueError(f"rollout.signals has the name {name!r}, which is no text")
        shape = _array(f"signals[{name!r}]", value).shape
        if problem := _of_signal(name, value, rollout.signals):
            raise ValueError(f"the signal {name!r} must be {problem}")
        known = SIGNALS[name].shape if name in SIGNALS else ""
        meant = str(tokens) if known == "NT" and len(shape) == 2 else ""
        if shape[:1] != (rows,) or (meant and shape != tokens):
            raise ValueError(
                f"the signal {name!r} has shape {shape} and must have "
                f"{meant or f'{rows} rows first'}, as rollout.tokens has"
            )


def _of_signal(name: str, value: Any, signals: dict[str, Any]) -> str:
    """What a signal must be, unless it holds numbers, or says where another does."""
    if not (jnp.issubdtype(value.dtype, jnp.bool_) or _real(value.dtype)):
        return f"numbers, or True and False, and is {value.dtype}"
    of = signals.get(name.removesuffix("_valid"), value)
    if of is value or not hasattr(of, "shape"):
        return ""
    if not jnp.issubdtype(value.dtype, jnp.bool_):
        return f"True and False and is {value.dtype}"
    fits = value.shape == of.shape[: value.ndim]
    return "" if fits else f"of shape {of.shape} and has {value.shape}"


def _real(dtype: Any) -> bool:
    return any(jnp.issubdtype(dtype, kind) for kind in (jnp.integer, jnp.floating))


def _check_group(rollout: Rollout, prompts: int) -> None:
    group = rollout.group
    known = isinstance(group, np.ndarray | jax.Array) and not isinstance(
        group, jax.core.Tracer
    )
    if not known:
        return
    wrong = np.flatnonzero((np.asarray(group) < 0) | (np.asarray(group) >= prompts))
    if len(wrong):
        raise ValueError(
            f"rollout.group of row {wrong[0]} is {int(group[wrong[0]])} and there are "
            f"{prompts} prompts; number them from 0"
        )


def misfit(error: Exception) -> str:
    """What JAX says of shapes that do not fit; "" for a sentence of ours."""
    first, *more = str(error).split("\n")
    ours = isinstance(error, ValueError) and not more and "ncompatible" not in first
    return "" if ours else first
