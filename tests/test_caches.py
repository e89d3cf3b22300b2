"""Caches that are damaged, or cannot be written to, cost time and nothing else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rewardlab.system import caches
from rewardlab.system.caches import Programs
from rewardlab.tasks.arithmetic.data import load

SMALL = {"train": 20, "validation": 2, "test": 3, "max_operand": 20, "max_terms": 3}


def half(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def noise(file: Path) -> None:
    file.write_bytes(b"\xff\x00\xfe")


@pytest.mark.parametrize("harm", [half, flip, noise, Path.unlink])
@pytest.mark.parametrize("name", ["k-cache", "k-crc32"])
def test_a_damaged_program_is_none_and_put_anew(tmp_path: Path, harm, name) -> None:
    kept = Programs(str(tmp_path / "new"))
    assert kept.get("k") is None
    kept.put("k", b"a program")
    assert kept.get("k") == b"a program"
    harm(tmp_path / "new" / name)
    assert kept.get("k") is None
    kept.put("k", b"another")
    assert kept.get("k") == b"another"
    assert {p.name for p in (tmp_path / "new").iterdir()} == {"k-cache", "k-crc32"}


def test_a_disk_that_takes_no_program_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    kept = Programs(str(tmp_path / "file"))
    kept.put("k", b"a program")
    assert kept.get("k") is None


SCRIPT = """
import jax, jax.numpy as jnp
from rewardlab.system.caches import keep_programs
keep_programs()
hits = []
jax.monitoring.register_event_listener(lambda name, **_: hits.append(name))
jax.jit(lambda x: jnp.sin(x) @ x.T)(jnp.ones((3, 3))).block_until_ready()
print(sum(name.endswith("cache_hits") for name in hits))
"""


def test_jax_keeps_its_programs_there(tmp_path: Path) -> None:
    """Made, found; cut in half, made anew without a word; found again."""
    folder = tmp_path / ".cache" / "rewardlab" / "compiled"
    own = ("JAX_COMPILATION_CACHE_DIR", "XLA_FLAGS")
    env = {k: x for k, x in os.environ.items() if k not in own}
    env |= {"JAX_COMPILATION_CACHE_DIR": str(folder), "JAX_PLATFORMS": "cpu"}

    def found() -> int:
        command = [sys.executable, "-c", SCRIPT]
        done = subprocess.run(command, env=env, capture_output=True, text=True)
        assert done.returncode == 0 and "arning" not in done.stderr, done.stderr
        return int(done.stdout)

    assert found() == 0
    assert list(folder.glob("*-crc32"))
    for file in folder.glob("*-cache"):
        half(file)
    assert found() == 0
    assert found() > 0


@pytest.mark.parametrize("harm", [half, flip, Path.unlink])
def test_a_damaged_data_set_is_made_anew(tmp_path: Path, harm) -> None:
    whole = load("train", tmp_path, **SMALL)
    files = [p for p in tmp_path.rglob("*") if p.is_file() and p.name != ".lock"]
    for file in [p for p in files if "train" in p.name or p.suffix == ".json"]:
        harm(file)
        again = load("train", tmp_path, **SMALL)
        assert all((again[name] == whole[name]).all() for name in whole)


def test_a_cache_folder_is_not_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").write_text("no folder")
    monkeypatch.setattr(caches, "CACHE", tmp_path / "home" / ".cache")
    folder = caches.data_folder("")
    assert folder.is_dir() and tmp_path not in folder.parents
    assert caches.data_folder("mine") == Path("mine")
    monkeypatch.setattr(caches, "CACHE", tmp_path / "another")
    assert caches.data_folder("") == tmp_path / "another" / "data"
