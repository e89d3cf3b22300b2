"""`python -m experiments.reproduce`: runs studies, and writes what came of them."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from experiments.reproduce import __doc__ as ABOUT
from experiments.reproduce.page import RESULTS, found, overview, put, section
from experiments.reproduce.studies import STUDIES
from rewardlab.core.lookup import unknown
from rewardlab.launch import grid


def parser() -> argparse.ArgumentParser:
    """The command's flags."""
    made = argparse.ArgumentParser(
        prog="python -m experiments.reproduce",
        description=ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument("studies", nargs="*", metavar="STUDY", help="names, or all")
    where = "the folder of all runs; the same command again goes on"
    made.add_argument(
        "--workdir", type=Path, default=Path("runs/reproduce"), help=where
    )
    made.add_argument("--jobs", type=int, default=2, help="runs at a time, at most")
    dry = "print the runs, what is done of them and what they cost, and stop"
    made.add_argument("--dry-run", action="store_true", help=dry)
    look = "begin no run; write the tables of what has been run"
    made.add_argument("--report", action="store_true", help=look)
    page = "the page whose sections are written"
    made.add_argument("--page", type=Path, default=RESULTS, help=page)
    return made


def chosen(names: Sequence[str]) -> list[str]:
    """The studies that are named; `ValueError` for what is none."""
    for name in names:
        if name != "all" and name not in STUDIES:
            raise ValueError(unknown(name, "study", STUDIES))
    return list(STUDIES) if "all" in names else list(dict.fromkeys(names))


def listed(root: Path, out: Console) -> None:
    """Every study, with what is done of it."""
    table = Table("study", "claim", "runs", "core-minutes", "verdict", show_lines=True)
    for row in overview(STUDIES, root):
        table.add_row(*row)
    out.print(table)


def run(name: str, args: argparse.Namespace) -> int:
    """A study's grid; the exit status."""
    said = STUDIES[name].command(name, args.workdir)
    flags = [f"--jobs={args.jobs}", *["--dry-run"] * args.dry_run]
    try:
        grid.main([*flags, *said])
    except SystemExit as ended:
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)
            return 1
        return int(ended.code or 0)
    return 0


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; a study that fails stops no other."""
    args, out = parser().parse_args(arguments), Console(highlight=False)
    try:
        names = chosen(args.studies)
    except ValueError as error:
        sys.exit(f"error: {error}")
    if not names:
        return listed(args.workdir, out)
    worst = 0
    for name in names:
        out.rule(f"[bold]{name}[/]: {STUDIES[name].claim}", align="left")
        status = 0 if args.report else run(name, args)
        if status >= 128:  # told to stop: the others wait too
            sys.exit(status)
        worst = max(worst, status)
        of = None if args.dry_run else found(name, STUDIES[name], args.workdir)
        if of is not None:
            made = section(name, STUDIES[name], of)
            put(name, STUDIES[name], made, args.page)
            out.print(made, markup=False, soft_wrap=True)
    if worst:
        sys.exit(worst)


if __name__ == "__main__":
    main()
