"""What is kept between runs in the user's cache folder: compiled programs, data sets.

Nothing of it is needed: a folder that cannot be written to is not used, and what is
damaged is made again.
"""

import atexit
import contextlib
import importlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import jax

from rewardlab.system.files import fingerprint, write_whole

CACHE = Path(os.path.expanduser("~"), ".cache", "rewardlab")


class Programs:
    """JAX's cache of compiled programs, as its `get` and `put` are.

    An entry is written beside its place and renamed, and `KEY-crc32` has its size and
    checksum; one that is not as it was written counts as none, and the next is put in
    its place. JAX's own does neither: it warns of damage in every run, and keeps it.
    """

    def __init__(self, folder: str) -> None:
        self._path = Path(folder)

    def get(self, key: str) -> bytes | None:
        """The entry of that name, if there is a whole one."""
        file, seal = self._files(key)
        with contextlib.suppress(OSError):
            if seal.read_bytes() == str(fingerprint(file)).encode():
                return file.read_bytes()
        return None

    def put(self, key: str, value: bytes) -> None:
        """Writes an entry; a disk that takes none is left alone."""
        file, seal = self._files(key)
        with contextlib.suppress(OSError):
            self._path.mkdir(parents=True, exist_ok=True)
            write_whole(file, value)
            write_whole(seal, str(fingerprint(file)))

    def _files(self, key: str) -> tuple[Path, Path]:
        return self._path / f"{key}-cache", self._path / f"{key}-crc32"


def keep_programs() -> None:
    """Keeps compiled programs in the user's cache folder, unless JAX was told of
    another, so a second run of the same shapes starts in seconds."""
    if jax.config.jax_compilation_cache_dir is None:  # type: ignore[attr-defined]
        folder = CACHE / "compiled"
        if not _can_write(folder):
            return
        jax.config.update("jax_compilation_cache_dir", str(folder))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)
    if jax.config.jax_compilation_cache_max_size == -1:  # type: ignore[attr-defined]
        # No public door leads here; without it JAX keeps them in its own way.
        inside: Any = importlib.import_module("jax._src.compilation_cache")
        if hasattr(inside, "get_file_cache"):
            inside.get_file_cache = lambda path: (Programs(path), path)


def data_folder(asked: str) -> Path:
    """Where data sets are kept: as asked, or in the user's cache folder.

    Where that cannot be written to it is a folder that ends with this process.
    """
    if asked:
        return Path(asked)
    if _can_write(CACHE / "data"):
        return CACHE / "data"
    folder = tempfile.mkdtemp(prefix="rewardlab-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _can_write(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
