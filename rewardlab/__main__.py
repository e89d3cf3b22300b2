"""`rewardlab methods`, `explain` and `show`: methods and episodes, to be read."""

import argparse
import ast
import sys
from pathlib import Path
from typing import Any

import rich.box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rewardlab.catalogue import VERIFIED
from rewardlab.explain import explain
from rewardlab.methods import IDEAS, Method, resolve
from rewardlab.show import page, read_episode, terminal


def main() -> None:
    """The command line; a mistake is one sentence and exit status 2."""
    args = _arguments().parse_args()
    out = Console(highlight=False, record=bool(getattr(args, "svg", None)))
    try:
        if args.command == "methods":
            methods(args.words, out)
        elif args.command == "explain":
            given = _hyperparameters(args.hp)
            explain(args.method, resolve(args.method, **given), out)
            if args.svg:
                out.save_svg(args.svg, title=f"rewardlab explain {args.method}")
        else:
            show(args.run, args.step, args.row, args.html, out)
    except ValueError as error:
        Console(stderr=True, highlight=False).print(Text(str(error)))
        sys.exit(2)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="rewardlab", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    listed = commands.add_parser("methods", help="the methods, or those with a word")
    listed.add_argument("words", nargs="*", help="words that a row must all contain")
    about = commands.add_parser("explain", help="one method or sentence at work")
    about.add_argument("method", help="a method's name, or a sentence in quotes")
    about.add_argument("hp", nargs="*", help="hyperparameters, as in tau=0.1")
    about.add_argument("--svg", help="a file for the picture of what is printed")
    shown = commands.add_parser("show", help="one episode of a run, turn by turn")
    shown.add_argument("run", help="the run's workdir")
    shown.add_argument("--step", type=int, help="the last one with completions, untold")
    shown.add_argument("--row", type=int, default=0, help="0 untold")
    shown.add_argument("--html", help="a file for the page, in place of the terminal")
    return parser


def show(run: str, step: int | None, row: int, html: str | None, out: Console) -> None:
    """Prints one completion of a run, or writes it to a page."""
    episode = read_episode(run, step, row)
    if html is None:
        out.print(terminal(episode))
    else:
        if not Path(html).parent.is_dir():
            raise ValueError(f"no folder {Path(html).parent}; make it, then try again")
        Path(html).write_text(page(episode), encoding="utf-8")
        said = f"step {episode.step}, row {row} of {run} is in {html}"
        out.print(Text(said), soft_wrap=True)


def methods(words: list[str], out: Console) -> None:
    """Prints the rows in which every word occurs, whatever its case."""
    count = 0
    for idea, rows in IDEAS.items():
        kept = {n: m for n, m in rows.items() if _has(words, idea, n, m)}
        count += len(kept)
        if kept:
            out.print(_table(idea, kept))
    if not count:
        raise ValueError(f"no method with the words {words}; try fewer of them")
    out.print(f"{count} methods; `rewardlab explain NAME` shows one at work")


def _has(words: list[str], idea: str, name: str, method: Method) -> bool:
    text = [idea, name, method.sentence, method.title, method.arxiv, method.believes]
    return all(word.lower() in " ".join(text).lower() for word in words)


def _table(idea: str, rows: dict[str, Method]) -> Table:
    table = Table(box=rich.box.SIMPLE_HEAD, title=idea, title_justify="left")
    table.add_column("method", style="bold", no_wrap=True)
    table.add_column("believes about credit", ratio=2)
    table.add_column("sentence", ratio=5)
    table.add_column("checked against", ratio=1)
    for name, method in rows.items():
        sentence = Text(method.sentence)
        table.add_row(name, method.believes, sentence, VERIFIED[method.verified])
    return table


def _hyperparameters(texts: list[str]) -> dict[str, Any]:
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"{text!r} is not a hyperparameter; write tau=0.1")
        try:
            found[name] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            raise ValueError(f"{value!r} is not a number; write {name}=0.1") from None
    return found


if __name__ == "__main__":
    main()
