"""`rewardlab audit`: sentences where the exact gradient is known."""

import argparse
import shlex
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from rewardlab.methods import METHODS, method_of
from rewardlab.show.checks import numbers_of
from rewardlab.system.files import write_whole

ABOUT = """
On a small decision process every episode is listed, so that the gradient of the chance
of success and the advantage of every action are exact. Printed is how far a sentence's
gradient and credit are from them, and whether its shaping changes which policy is best:

  rewardlab audit grpo rloo "outcome('correct') | whiten() | broadcast_to_tokens()"
  rewardlab audit gigpo --world aliased --set turns=6 forks=1,4 --hp gamma=1
  rewardlab audit --all --out audits.md

`grpo` is audited with sentences if it is not named. A page has methods alone: it takes
some seconds for each.
"""


def add_audit(commands: "argparse._SubParsersAction") -> None:
    """Adds the command, which says with `answer` what it does."""
    about = commands.add_parser(
        "audit",
        help="a sentence's gradient and credit beside the exact ones",
        description=ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    about.add_argument("sentences", nargs="*", help="methods' names, or sentences")
    about.add_argument("--all", action="store_true", help="all methods, with --out")
    about.add_argument("--out", metavar="FILE.md", help="a page of methods, by place")
    about.add_argument("--world", default="plain", help="plain untold")
    says = "values of the world, as in turns=6 forks=1,4 states=merged"
    about.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help=says)
    about.add_argument("--rows", type=int, default=8, help="of a prompt; 8 untold")
    says = "who makes a signal, as in prm=step_is_right"
    about.add_argument(
        "--signal", nargs="+", default=[], metavar="NAME=MAKER", help=says
    )
    says = "hyperparameters, as in tau=0.1, of those that have them"
    about.add_argument("--hp", nargs="+", default=[], metavar="NAME=VALUE", help=says)
    says = "modules of words of your own that the sentences may use"
    about.add_argument("--words", dest="own_words", nargs="+", default=(), help=says)
    about.set_defaults(answer=lambda args, out: answer(args, out))


def answer(args: argparse.Namespace, out: Console) -> None:
    """Prints a table of sentences, or writes a page of methods."""
    if not args.sentences and not args.all:
        raise ValueError("name a method or a sentence to audit, or --all with --out")
    if args.all and (args.sentences or not args.out):
        raise ValueError("--all audits every method onto a page: give --out=FILE.md")
    if args.out:
        _write(args, out)
        return
    from rewardlab.audits.table import table

    audited = _auditor(args)
    found = [audited(text) for text in dict.fromkeys(["grpo", *args.sentences])]
    out.print(Text(table(found)), soft_wrap=True)


def _auditor(args: argparse.Namespace) -> Any:
    from rewardlab.audits import audit, world_of

    world, numbers = world_of(args.world, args.set), numbers_of(args.hp)
    makers = {name: maker for name, _, maker in (x.partition("=") for x in args.signal)}
    methods = [method_of(text) for text in args.sentences]
    known = set().union(*(method.names for method in methods))
    if unused := sorted(set(numbers) - known):
        raise ValueError(f"no sentence here has {unused[0]!r}; drop --hp {unused[0]}")

    def audited(text: str) -> Any:
        own = {k: v for k, v in numbers.items() if k in method_of(text).names}
        return audit(text, world, args.rows, makers, **own)

    return audited


def _write(args: argparse.Namespace, out: Console) -> None:
    from rewardlab.audits.page import alike, page, rows

    names = list(METHODS) if args.all else args.sentences
    if strange := [name for name in names if name not in METHODS]:
        raise ValueError(f"a page has methods alone, and {strange[0]!r} is none")
    said = ["rewardlab", "audit", *(["--all"] if args.all else names)]
    said += ["--world", args.world] if args.world != "plain" else []
    for flag in ("set", "signal", "hp"):
        said += [f"--{flag}", *given] if (given := getattr(args, flag)) else []
    said += [f"--rows={args.rows}"] if args.rows != 8 else []
    text = page(
        rows(alike(names), _auditor(args)), shlex.join([*said, "--out", args.out])
    )
    write_whole(Path(args.out), text)
    out.print(Text(f"{args.out} has {len(names)} methods"), soft_wrap=True)
