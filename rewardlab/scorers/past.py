"""What earlier batches had: rows to learn from once more, in arrays of one size."""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Bool

from rewardlab.core.types import Rollout, SignalName, Static
from rewardlab.scorers.passes import Maker
from rewardlab.scorers.protocol import Context, Scorer, Setting


def past(*signals: SignalName, batches: Static[int] = 8) -> Maker:
    """`past_NAME` [N, W, ...]: each signal in the last W batches, the newest first.

    0, and invalid, before there were so many. Row n holds what row n of each batch had,
    so the rows of the past are cut and spread over devices as those of the present; it
    is kept in checkpoints. The `NAME_valid` of a signal is kept beside it.

    past('correct', batches=2) in the third iteration: outcomes of the second and first
    """

    def make(setting: Setting) -> Scorer:
        def init(context: Context, shapes: Rollout) -> dict[str, Array]:
            def empty(x: Any) -> Array:
                return jnp.zeros((x.shape[0], batches, *x.shape[1:]), x.dtype)

            return {name: empty(shapes.signals[name]) for name in _all(signals, shapes)}

        def score(
            state: dict[str, Array], context: Context, rollout: Rollout, batch: Any
        ) -> dict[str, Array]:
            return {f"past_{name}": x for name, x in state.items()}

        def step(
            state: dict[str, Array], context: Context, rollout: Rollout
        ) -> dict[str, Array]:
            def put(now: Array, before: Array) -> Array:
                return jnp.concatenate([now[:, None], before[:, :-1]], axis=1)

            return {name: put(rollout.signal(name), x) for name, x in state.items()}

        provides = {f"past_{name}": "NW" for name in signals}
        return Scorer(
            "_".join(("past", *signals)),
            provides,
            signals,
            "batch",
            score,
            init,
            step=step,
            private=(*provides, *(f"{name}_valid" for name in provides)),
        )

    return make


def of_past(
    rollout: Rollout, *signals: SignalName
) -> tuple[list[Array], Bool[Array, " M"]]:
    """Signals of the present's rows and of the past's, one below the other, M = N (W +
    1), and which rows say something: those where no signal abstains as a whole.
    """

    def joined(name: str) -> Array:
        now, before = rollout.signal(name), rollout.signal(f"past_{name}")
        both = jnp.concatenate([now[:, None], before], axis=1)
        return both.reshape(-1, *both.shape[2:])

    found = [joined(name) for name in signals]
    heard = jnp.ones(len(found[0]), bool)
    for name in signals:
        if rollout.signals.get(f"{name}_valid", jnp.zeros((0, 0))).ndim == 1:
            heard &= joined(f"{name}_valid")
    return found, heard


def _all(signals: tuple[str, ...], rollout: Rollout) -> list[str]:
    """The signals, and the `_valid` of those that have one."""
    names = [name for each in signals for name in (each, f"{each}_valid")]
    return [name for name in names if name in rollout.signals]
