"""Every law that a row of `METHODS` claims holds; those of interest fail elsewhere."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp
import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st
from jax.sharding import AxisType, NamedSharding, PartitionSpec
from laws import CLOSED, N, S, T, of_idea, rollouts

from rewardlab import LAWS, METHODS
from rewardlab.core.signals import made
from rewardlab.methods import IDEAS
from rewardlab.testing import from_arrays
from rewardlab.testing.laws import CHECKS, gap, gaps

CLAIMS = [
    (idea, name, law)
    for idea, rows in IDEAS.items()
    for name, method in rows.items()
    for law in method.laws
    if law in CHECKS
]
TELLING = ("padding", "shift", "scale", "homogeneous", "telescoping", "bounded")
TOLERANCE = (
    1.5e-4  # of the greatest advantage: an epsilon of 1e-6 passes, 1e-4 does not
)


@functools.cache
def worst(idea):
    """The worst violation of every law by each row of an idea, over many rollouts."""
    of = of_idea(idea)
    found = {law: {} for law in CHECKS}

    @seed(0)
    @settings(max_examples=30, deadline=None, database=None)
    @given(rollouts(), st.integers(0, 2**32 - 1))
    def search(rollout, number):
        for law, check in CHECKS.items():
            violations = check(of, rollout, np.random.default_rng(number))
            for name, size in violations.items():
                found[law][name] = max(found[law].get(name, 0.0), size)

    with jax.enable_x64(True):
        search()
    return found


@pytest.mark.parametrize(("idea", "name", "law"), CLAIMS)
def test_a_claimed_law_holds(idea, name, law):
    """What the row claims was never violated."""
    assert worst(idea)[law][name] <= TOLERANCE, LAWS[law]


@pytest.mark.parametrize("law", TELLING)
@pytest.mark.parametrize("idea", IDEAS)
def test_a_law_that_is_not_claimed_fails(idea, law):
    """A row that could claim a law and does not breaks it: the table has meaning."""
    found = worst(idea)[law]
    assert set(found) <= set(METHODS)
    kept = {n for n, size in found.items() if size <= TOLERANCE}
    assert kept == {n for n in found if law in METHODS[n].laws}


def test_every_law_has_a_check():
    """Laws are those of the table; the others are checked below or elsewhere."""
    below = {"jit", "scan", "orbax", "devices"}
    below |= {"policy_invariance"}  # in test_laws_guidance.py
    below |= {"stopping"}  # in test_laws_stopping.py
    assert set(CHECKS) | below == set(LAWS)
    assert all(set(LAWS) >= set(m.laws) for m in METHODS.values())


def example(number=0):
    """One rollout, always the same."""
    rng = np.random.default_rng(number)
    length = rng.integers(0, T + 1, N)
    valid = np.arange(T) < length[:, None]
    step = np.tile(np.arange(T) // 4, (N, 1))
    return from_arrays(
        valid,
        group=np.arange(N) // 4,
        step=np.where(valid, step, -1),
        logp=-rng.exponential(size=(N, T)),
        **made(rng, N, T, S),
    )


@pytest.mark.parametrize("idea", IDEAS)
def test_compiled_equals_eager(idea, x64):
    """The law `jit`."""
    rollout = example()
    compiled = of_idea(idea).advantages(rollout)
    for name, advantage in compiled.items():
        eager = CLOSED[name].update({}, CLOSED[name].init(rollout), rollout)[0]
        assert gap(advantage, eager) < 1e-7, name  # optax's schedules are float32


@pytest.mark.parametrize("idea", IDEAS)
def test_one_device_equals_eight(idea, x64):
    """The law `devices`: rows lie on eight devices, and groups across them."""
    devices = jax.make_mesh((8,), ("data",), axis_types=(AxisType.Auto,))
    rollout = example()
    split = jax.tree.map(
        lambda x: jax.device_put(
            x,
            NamedSharding(devices, PartitionSpec(*["data"][: x.shape[:1] == (N,)])),
        ),
        rollout,
    )
    assert len(split.mask.sharding.device_set) == 8
    assert max(gaps(of_idea(idea), rollout, split).values()) < 1e-7


@functools.cache
def begun():
    """The first state of every row."""
    first = example()
    return {name: c.init(first) for name, c in CLOSED.items()}


def stateful():
    """The first states that are not empty."""
    found = {name: state for name, state in begun().items() if jax.tree.leaves(state)}
    assert found, "no method has a state, so these tests say nothing"
    return found


@jax.jit
def advance(states, rollout):
    """The next state and the advantage of each row that has a state here."""
    found = {k: CLOSED[k].update({}, s, rollout) for k, s in states.items()}
    return {k: s for k, (_, s) in found.items()}, {k: a for k, (a, _) in found.items()}


def test_scan_carries_the_state(x64):
    """The law `scan`: `lax.scan` takes every row, and gives what single calls give."""
    batches = [example(0), example(1)]
    both = jax.tree.map(lambda *x: jnp.stack(x), *batches)
    scan = lambda states: jax.lax.scan(advance, states, both)  # noqa: E731
    shapes = jax.eval_shape(scan, begun())[1]
    assert {k: x.shape for k, x in shapes.items()} == dict.fromkeys(CLOSED, (2, N, T))
    after, scanned = scan(stateful())
    states = stateful()
    for i, rollout in enumerate(batches):
        states, advantage = advance(states, rollout)
        for name, x in advantage.items():
            assert gap(x, scanned[name][i]) < 1e-5, name
    assert max(jax.tree.leaves(jax.tree.map(gap, states, after))) < 1e-5


def test_orbax_restores_the_state(tmp_path, x64):
    """The law `orbax`: saved, restored and used, a state goes on as if never saved."""
    states, _ = advance(stateful(), example(0))
    with ocp.StandardCheckpointer() as checkpointer:
        checkpointer.save(tmp_path / "state", states)
        checkpointer.wait_until_finished()
        blank = jax.tree.map(jnp.zeros_like, states)
        restored = checkpointer.restore(tmp_path / "state", blank)
    want, got = (advance(s, example(1))[1] for s in (states, restored))
    assert {k: gap(want[k], got[k]) for k in want} == dict.fromkeys(want, 0.0)
