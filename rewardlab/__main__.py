"""`rewardlab train`, `grid`, `fetch`, `explain`, `check`, `show` and others."""

import argparse
import importlib
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.text import Text

import rewardlab
from rewardlab.methods.outside import words_at_hand
from rewardlab.show import (
    SORTS,
    episode_of,
    listing,
    page,
    read_episode,
    read_step,
    terminal,
    write_pages,
)
from rewardlab.show.checks import add_check, numbers_of
from rewardlab.show.commands import add_commands
from rewardlab.show.explain import explain
from rewardlab.show.methods import add_methods
from rewardlab.system.files import in_a_sentence
from rewardlab.system.printable import one_line

RUNS = {
    "train": "one run, as a config says: rewardlab train --help",
    "grid": "methods times seeds, compared: rewardlab grid --help",
    "export": "a run's policy as a Hugging Face folder: rewardlab export RUN --to NEW",
    "fetch": "a real model into the user's cache: rewardlab fetch smollm2-135m",
}


def main() -> None:
    """The command line; a mistake is one sentence and an exit status that is not 0."""
    command, *rest = sys.argv[1:] or [""]
    if not {"", os.getcwd()} & set(sys.path):
        sys.path.insert(0, os.getcwd())  # as for `python -m`: modules of yours
    if command in RUNS:  # they have flags of their own, and take longer to import
        importlib.import_module(f"rewardlab.launch.{command}").main(rest)
        return
    args = _arguments().parse_args()
    out = Console(highlight=False, record=bool(getattr(args, "svg", None)))
    try:
        with in_a_sentence(), words_at_hand(getattr(args, "own_words", ())):
            _answer(args, out)
    except ValueError as error:
        said = one_line(str(error))  # it may quote a name that a terminal would obey
        Console(stderr=True, highlight=False).print(Text(said))
        sys.exit(2)


def _answer(args: argparse.Namespace, out: Console) -> None:
    if hasattr(args, "answer"):
        args.answer(args, out)
    elif args.command == "explain":
        explain(args.method, numbers_of(args.hp), out, args.task)
        if args.svg:
            out.save_svg(args.svg, title=f"rewardlab explain {args.method}")
    else:
        show(args, out)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="rewardlab", description=__doc__)
    versions = f"rewardlab {rewardlab.__version__}, jax {version('jax')}, Python "
    versions += platform.python_version()
    parser.add_argument("--version", action="version", version=versions)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, says in RUNS.items():
        commands.add_parser(name, help=says)
    add_methods(commands)
    about = commands.add_parser("explain", help="one method or sentence at work")
    about.add_argument("method", help="a method's name, or a sentence in quotes")
    about.add_argument("hp", nargs="*", help="hyperparameters, as in tau=0.1")
    yours = "modules of words of your own that the sentence may use"
    about.add_argument("--words", dest="own_words", nargs="+", default=(), help=yours)
    about.add_argument("--task", default="", help="the task of the run that is planned")
    about.add_argument("--svg", help="a file for the picture of what is printed")
    add_check(commands, yours)
    shown = commands.add_parser("show", help="one episode of a run, turn by turn")
    shown.add_argument("run", help="the run's workdir")
    shown.add_argument("--step", type=int, help="the last one with completions, untold")
    shown.add_argument("--row", type=int, default=0, help="0 untold")
    says = f"all completions of a step, by one of {', '.join(SORTS)}"
    shown.add_argument("--list", nargs="?", const="row", help=says, metavar="ORDER")
    pages = "a file for the page, NAME.html, or a folder for pages of all completions"
    shown.add_argument("--html", help=pages)
    add_commands(commands)
    return parser


def show(args: argparse.Namespace, out: Console) -> None:
    """Prints a completion of a run, or a list of them; or writes pages."""
    if args.html is None:
        step = read_step(args.run, args.step)
        lists = listing(step, args.list) if args.list else None
        out.print(lists or terminal(episode_of(step, args.row)))
        return
    folder = Path(args.html).suffix not in (".html", ".htm")
    if not Path(args.html).parent.is_dir():
        raise ValueError(f"no folder {Path(args.html).parent}; make it, then try again")
    try:
        if folder:
            count = write_pages(args.run, args.html, args.step)
            said = f"{count} pages of {args.run}; begin at {args.html}/index.html"
        else:
            episode = read_episode(args.run, args.step, args.row)
            Path(args.html).write_text(page(episode), encoding="utf-8")
            where = f"step {episode.step}, row {args.row} of {args.run}"
            said = f"{where} is in {args.html}"
    except OSError as error:
        raise ValueError(f"{args.html} cannot be written: {error.strerror}") from None
    out.print(Text(one_line(said)), soft_wrap=True)


if __name__ == "__main__":
    main()
