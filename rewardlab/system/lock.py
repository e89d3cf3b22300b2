"""One process at a time in a folder."""

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from rewardlab.system.files import short

_UNKNOWN_HERE = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)  # by some network disks
_held: set[IO[str]] = set()


def _let_go() -> None:
    # A fork shares its parent's lock; one that outlives it must not keep it.
    while _held:
        _held.pop().close()


os.register_at_fork(after_in_child=_let_go)


@contextlib.contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Holds `folder`; `ValueError` with the owner's pid while another process does.

    The lock is `flock`'s, so it ends with its owner however that ends; the file that it
    is on stays.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a+") as file:
        if not _locked(file, wait=False):
            raise ValueError(
                f"{short(folder)} is in use by process {_owner(file)}; wait for it, "
                "stop it, or use another --workdir"
            )
        _held.add(file)
        try:
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
            yield
        finally:
            _held.discard(file)


def holder(folder: Path) -> str:
    """The pid of the process that holds `folder`; "" where none does."""
    try:
        with (folder / ".lock").open("r+") as file:
            return "" if _locked(file, wait=False) else _owner(file)
    except OSError:
        return ""


@contextlib.contextmanager
def turn(folder: Path) -> Iterator[None]:
    """Waits until no other process is in `folder`; a folder that cannot be written to
    needs no turns."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / ".lock").open("a+")
    except OSError:
        yield
        return
    with file:
        _locked(file, wait=True)
        _held.add(file)
        try:
            yield
        finally:
            _held.discard(file)


def _locked(file: IO[str], wait: bool) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _UNKNOWN_HERE:
            raise
    return True


def _owner(file: IO[str]) -> str:
    """The pid in the file, for which its owner may need a moment."""
    for _ in range(20):
        file.seek(0)
        if pid := file.read().strip():
            return pid
        time.sleep(0.05)
    return "that is just starting"
