"""`rewardlab train`, `grid`, `fetch`, `explain`, `check`, `show` and others."""

import argparse
import importlib
import os
import platform
import sys
import textwrap
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.text import Text

import rewardlab
from rewardlab.methods import IDEAS, METHODS, Method
from rewardlab.methods.outside import words_at_hand
from rewardlab.methods.taxonomy import place_of
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
from rewardlab.show.catalogue import VERIFIED
from rewardlab.show.checks import add_check, numbers_of
from rewardlab.show.commands import add_commands
from rewardlab.show.explain import explain
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
    elif args.command == "methods":
        methods(args.words, out)
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
    listed = commands.add_parser("methods", help="the methods, or those with a word")
    listed.add_argument("words", nargs="*", help="words that a row must all contain")
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


def methods(words: list[str], out: Console) -> None:
    """Prints the rows in which every word occurs, whatever its case.

    On a terminal by idea, and no word of a sentence is broken; in a pipe one row a
    line, so that `grep` finds whole rows.
    """
    count = 0
    for idea, rows in IDEAS.items():
        kept = {n: m for n, m in rows.items() if _has(words, idea, n, m)}
        count += len(kept)
        if kept and out.is_terminal:
            out.print(Text(f"\n{idea}", "bold underline"))
        for name, method in kept.items():
            show_row = _paragraph if out.is_terminal else _line
            out.print(show_row(name, method, out.width), soft_wrap=True)
    if not count:
        raise ValueError(f"no method with the words {words}; try fewer of them")
    out.print(f"{count} methods; `rewardlab explain NAME` shows one at work")


def _has(words: list[str], idea: str, name: str, method: Method) -> bool:
    text = [idea, name, method.reward, method.title, method.arxiv, method.believes]
    text += [*place_of(name)]
    return all(word.lower() in " ".join(text).lower() for word in words)


def _line(name: str, method: Method, width: int) -> Text:
    longest = max(map(len, METHODS))
    told = f"{method.believes} ({VERIFIED[method.verified]}; {_columns(name)})"
    return Text(f"{name:{longest}}  {method.reward}  # {told}")


def _paragraph(name: str, method: Method, width: int) -> Text:
    wrapped = textwrap.TextWrapper(
        max(width, 20), break_long_words=False, break_on_hyphens=False
    )
    wrapped.initial_indent = wrapped.subsequent_indent = "    "
    told = f"{method.believes} ({VERIFIED[method.verified]})"
    lines = [*wrapped.wrap(told), *wrapped.wrap(_columns(name))]
    lines += wrapped.wrap(method.reward)
    return Text.assemble("\n", (name, "bold"), "\n", "\n".join(lines))


def _columns(name: str) -> str:
    """Its place in the taxonomy, as one phrase."""
    place = place_of(name)
    said = f"{place.granularity}, {place.methodology}, {place.setting}, {place.kind}"
    if place.tier != "-":
        said += f", {place.tier} evidence"
    return f"{said}, enters as {place.enters}"


if __name__ == "__main__":
    main()
