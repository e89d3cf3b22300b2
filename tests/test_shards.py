"""What is trained may lie in parts on several devices: nothing else changes."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import PartitionSpec as P
from test_learner import bigram, make_rollout

from rewardlab import objectives
from rewardlab.core.clipping import clip_by_norm
from rewardlab.core.compose import estimator
from rewardlab.core.types import place
from rewardlab.learning.learner import Parts, learner
from rewardlab.learning.parallel import jit_driver, pmap_driver
from rewardlab.learning.shards import cut_of, specs_of
from rewardlab.methods import sentence
from rewardlab.objectives.updates import ONCE
from rewardlab.runs import checkpoint

WIDE = 64  # tokens: a table of 64 x 64 is the smallest that is cut


def with_bias(params, rollout):
    """A table that is cut, and a row that is not."""
    return bigram({"table": params["table"] + params["bias"]}, rollout)


def made(driver, micro_batches=1):
    """A learner, its first state and a rollout with ragged rows."""
    text = "outcome('correct') | center_by_group() | broadcast_to_tokens()"
    parts = Parts(
        with_bias,
        estimator(sentence.build(text)),
        lambda state, r: place(r.signals["correct"][:, None], r.mask),
        objectives.objective(
            objectives.clipped(0.2, 0.28, 3.0), aggregate=objectives.token_mean()
        ),
        optax.chain(clip_by_norm(0.01), optax.adamw(0.1)),
    )
    learn = learner(lambda hp: parts, driver, ONCE, micro_batches)
    table = jax.random.normal(jax.random.key(0), (WIDE, WIDE))
    first = learn.init({"table": table, "bias": jnp.zeros(WIDE)}, make_rollout())
    return learn, first, make_rollout()


def trained(driver, steps=3, micro_batches=1):
    learn, state, rollout = made(driver, micro_batches)
    for _ in range(steps):
        state, report = learn.update(state, rollout)
    return state, report


def apart(before, after):
    pairs = zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True)
    return max(float(np.abs(np.asarray(a) - np.asarray(b)).max()) for a, b in pairs)


def test_one_device_eight_and_four_by_two_learn_alike():
    one, told = trained(jit_driver(jax.devices()[:1]))
    start = made(jit_driver(jax.devices()[:1]))[1]
    assert apart(start.params, one.params) > 1e-2
    assert float(told.metrics["grad_norm"]) > 0.01  # and so it is clipped
    cuts = {
        "8": (jit_driver(), 1),
        "4 x 2": (jit_driver(fsdp=2), 1),
        "1 x 4 in micro-batches": (jit_driver(jax.devices()[:4], fsdp=4), 2),
    }
    for name, (driver, micro) in cuts.items():
        other, report = trained(driver, micro_batches=micro)
        assert apart(one, other) < 1e-5, name
        assert apart(told.metrics, report.metrics) < 1e-5, name


def test_each_device_has_its_part_and_no_more():
    state, _ = trained(jit_driver(fsdp=4), steps=1)
    moments = state.opt[1][0]
    for tree in (state.params, moments.mu, moments.nu):
        assert {s.data.shape for s in tree["table"].addressable_shards} == {(16, WIDE)}
        assert tree["bias"].is_fully_replicated
    assert state.step.is_fully_replicated


def test_a_part_that_is_not_finite_stops_all_parts():
    learn, state, rollout = made(jit_driver(jax.devices()[:2], fsdp=2))
    adam = state.opt[1][0]
    broken = adam._replace(nu={**adam.nu, "table": adam.nu["table"].at[0, 0].set(-1)})
    opt = (state.opt[0], (broken, *state.opt[1][1:]))
    after, report = learn.update(state._replace(opt=opt), rollout)
    assert int(after.skipped) == 1 and float(report.metrics["skipped"]) == 1


@pytest.mark.parametrize(("saved", "read"), [((8, 4), (1, 1)), ((1, 1), (4, 2))])
def test_a_checkpoint_is_read_on_any_mesh(tmp_path, saved, read):
    there, here = (jit_driver(jax.devices()[:n], fsdp) for n, fsdp in (saved, read))
    state, _ = trained(there, steps=1)
    path = checkpoint.save(tmp_path, 1, state, {})
    learn, like, rollout = made(here)
    back = checkpoint.restore(path, like)
    assert apart(state, back) == 0
    table = back.params["table"]
    assert table.sharding == like.params["table"].sharding
    assert apart(learn.update(back, rollout)[0], trained(there, steps=2)[0]) < 1e-5


@pytest.mark.parametrize(
    ("shape", "count", "cut"),
    [
        ((576, 1536), 4, 1),
        ((1536, 576), 4, 0),
        ((64, 64), 2, 0),  # the first of equals
        ((63, 4096), 2, 1),
        ((63, 65), 2, None),  # nothing divides
        ((4095,), 5, None),  # small
        ((8192,), 8, 0),
        ((576, 1536), 1, None),
        ((), 2, None),
    ],
)
def test_an_array_is_cut_along_its_largest_axis_that_divides(shape, count, cut):
    assert cut_of(shape, count) == cut
    want = [None] * len(shape)
    if cut is not None:
        want[cut] = "fsdp"
    found = specs_of(jax.ShapeDtypeStruct(shape, jnp.float32), count)
    assert found == (P() if cut is None else P(*want))


def test_what_cannot_be_cut_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match=r"mesh.fsdp=3 does not divide 8 devices"):
        jit_driver(fsdp=3)
    with pytest.raises(ValueError, match=r"use 'jit' for mesh.fsdp=2"):
        pmap_driver(fsdp=2)
