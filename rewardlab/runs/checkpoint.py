"""Checkpoints: `workdir/checkpoints/<step>/`, complete or absent.

    40/state/         the arrays, as Orbax writes them (any Orbax reads them back)
    40/extra.json     what the caller adds: the resolved config, the newest metrics
    40/manifest.json  the shape of every array; size and CRC-32 of every file; its own

A checkpoint is written under another name, read back, and renamed when it is whole and
on the disk, so a process killed at any moment leaves no folder that looks complete. The
manifest is checked before anything is read: damage is one sentence, not a stack of
TensorStore messages.
"""

import json
import os
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from rewardlab.system import arrays
from rewardlab.system.files import fingerprint, naming, short, sync, sync_all
from rewardlab.system.files import fingerprints as _fingerprints
from rewardlab.system.processes import agreed, highest, is_first

State = TypeVar("State")

_SAVING, _DELETED, _DAMAGED = ".saving", ".deleted", ".damaged"


def save(
    workdir: str | os.PathLike,
    step: int,
    state: Any,
    extra: dict[str, Any],
    keep: int = 3,
) -> Path:
    """Writes one checkpoint, waits until it is whole, and keeps the newest `keep`.

    `state` is any pytree of arrays (typed PRNG keys too), `extra` anything JSON can
    hold. With several processes every one must call it; the workdir is shared. Raises
    `ValueError` if what was written does not read back as it was.
    """
    path = _folder(workdir) / str(step)
    saving = path.with_name(path.name + _SAVING)
    agreed(lambda: _begin(saving))
    arrays.write(saving / "state", state)
    changed = not arrays.same(arrays.read(saving / "state", state), state)
    if highest(int(changed)):
        raise ValueError(
            f"checkpoint {short(path)} does not read back as it was written; check the "
            "disk, or use another --workdir"
        )
    agreed(lambda: _end(saving, path, arrays.shapes(state), extra))
    for old in steps(workdir)[:-keep] if is_first() else []:
        _discard(path.with_name(str(old)))
    return path


def _begin(saving: Path) -> None:
    for what in (_SAVING, _DELETED):
        for stale in saving.parent.glob(f"*{what}"):
            shutil.rmtree(stale)
    saving.mkdir(parents=True)


def _end(
    saving: Path, path: Path, shapes: dict[str, str], extra: dict[str, Any]
) -> None:
    """What the arrays were written beside, and their name."""
    with naming(path):
        (saving / "extra.json").write_text(json.dumps(extra, indent=1))
        files = _fingerprints(saving)
        manifest = {"arrays": shapes, "files": files, "crc": _crc(shapes, files)}
        (saving / "manifest.json").write_text(json.dumps(manifest, indent=1))
    sync_all(saving)
    _discard(path)
    saving.rename(path)
    sync(path.parent)


def restore(path: str | os.PathLike, like: State, apart: str = "") -> State:
    """The state saved at `path`, laid out as `like`.

    Of the parts of `like` under the name `apart`, each by its own name, those that were
    not saved stay as they are, and what was saved of others is left.

    `like` is a state or its `ShapeDtypeStruct`s with shardings; the device count may
    differ from the one that saved. Raises `ValueError` for a damaged checkpoint and for
    a state of other names, shapes or types.
    """
    path = Path(path).absolute()
    there, here = _checked(path)["arrays"], arrays.shapes(like)
    parts = {_part_of(name, apart) for name in there}
    both = parts & {_part_of(name, apart) for name in here}
    saved = {name: x for name, x in there.items() if _part_of(name, apart) in both}
    wanted = {name: x for name, x in here.items() if _part_of(name, apart) in both}
    if difference := _difference(saved, wanted):
        raise ValueError(
            f"checkpoint {short(path)} holds another state: {difference}; use the "
            "config it was saved with (its extra.json), or a new --workdir"
        )
    same = saved.keys() == there.keys() == here.keys()
    return arrays.read(path / "state", like, None if same else there.keys())


def read_extra(path: str | os.PathLike) -> dict[str, Any]:
    """What was saved beside the arrays; `ValueError` if the checkpoint is damaged."""
    path = Path(path).absolute()
    _checked(path)
    return json.loads((path / "extra.json").read_text())


def steps(workdir: str | os.PathLike) -> list[int]:
    """The steps that have a checkpoint, in order."""
    folder = _folder(workdir)
    names = [p.name for p in folder.iterdir() if p.is_dir()] if folder.is_dir() else []
    return sorted(int(n) for n in names if n.isdecimal() and n == str(int(n)))


def find(
    workdir: str | os.PathLike,
    resume: str,
    say: Callable[[str], None] = lambda _: None,
) -> Path | None:
    """The checkpoint that `--resume` means; None: start from the beginning.

    `auto`: the latest of this workdir, if any. `never`: none, and `ValueError` if the
    workdir holds a run. A path: the latest of that workdir, or that very checkpoint, as
    the beginning of a run in a workdir that holds none. The latest is the newest whole
    one; `say` is told of those that are damaged, and if all are, that is `ValueError`.
    """
    here = steps(workdir)
    if resume == "auto":
        return _newest_whole(workdir, say) if here else None
    if here or _has_metrics(Path(workdir)):
        raise ValueError(
            f"{short(Path(workdir))} already holds a run, so --resume={resume} would "
            "overwrite it; pass --resume=auto to continue it, or a new --workdir"
        )
    if resume == "never":
        return None
    if isinstance(resume, str | os.PathLike):
        if steps(resume):
            return _newest_whole(resume, say)
        path = Path(resume).absolute()
        if (path / "state").is_dir():
            return path
    raise ValueError(
        f"--resume={resume} is neither a workdir with checkpoints nor a checkpoint; "
        "pass auto, never, runs/NAME or runs/NAME/checkpoints/STEP"
    )


def set_aside(workdir: str | os.PathLike, beyond: int) -> None:
    """Renames the checkpoints of steps `beyond` one: damaged, and soon outdated."""
    for step in steps(workdir):
        path = _folder(workdir) / str(step)
        if step > beyond:
            _discard(path.with_name(path.name + _DAMAGED))
            path.rename(path.with_name(path.name + _DAMAGED))


def clear(workdir: str | os.PathLike) -> None:
    """Deletes the checkpoints of a run that is to be started over."""
    for step in steps(workdir):
        _discard(_folder(workdir) / str(step))


def _folder(workdir: str | os.PathLike) -> Path:
    return Path(workdir).absolute() / "checkpoints"


def _newest_whole(workdir: str | os.PathLike, say: Callable[[str], None]) -> Path:
    first: ValueError | None = None
    for step in reversed(steps(workdir)):
        path = _folder(workdir) / str(step)
        try:
            _checked(path)
        except ValueError as error:
            first = first or error
            say(f"passing over a damaged checkpoint: {error}")
        else:
            return path
    raise first or ValueError(f"{short(Path(workdir))} has no checkpoints")


def _has_metrics(workdir: Path) -> bool:
    file = workdir / "metrics.jsonl"
    return file.is_file() and file.stat().st_size > 0


def _discard(path: Path) -> None:
    # Renamed first: a deletion that is cut short must not leave half a checkpoint.
    if path.is_dir():
        shutil.rmtree(path.rename(path.with_name(path.name + _DELETED)))


def _part_of(name: str, apart: str) -> str:
    """The part that an array is of: `critic` of `scorers.critic.params.w1`."""
    above, _, rest = name.partition(".")
    return rest.partition(".")[0] if apart and above == apart else ""


def _difference(there: dict[str, str], here: dict[str, str]) -> str:
    names = [n for n in {**here, **there} if here.get(n) != there.get(n)]
    if not names:
        return ""
    first, more = names[0], f" (and {len(names) - 1} more)" if names[1:] else ""
    old, new = there.get(first, "absent"), here.get(first, "absent")
    return f"{first} is {old} there and {new} here{more}"


def _checked(path: Path) -> dict[str, Any]:
    """The manifest, once every file has been found to be what it says."""
    wrong = "manifest.json"
    try:
        manifest = json.loads((path / "manifest.json").read_bytes())
        files, shapes = dict(manifest["files"]), dict(manifest["arrays"])
        if manifest["crc"] != _crc(shapes, files):
            raise ValueError("another manifest than was written")
        there = {str(p.relative_to(path)) for p in path.rglob("*") if p.is_file()}
        listed = {*files, "manifest.json", "extra.json"} | there
        changed = [f for f in sorted(listed) if _changed(path, f, files)]
        wrong = changed[0] if changed else ""
        wrong = wrong if wrong.isprintable() else repr(wrong)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass  # a manifest of anything is as good as none
    if not wrong:
        return {"files": files, "arrays": shapes}
    others = [s for s in steps(path.parent.parent) if str(s) != path.name]
    then = f"resume from {others[-1]}" if others else "start from the beginning"
    raise ValueError(
        f"checkpoint {short(path)} is damaged ({wrong} is missing or not as it was "
        f"written): delete that folder to {then}"
    )


def _crc(shapes: dict[str, str], files: dict[str, Any]) -> int:
    return zlib.crc32(json.dumps([shapes, files], sort_keys=True).encode())


def _changed(folder: Path, name: str, files: dict[str, Any]) -> bool:
    file = folder / name
    if name == "manifest.json":
        return False
    return not file.is_file() or fingerprint(file) != files.get(name)
