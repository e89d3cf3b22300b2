"""Files that are whole or absent, and one sentence where there can be none."""

import contextlib
import errno
import json
import os
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# What a person can do something about; any other OSError is a fault of ours.
_OF_THE_DISK = {
    errno.EACCES: "change its permissions, or use another folder",
    errno.EPERM: "change its permissions, or use another folder",
    errno.EROFS: "use a folder that can be written to",
    errno.ENOSPC: "make room, or use another folder",
    errno.EDQUOT: "make room, or use another folder",
    errno.EFBIG: "make room, or use another folder",
    errno.ENOTDIR: "use another folder",
    errno.EEXIST: "use another folder",
    errno.EISDIR: "use another folder",
    errno.ENAMETOOLONG: "use a shorter name",
    errno.ELOOP: "use another folder",
    errno.ENOENT: "use another folder",
    errno.EIO: "check the disk, or use another folder",
}


def write_whole(file: Path, content: str | bytes) -> None:
    """Writes beside the file and renames, so that it is the old one or the new one.

    It is on the disk before the rename, so neither a kill nor a loss of power halves
    it.
    """
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        with naming(file), part.open("wb") as stream:
            stream.write(content.encode() if isinstance(content, str) else content)
            stream.flush()
            os.fsync(stream.fileno())
            part.replace(file)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
    sync(file.parent)


def numbered(folder: Path, name: str) -> dict[int, Path]:
    """The files of a folder by the numbers in their names, such as `rows_00020.npz` of
    the name `rows_*.npz`, in order."""
    stem, _, end = name.partition("*")
    found = {}
    for file in sorted(folder.glob(name)):
        number = file.name.removeprefix(stem).removesuffix(end)
        if re.fullmatch(r"[0-9]{1,18}", number):
            found[int(number)] = file
    return dict(sorted(found.items()))


def read_json(file: Path) -> dict[str, Any]:
    """A mapping that we wrote; what is not there or cannot be read says nothing."""
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def sync(path: Path) -> None:
    """Waits until what was written to a file, or to a folder's list, is on the disk."""
    with naming(path):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Gives an `OSError` the name of the file, which that of a full disk lacks."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def sync_all(folder: Path) -> None:
    """`sync` of a folder and all that lies in it."""
    for path in sorted(folder.rglob("*"), reverse=True):
        sync(path)
    sync(folder)


def fingerprints(folder: Path) -> dict[str, list[int]]:
    """Size and CRC-32 of every file in a folder, by its path there."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): fingerprint(p) for p in files}


def fingerprint(file: Path) -> list[int]:
    """Size in bytes and CRC-32."""
    crc, size = 0, 0
    with file.open("rb") as stream:
        while block := stream.read(1 << 22):
            crc, size = zlib.crc32(block, crc), size + len(block)
    return [size, crc]


def short(path: Path) -> str:
    """The path as a person here would type it."""
    with contextlib.suppress(ValueError):
        return str(path.absolute().relative_to(Path.cwd()))
    return str(path)


@contextlib.contextmanager
def in_a_sentence() -> Iterator[None]:
    """Turns what a disk refuses into a `ValueError` that names the file."""
    try:
        yield
    except OSError as error:
        if error.errno not in _OF_THE_DISK:
            raise
        name = error.filename or error.filename2
        what = short(Path(os.fsdecode(name))) if name else "a file"
        reason = (error.strerror or "refused").lower()
        then = _OF_THE_DISK[error.errno]
        raise ValueError(f"{what} cannot be written or read ({reason}); {then}") from (
            error
        )
