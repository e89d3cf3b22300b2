"""Which commit of this project runs."""

import functools
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


@functools.cache
def commit(folder: Path = ROOT) -> str | None:
    """The short hash of a clone's commit, with a `+` where code differs from it.

    None where the folder is no clone, as after `pip install`.
    """

    def git(*said: str) -> str:
        whole = ["git", "-C", str(folder), *said]
        done = subprocess.run(whole, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        if Path(git("rev-parse", "--show-toplevel")).resolve() != folder.resolve():
            return None
        differs = git("status", "--porcelain", "--untracked-files=no", "--", "*.py")
        return git("rev-parse", "--short", "HEAD") + ("+" if differs else "")
    except (OSError, subprocess.SubprocessError):
        return None
