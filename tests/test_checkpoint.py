"""Checkpoints: whole or absent, equal bit for bit, and plain about what is wrong."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import orbax.checkpoint as ocp
import pytest
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from rewardlab.runs import checkpoint


class Learner(NamedTuple):
    step: jax.Array
    params: dict
    opt: tuple
    reward: tuple
    key: jax.Array


def learner(width: int = 4, step: int = 3) -> Learner:
    params = {
        "w": jax.random.normal(jax.random.key(0), (8, width)),
        "half": jnp.arange(3, dtype=jnp.bfloat16),
    }
    opt = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(1e-3)).init(params)
    reward = ((), {"kl": jnp.float32(0.1)}, ())  # a sentence with one state in it
    return Learner(jnp.int32(step), params, opt, reward, jax.random.key(7))


def bits(state: Learner) -> list[bytes]:
    raw = state._replace(key=jax.random.key_data(state.key))
    return [np.asarray(x).tobytes() for x in jax.tree.leaves(raw)]


def test_round_trip_is_exact(tmp_path: Path) -> None:
    state = learner()
    path = checkpoint.save(tmp_path, 3, state, {"lr": 1e-3, "split": [1, 2]})
    assert path == tmp_path / "checkpoints" / "3"
    back = checkpoint.restore(path, learner(step=0))
    assert jax.tree.structure(back) == jax.tree.structure(state)
    assert bits(back) == bits(state)
    assert jax.random.uniform(back.key) == jax.random.uniform(state.key)
    assert checkpoint.read_extra(path) == {"lr": 1e-3, "split": [1, 2]}
    with ocp.StandardCheckpointer() as orbax:  # readable without this package
        alone = orbax.restore(path / "state")
    np.testing.assert_array_equal(alone["params"]["w"], state.params["w"])


def test_restores_onto_given_shardings(tmp_path: Path) -> None:
    state = learner()
    path = checkpoint.save(tmp_path, 1, state, {})
    mesh = Mesh(np.array(jax.devices()), ("data",))
    everywhere = NamedSharding(mesh, PartitionSpec())
    like = jax.tree.map(
        lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=everywhere), state
    )
    rows = NamedSharding(mesh, PartitionSpec("data"))
    like.params["w"] = jax.ShapeDtypeStruct((8, 4), jnp.float32, sharding=rows)
    back = checkpoint.restore(path, like)
    assert bits(back) == bits(state)
    assert back.params["w"].sharding == rows
    assert back.step.sharding == everywhere


def test_keeps_the_newest_and_replaces_an_equal_step(tmp_path: Path) -> None:
    for step in (2, 10, 9, 30):
        checkpoint.save(tmp_path, step, learner(step=step), {}, keep=2)
    assert checkpoint.steps(tmp_path) == [10, 30]
    path = checkpoint.save(tmp_path, 30, learner(step=99), {}, keep=2)
    assert int(checkpoint.restore(path, learner()).step) == 99
    assert sorted(p.name for p in path.parent.iterdir()) == ["10", "30"]
    checkpoint.clear(tmp_path)
    assert checkpoint.steps(tmp_path) == []


class Killed(BaseException):
    """Stands for SIGKILL: nothing after it runs."""


@pytest.mark.parametrize(
    "owner, name",
    [
        (ocp.Checkpointer, "save"),
        (checkpoint, "_fingerprints"),
        (Path, "rename"),
        (shutil, "rmtree"),
    ],
)
def test_an_interrupted_save_leaves_the_previous_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: object, name: str
) -> None:
    checkpoint.save(tmp_path, 10, learner(step=10), {}, keep=1)

    def die(*args: object, **kwargs: object) -> None:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(owner, name, die)
        checkpoint.save(tmp_path, 20, learner(step=20), {}, keep=1)
    latest = checkpoint.find(tmp_path, "auto")
    # Only the deletion of 10 comes after 20 is whole.
    assert latest.name == ("20" if name == "rmtree" else "10")
    assert int(checkpoint.restore(latest, learner()).step) == int(latest.name)
    checkpoint.save(tmp_path, 30, learner(step=30), {}, keep=1)
    assert [p.name for p in latest.parent.iterdir()] == ["30"]


SAVER = """
import sys, itertools, jax, jax.numpy as jnp, numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from rewardlab.runs import checkpoint
rows = NamedSharding(Mesh(np.array(jax.devices()), ("data",)), PartitionSpec("data"))
for step in itertools.count():
    state = {"x": jax.device_put(jnp.full((4, 64), step), rows)}
    checkpoint.save(sys.argv[1], step, state, {"devices": jax.device_count()})
    print(step, flush=True)
"""


def test_a_killed_process_leaves_whole_checkpoints(tmp_path: Path) -> None:
    """Saved on four devices by a process that is killed, read on those of this one."""
    flags = "--xla_force_host_platform_device_count=4"
    child = subprocess.Popen(
        [sys.executable, "-c", SAVER, str(tmp_path)],
        env={**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
        stdout=subprocess.PIPE,
        text=True,
    )
    while int(child.stdout.readline()) < 4:
        pass
    child.send_signal(signal.SIGKILL)
    child.communicate()
    assert len(checkpoint.steps(tmp_path)) >= 2
    for step in checkpoint.steps(tmp_path):
        path = tmp_path / "checkpoints" / str(step)
        back = checkpoint.restore(path, {"x": jnp.zeros((4, 64), jnp.int32)})
        np.testing.assert_array_equal(back["x"], np.full((4, 64), step))
        assert checkpoint.read_extra(path) == {"devices": 4}


def shorten(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


@pytest.mark.parametrize("harm", [shorten, flip, Path.unlink])
def test_damage_is_one_sentence(
    tmp_path: Path, capfd: pytest.CaptureFixture, harm
) -> None:
    for step in (30, 40):
        path = checkpoint.save(tmp_path, step, learner(), {"seed": 1})
    files = [f for f in path.rglob("*") if f.is_file() and f.stat().st_size]
    assert len(files) > 5
    for file in files:
        whole = file.read_bytes()
        if file.name == "manifest.json" and harm is flip:
            continue  # JSON that still parses names another file as the damaged one
        harm(file)
        with pytest.raises(
            ValueError, match="40 is damaged .*: delete that folder to "
        ):
            checkpoint.restore(path, learner())
        file.write_bytes(whole)
    shutil.rmtree(path / "state")
    with pytest.raises(ValueError, match="delete that folder to resume from 30"):
        checkpoint.read_extra(path)
    shutil.rmtree(path.with_name("30"))
    with pytest.raises(ValueError, match="delete that folder to start from the begin"):
        checkpoint.read_extra(path)
    assert capfd.readouterr().err == ""


def test_another_state_is_one_sentence(tmp_path: Path) -> None:
    path = checkpoint.save(tmp_path, 1, learner(), {})
    # w stands in the parameters and in both Adam moments
    wider = r"params.w is float32\[8, 4\] there and float32\[8, 5\] here \(and 2 more\)"
    with pytest.raises(ValueError, match=wider):
        checkpoint.restore(path, learner(width=5))
    with pytest.raises(
        ValueError, match=r"reward.1.kl is float32\[\] there and absent"
    ):
        checkpoint.restore(path, learner()._replace(reward=()))


def test_resume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    a, b = tmp_path / "a", tmp_path / "b"
    for step in (5, 10):
        checkpoint.save(a, step, {"x": jnp.zeros(1)}, {})
    assert checkpoint.find(a, "auto") == a / "checkpoints" / "10"
    assert checkpoint.find(b, "auto") is None
    assert checkpoint.find(b, "never") is None
    assert checkpoint.find(b, "a") == a / "checkpoints" / "10"
    assert checkpoint.find(b, "a/checkpoints/5") == a / "checkpoints" / "5"
    for resume in ("never", "b"):
        with pytest.raises(ValueError, match="^a already holds a run, so --resume="):
            checkpoint.find(a, resume)
    nothing: list = ["nowhere", "", None, False]
    for resume in nothing:
        with pytest.raises(ValueError, match=f"--resume={resume} is neither a workd"):
            checkpoint.find(b, resume)
    b.mkdir()
    (b / "metrics.jsonl").write_text(json.dumps({"step": 1}))
    with pytest.raises(ValueError, match="^b already holds a run"):
        checkpoint.find(b, "never")
