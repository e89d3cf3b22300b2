"""What every transform must do, whatever it means: compile, carry its state, ..."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from rewardlab.core import sentence
from rewardlab.core.compose import estimator
from rewardlab.core.literals import arrays, literals
from rewardlab.core.types import RewardTransform, Rollout
from rewardlab.testing.finding import UNTRIED, Finding, judged
from rewardlab.testing.laws import gap

CLOSE = 1e-5  # of the greatest advantage, where the order of a sum may differ
Trial = Callable[[RewardTransform, Sequence[Rollout]], Finding]


def compiles(transform: RewardTransform, rollouts: Sequence[Rollout]) -> Finding:
    """The law `jit`."""
    closed = estimator(transform)
    state = closed.init(rollouts[0])
    eager = closed.update({}, state, rollouts[0])[0]
    compiled = jax.jit(closed.update)({}, state, rollouts[0])[0]
    return judged(apart(eager, compiled), CLOSE)


def takes_numbers(transform: RewardTransform, rollouts: Sequence[Rollout]) -> Finding:
    """Its numbers may be arguments of a compiled program."""
    if transform.tree is None:
        return Finding(UNTRIED, why="the transform has no sentence")
    tree, rollout = transform.tree, rollouts[0]

    def advantage(numbers: Any, rollout: Rollout) -> Any:
        closed = estimator(sentence.build(tree, numbers, "reward"))
        return closed.update({}, closed.init(rollout), rollout)[0]

    numbers = arrays(literals(tree, "reward"))
    traced = jax.jit(advantage)(numbers, rollout)
    return judged(apart(jax.jit(advantage)({}, rollout), traced), CLOSE)


def carries_state(transform: RewardTransform, rollouts: Sequence[Rollout]) -> Finding:
    """The law `scan`."""
    closed = estimator(transform)
    state = closed.init(rollouts[0])
    both = jax.tree.map(lambda *x: jnp.stack(x), *rollouts)
    one = lambda s, r: closed.update({}, s, r)[::-1]  # noqa: E731
    _, scanned = jax.jit(lambda s: jax.lax.scan(one, s, both))(state)
    worst = 0.0
    for i, rollout in enumerate(rollouts):
        state, advantage = jax.jit(one)(state, rollout)
        worst = max(worst, apart(advantage, scanned[i]))
    return judged(worst, CLOSE)


def restores(transform: RewardTransform, rollouts: Sequence[Rollout]) -> Finding:
    """The law `orbax`."""
    closed = estimator(transform)
    advance = jax.jit(lambda s, r: closed.update({}, s, r))
    _, state = advance(closed.init(rollouts[0]), rollouts[0])
    if not jax.tree.leaves(state):
        return judged(0.0, CLOSE)
    with tempfile.TemporaryDirectory() as folder, ocp.StandardCheckpointer() as disk:
        disk.save(Path(folder) / "state", state)
        disk.wait_until_finished()
        again = disk.restore(
            Path(folder) / "state", jax.tree.map(jnp.zeros_like, state)
        )
    want, got = (advance(x, rollouts[1])[0] for x in (state, again))
    return judged(apart(want, got), CLOSE)


def spreads(transform: RewardTransform, rollouts: Sequence[Rollout]) -> Finding:
    """The law `devices`."""
    count, n = jax.device_count(), len(rollouts[0].mask)
    if count == 1 or n % count:
        return Finding(UNTRIED, why="there is one device here")
    devices = jax.make_mesh((count,), ("data",), axis_types=(AxisType.Auto,))

    def place(x: Any) -> Any:
        rows = PartitionSpec(*["data"][: x.shape[:1] == (n,)])
        return jax.device_put(x, NamedSharding(devices, rows))

    closed = estimator(transform)
    advantage = jax.jit(lambda r: closed.update({}, closed.init(r), r)[0])
    split = jax.tree.map(place, rollouts[0])
    return judged(apart(advantage(rollouts[0]), advantage(split)), CLOSE)


def apart(one: Any, other: Any) -> float:
    """The greatest difference; infinite where only one of them is a number."""
    one, other = np.asarray(one), np.asarray(other)
    there = np.isfinite(one)
    if not np.array_equal(there, np.isfinite(other)):
        return float("inf")
    return gap(np.where(there, one, 0), np.where(there, other, 0))


ALWAYS_TRIED: dict[str, Trial] = {
    "jit": compiles,
    "numbers": takes_numbers,
    "scan": carries_state,
    "orbax": restores,
    "devices": spreads,
}
