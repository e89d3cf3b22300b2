"""NaN in signals: absence where a signal may abstain, and never a silent group of NaN.

A signal says with `name_valid` where it abstains. One that may, and says nothing,
abstains where it is NaN. In any other signal that is read a NaN is a mistake, and the
signal and its rows are named.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool

from rewardlab.core.signals import SIGNALS
from rewardlab.core.types import Rollout

# What follows from the parameters: where it is NaN, they are to blame.
OF_THE_POLICY = ("entropy", "ref_logp", "sampler_logp", "belief", "turn_entropy")


def abstaining(rollout: Rollout) -> Rollout:
    """The rollout in which NaN of what may abstain is an absence."""
    signals = rollout.signals
    found = {}
    for name, signal in SIGNALS.items():
        if signal.abstains and name in signals and f"{name}_valid" not in signals:
            value = signals[name]
            if jnp.issubdtype(value.dtype, jnp.floating):
                there = ~jnp.isnan(value)
                own = signal.shape in ("N", "NS", "NT")  # else a row is whole or absent
                found[name] = jnp.where(there, value, 0)
                found[f"{name}_valid"] = there if own else jnp.all(there, axis=1)
    return rollout.with_signals(**found)


def nan_rows(rollout: Rollout, read: set[str]) -> dict[str, Bool[Array, " N"]]:
    """Rows in which each signal that was read is NaN where the row has tokens for it.

    What a signal calls invalid is nothing to it. One that follows from the policy is
    not looked at.
    """
    found = {}
    for name in sorted(read - {*OF_THE_POLICY}):
        value = rollout.signals.get(name)
        if value is not None and jnp.issubdtype(value.dtype, jnp.floating):
            nan = jnp.isnan(value) & _places(name, value, rollout)
            valid = rollout.signals.get(f"{name}_valid")
            if valid is not None and valid.shape == nan.shape[: valid.ndim]:
                nan &= valid.reshape(*valid.shape, *[1] * (nan.ndim - valid.ndim))
            found[name] = jnp.any(nan.reshape(nan.shape[0], -1), axis=1)
    return found


def _places(name: str, value: Array, rollout: Rollout) -> Bool[Array, "N ..."]:
    """Where a signal is read: on True tokens, or for steps that have some."""
    if value.shape == rollout.mask.shape:
        return jnp.asarray(rollout.mask)
    rows = jnp.any(rollout.mask, axis=1)
    shape = SIGNALS[name].shape if name in SIGNALS else "NS"
    if value.ndim != 2 or shape not in ("NS", "NV"):
        return rows.reshape(-1, *[1] * (value.ndim - 1))
    last = jnp.max(jnp.where(rollout.mask, rollout.step, -1), axis=1, keepdims=True)
    after = shape == "NV"  # a value after the last step too
    return rows[:, None] & (jnp.arange(value.shape[1])[None] <= last + after)


def refuse_nan(rollout: Rollout, read: set[str]) -> None:
    """`ValueError` that names a signal and its rows; under a trace nothing is known."""
    rows = nan_rows(rollout, read)
    if not any(isinstance(x, jax.core.Tracer) for x in rows.values()):
        if said := said_of({name: np.asarray(x) for name, x in rows.items()}):
            raise ValueError(said)


def said_of(rows: dict[str, Bool[np.ndarray, " N"]]) -> str:
    """One sentence on the first signal that is NaN somewhere; "" if none is."""
    for name, bad in rows.items():
        if bad.any():
            numbers = np.flatnonzero(bad)
            more = f" and {len(numbers) - 8} more" if len(numbers) > 8 else ""
            return (
                f"the signal {name!r} is NaN in rows {numbers[:8].tolist()}{more}; "
                f"mend what makes it, or say by {name + '_valid'!r} that it abstains"
            )
    return ""
