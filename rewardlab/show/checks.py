"""`rewardlab check`: which laws a sentence keeps, or a reward of texts."""

import argparse
import ast
import sys
import tempfile
from typing import Any

from rich.console import Console
from rich.text import Text

from rewardlab.testing import Checked, check
from rewardlab.testing.rewards import Example, functions_of, read_examples
from rewardlab.testing.rewards.checking import BOUND, SAYS, TRIES
from rewardlab.testing.rewards.examples import task_examples

ABOUT = """
A sentence or a method's name is tried on rollouts that are made up. What judges texts,
a function of yours or a word of `scorers`, is tried on completions:

  rewardlab check "outcome('correct') | center_by_group()"
  rewardlab check checks:exact --examples=examples.jsonl
  rewardlab check "exact('answer')" --task=chain_sum

The file has a problem a line, a right completion or several, perhaps wrong ones, and
the columns that the function reads:

  {"prompt": "3+4=", "right": "7", "wrong": ["8"], "answer": "7"}

The exit status is 1 where something is broken that must hold.
"""
OF_TEXTS = ("examples", "task", "right", "without", "tries", "bound", "limit")


def add_check(commands: "argparse._SubParsersAction", yours: str) -> None:
    """Adds the command; `yours` says what `--words` are."""
    tried = commands.add_parser(
        "check",
        help="which laws a method, a sentence or a reward of texts keeps",
        description=ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    says = "a method's name, a sentence in quotes, package.module:function, or a word"
    tried.add_argument("method", help=f"{says} of scorers")
    tried.add_argument("hp", nargs="*", help="hyperparameters, as in tau=0.1")
    tried.add_argument("--signals", default="", help="shapes of yours, as in tone=NS")
    tried.add_argument("--words", dest="own_words", nargs="+", default=(), help=yours)
    texts = tried.add_argument_group("for what judges texts")
    texts.add_argument("--examples", help="a .jsonl or .parquet file of problems")
    texts.add_argument("--task", help="a task whose problems to use, as in chain_sum")
    says = "the column of right completions; right untold"
    texts.add_argument("--right", metavar="COLUMN", help=says)
    says = f"laws that are not meant to hold: {', '.join(SAYS)}"
    texts.add_argument("--without", nargs="+", metavar="LAW", help=says)
    says = f"draws in which a law is looked for; {TRIES} untold"
    texts.add_argument("--tries", type=int, help=says)
    says = f"the largest reward that is meant; {BOUND:g} untold"
    texts.add_argument("--bound", type=float, help=says)
    says = "seconds that a hostile text may take; 10 untold, inf for no limit"
    texts.add_argument("--limit", type=float, help=says)
    tried.set_defaults(answer=_check)


def _check(args: argparse.Namespace, out: Console) -> None:
    """Prints what was found; status 1 where something is broken that must hold."""
    functions = functions_of(args.method)
    if functions:
        examples = _examples(args)
        names = ("without", "tries", "bound", "limit")
        how = {k: v for k in names if (v := getattr(args, k)) is not None}
        found = [check(one, examples=examples, **how) for one in functions]
    else:
        found = [_of_sentence(args)]
    for one in found:
        out.print(Text(str(one)), soft_wrap=True)
    if not all(one.passed for one in found):
        sys.exit(1)


def _examples(args: argparse.Namespace) -> tuple[Example, ...]:
    if args.examples and args.task:
        raise ValueError("--examples and --task are two sources of problems; give one")
    if args.examples:
        return read_examples(args.examples, args.right or "right")
    if args.right:
        raise ValueError("--right names a column of --examples; give the file too")
    if not args.task:
        return ()
    with tempfile.TemporaryDirectory() as folder:
        return task_examples(args.task, folder)


def _of_sentence(args: argparse.Namespace) -> Checked:
    if given := [name for name in OF_TEXTS if getattr(args, name) is not None]:
        raise ValueError(
            f"--{given[0]} is for what judges texts, and {args.method!r} is a sentence "
            "or a method's name; leave it out"
        )
    shapes = {}
    for pair in filter(None, args.signals.split(",")):
        name, _, shape = pair.partition("=")
        if not name.isidentifier() or not set(shape) <= set("NSTRVKC") or not shape:
            raise ValueError(
                f"--signals={args.signals!r} is not understood; write a name and a "
                "shape, as in clarity=N,tone=NS"
            )
        shapes[name] = shape
    return check(args.method, shapes, **numbers_of(args.hp))


def numbers_of(texts: list[str]) -> dict[str, Any]:
    """Hyperparameters as they are typed, ["tau=0.1"], by their names."""
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
