"""Arrays on the disk: any folder's name, the same bits, plain failures."""

import json
import random
import re
import shutil
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp
import pytest

from rewardlab.core.finite import all_finite
from rewardlab.runs import checkpoint
from rewardlab.system import arrays

NAMES = ["lr[1e-3]", "a\\b", "a*", "w?at", "{x}", "p%41", "a#b", "new\nline", "ü", "$x"]
X = {"x": jnp.arange(3.0)}


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    path = checkpoint.save(tmp_path / name, 1, X, {"lr": 1})
    assert path == tmp_path / name / "checkpoints" / "1"
    np.testing.assert_array_equal(checkpoint.restore(path, X)["x"], X["x"])


def test_what_does_not_read_back_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint.save(tmp_path, 1, X, {})
    write = arrays.write
    half = lambda folder, state: write(folder, {"x": state["x"] + 1})  # noqa: E731
    monkeypatch.setattr(arrays, "write", half)
    with pytest.raises(ValueError, match="checkpoints/2 does not read back as it was"):
        checkpoint.save(tmp_path, 2, X, {})
    assert checkpoint.steps(tmp_path) == [1]


def test_a_full_disk_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = 'RESOURCE_EXHAUSTED: Error writing "x": Failed to write 3 bytes to file 14'

    def full(*args: object, **kwargs: object) -> None:
        raise ValueError(f"{said}: No space left on device [os_error_code='28']")

    monkeypatch.setattr(ocp.Checkpointer, "save", full)
    sentence = "checkpoints/1 cannot be written (no space left on device); make room"
    with pytest.raises(ValueError, match=re.escape(sentence)) as error:
        checkpoint.save(tmp_path, 1, X, {})
    assert error.value.__context__ is None  # no page of its own below it
    free = shutil.disk_usage(tmp_path)._replace(free=11)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
    with pytest.raises(ValueError, match="checkpoints/1 needs 0.0 MB and the disk has"):
        checkpoint.save(tmp_path, 1, X, {})
    assert checkpoint.steps(tmp_path) == []


def test_states_of_the_same_arrays_are_one(tmp_path: Path) -> None:
    """What holds no array is no part of a checkpoint: Orbax is never asked of it."""
    path = checkpoint.save(tmp_path, 1, ((), X, ()), {})
    back = checkpoint.restore(path, [None, X])
    assert back[0] is None
    np.testing.assert_array_equal(back[1]["x"], X["x"])


def test_same_is_bit_for_bit() -> None:
    nan = {"x": jnp.array([jnp.nan, 0.0]), "k": jax.random.key(1)}
    assert arrays.same(nan, jax.tree.map(jnp.copy, nan))
    assert not arrays.same(nan, {**nan, "x": jnp.array([jnp.nan, -0.0])})
    assert not arrays.same(nan, {**nan, "k": jax.random.key(2)})
    assert all_finite({"n": jnp.arange(2), "k": jax.random.key(1), **X})
    assert not all_finite(nan)


def manifests() -> list[bytes]:
    rng = random.Random(0)
    values = [0, None, "x", [], {}, [1, 2], {"a": 1}, {"state": [0, 0]}, -1e999]
    files = [{"files": a, "arrays": b} for a in values for b in values]
    texts = [json.dumps(x) for x in [*values, *files]] + ["[" * 10**5, "", "{}x"]
    noise = [rng.randbytes(rng.randrange(60)) for _ in range(20)]
    return [t.encode() for t in texts] + noise + [b"\xff\xfe{}"]


def test_a_manifest_of_anything_is_one_sentence(tmp_path: Path) -> None:
    path = checkpoint.save(tmp_path, 1, X, {})
    for content in manifests():
        (path / "manifest.json").write_bytes(content)
        for read in (checkpoint.read_extra, lambda p: checkpoint.restore(p, X)):
            with pytest.raises(ValueError, match="checkpoints/1 is damaged"):
                read(path)


def test_a_manifest_of_other_content_is_damage(tmp_path: Path) -> None:
    """Also where it names all files rightly: what it says of the arrays counts too."""
    path = checkpoint.save(tmp_path, 1, X, {})
    file = path / "manifest.json"
    whole = json.loads(file.read_text())
    others = [{**whole["arrays"], "x": "float32[9]"}, {"a\nb": "\x1b[31m"}, {}]
    changed = [{**whole, "arrays": other} for other in others]
    changed.append({**whole, "files": {**whole["files"], "a\nb\x1b": [1, 2]}})
    for content in changed:
        file.write_text(json.dumps(content))
        with pytest.raises(ValueError, match="checkpoints/1 is damaged") as error:
            checkpoint.find(tmp_path, "auto")
        assert str(error.value).isprintable()


def test_files_that_cannot_be_shown_are_quoted(tmp_path: Path) -> None:
    path = checkpoint.save(tmp_path, 1, X, {})
    (path / "a\nb\x1b").write_text("")
    with pytest.raises(ValueError, match="is damaged") as error:
        checkpoint.restore(path, X)
    assert str(error.value).isprintable()


@pytest.mark.parametrize("name", ["0040", "²", "40.damaged", "x"])
def test_only_steps_are_checkpoints(tmp_path: Path, name: str) -> None:
    (tmp_path / "checkpoints" / name).mkdir(parents=True)
    (tmp_path / "checkpoints" / "50").write_text("a file")
    assert checkpoint.steps(tmp_path) == []


def test_the_newest_whole_one_is_found(tmp_path: Path) -> None:
    for step in (1, 2, 3):
        path = checkpoint.save(tmp_path, step, X, {})
    for torn in (3, 2):
        file = path.with_name(str(torn)) / "extra.json"
        file.write_text("[" + file.read_text()[1:])  # one bit or a few
    said: list[str] = []
    assert checkpoint.find(tmp_path, "auto", said.append) == path.with_name("1")
    assert len(said) == 2 and "checkpoints/3 is damaged" in said[0]
    assert checkpoint.find(tmp_path / "new", str(tmp_path)) == path.with_name("1")
    checkpoint.set_aside(tmp_path, beyond=1)
    assert checkpoint.steps(tmp_path) == [1]
    checkpoint.save(tmp_path, 2, X, {}, keep=2)
    assert checkpoint.steps(tmp_path) == [1, 2]
    (path.with_name("1") / "manifest.json").unlink()
    (path.with_name("2") / "manifest.json").unlink()
    with pytest.raises(ValueError, match="checkpoints/2 is damaged"):
        checkpoint.find(tmp_path, "auto")
