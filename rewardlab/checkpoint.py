"""Checkpoints: `workdir/checkpoints/<step>/`, complete or absent.

    40/state/         the arrays, as Orbax writes them (any Orbax reads them back)
    40/extra.json     what the caller adds: the resolved config, the data's position
    40/manifest.json  the shape of every array; size and CRC-32 of every file

A checkpoint is written under another name and renamed when it is whole, so a process
killed at any moment leaves no folder that looks complete. The manifest is checked
before anything is read: damage is one sentence, not a stack of TensorStore messages.
"""

import contextlib
import json
import logging
import os
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import jax
import orbax.checkpoint as ocp

State = TypeVar("State")

_SAVING, _DELETED = ".saving", ".deleted"


def save(
    workdir: str | os.PathLike,
    step: int,
    state: Any,
    extra: dict[str, Any],
    keep: int = 3,
) -> Path:
    """Writes one checkpoint, waits until it is whole, and keeps the newest `keep`.

    `state` is any pytree of arrays (typed PRNG keys too), `extra` anything JSON can
    hold. With several processes every one must call it; the workdir is shared.
    """
    path = _folder(workdir) / str(step)
    saving = path.with_name(path.name + _SAVING)
    first = jax.process_index() == 0
    if first:
        for stale in [
            *path.parent.glob(f"*{_SAVING}"),
            *path.parent.glob(f"*{_DELETED}"),
        ]:
            shutil.rmtree(stale)
        saving.mkdir(parents=True)
    with _quiet(), _arrays() as orbax:
        orbax.save(saving / "state", args=ocp.args.StandardSave(state))
    if first:
        (saving / "extra.json").write_text(json.dumps(extra, indent=1))
        manifest = {"arrays": _shapes(state), "files": _fingerprints(saving)}
        (saving / "manifest.json").write_text(json.dumps(manifest, indent=1))
        _discard(path)
        saving.rename(path)
        for old in steps(workdir)[:-keep]:
            _discard(path.with_name(str(old)))
    return path


def restore(path: str | os.PathLike, like: State) -> State:
    """The state saved at `path`, laid out as `like`.

    `like` is a state or its `ShapeDtypeStruct`s with shardings; the device count may
    differ from the one that saved. Raises `ValueError` for a damaged checkpoint and for
    a state of other names, shapes or types.
    """
    path = Path(path).absolute()
    manifest = _checked(path)
    if difference := _difference(manifest["arrays"], _shapes(like)):
        raise ValueError(
            f"checkpoint {_short(path)} holds another state: {difference}; use the "
            "config it was saved with (its extra.json), or a new --workdir"
        )
    with _quiet(), _arrays() as orbax:
        return orbax.restore(path / "state", args=ocp.args.StandardRestore(like))


def read_extra(path: str | os.PathLike) -> dict[str, Any]:
    """What was saved beside the arrays; `ValueError` if the checkpoint is damaged."""
    path = Path(path).absolute()
    _checked(path)
    return json.loads((path / "extra.json").read_text())


def steps(workdir: str | os.PathLike) -> list[int]:
    """The steps that have a checkpoint, in order."""
    folder = _folder(workdir)
    names = (p.name for p in folder.iterdir()) if folder.is_dir() else ()
    return sorted(int(name) for name in names if name.isdigit())


def find(workdir: str | os.PathLike, resume: str) -> Path | None:
    """The checkpoint that `--resume` means; None: start from the beginning.

    `auto`: the latest of this workdir, if any. `never`: none, and `ValueError` if the
    workdir holds a run. A path: the latest of that workdir, or that very checkpoint, as
    the beginning of a run in a workdir that holds none.
    """
    here = steps(workdir)
    if resume == "auto":
        return _folder(workdir) / str(here[-1]) if here else None
    if here or _has_metrics(Path(workdir)):
        raise ValueError(
            f"{_short(Path(workdir))} already holds a run, so --resume={resume} would "
            "overwrite it; pass --resume=auto to continue it, or a new --workdir"
        )
    if resume == "never":
        return None
    if there := steps(resume):
        return _folder(resume) / str(there[-1])
    path = Path(resume).absolute()
    if (path / "state").is_dir():
        return path
    raise ValueError(
        f"--resume={resume} is neither a workdir with checkpoints nor a checkpoint; "
        "pass auto, never, runs/NAME or runs/NAME/checkpoints/STEP"
    )


def clear(workdir: str | os.PathLike) -> None:
    """Deletes the checkpoints of a run that is to be started over."""
    for step in steps(workdir):
        _discard(_folder(workdir) / str(step))


def _folder(workdir: str | os.PathLike) -> Path:
    return Path(workdir).absolute() / "checkpoints"


def _has_metrics(workdir: Path) -> bool:
    file = workdir / "metrics.jsonl"
    return file.is_file() and file.stat().st_size > 0


def _short(path: Path) -> str:
    """The path as a person would type it."""
    with contextlib.suppress(ValueError):
        return str(path.absolute().relative_to(Path.cwd()))
    return str(path)


def _discard(path: Path) -> None:
    # Renamed first: a deletion that is cut short must not leave half a checkpoint.
    if path.is_dir():
        shutil.rmtree(path.rename(path.with_name(path.name + _DELETED)))


def _shapes(state: Any) -> dict[str, str]:
    """One line a leaf, such as `{"params.head": "float32[128, 64]"}`."""
    leaves = jax.tree_util.tree_leaves_with_path(state)
    names = [jax.tree_util.keystr(p, simple=True, separator=".") for p, _ in leaves]
    shapes = [f"{x.dtype}{list(x.shape)}" for _, x in leaves]
    return dict(zip(names, shapes, strict=True))


def _difference(there: dict[str, str], here: dict[str, str]) -> str:
    names = [n for n in {**here, **there} if here.get(n) != there.get(n)]
    if not names:
        return ""
    first, more = names[0], f" (and {len(names) - 1} more)" if names[1:] else ""
    old, new = there.get(first, "absent"), here.get(first, "absent")
    return f"{first} is {old} there and {new} here{more}"


def _fingerprints(folder: Path) -> dict[str, list[int]]:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): _fingerprint(p) for p in files}


def _fingerprint(file: Path) -> list[int]:
    crc, size = 0, 0
    with file.open("rb") as stream:
        while block := stream.read(1 << 22):
            crc, size = zlib.crc32(block, crc), size + len(block)
    return [size, crc]


def _checked(path: Path) -> dict[str, Any]:
    """The manifest, once every file has been found to be what it says."""
    try:
        manifest = json.loads((path / "manifest.json").read_text())
        wrong = [
            f for f, print_ in manifest["files"].items() if _changed(path / f, print_)
        ]
    except (OSError, ValueError, KeyError):
        wrong = ["manifest.json"]
    if not wrong:
        return manifest
    others = [s for s in steps(path.parent.parent) if str(s) != path.name]
    then = f"resume from {others[-1]}" if others else "start from the beginning"
    raise ValueError(
        f"checkpoint {_short(path)} is damaged ({wrong[0]} is missing or not as it was "
        f"written): delete that folder to {then}"
    )


def _changed(file: Path, fingerprint: list[int]) -> bool:
    return not file.is_file() or _fingerprint(file) != fingerprint


@contextlib.contextmanager
def _arrays() -> Iterator[ocp.Checkpointer]:
    # The synchronous writer: a small state takes as long either way, and nothing is
    # left in flight when the process dies.
    orbax = ocp.Checkpointer(ocp.StandardCheckpointHandler())
    try:
        yield orbax
    finally:
        orbax.close()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Orbax reports its own housekeeping through absl; only errors are for the user."""
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
