"""`rewardlab measure`, `compare`, `distance`, `judged`, `report`, `audit`."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.text import Text

from rewardlab.show.auditing import add_audit
from rewardlab.show.checks import numbers_of
from rewardlab.show.compare import compare, distance
from rewardlab.show.judged import judged
from rewardlab.show.measure import measure
from rewardlab.system.files import write_whole
from rewardlab.system.printable import one_line

_ABOUT_REPORT = (
    "Writes index.html, which needs no other file and no network, and beside it the "
    "figures (PDF, SVG, PNG) and the table (CSV, Markdown, LaTeX). It reads what the "
    "runs have written so far: a grid may be unfinished, or partly failed. Files of "
    "the same names are replaced."
)
_ABOUT_RESCORE = (
    "Recomputes rewards and advantages of the rollouts that a run kept, and shows what "
    "differs: correlations, tokens with the opposite sign, the highest-paid wrong and "
    "lowest-paid right rows, and tokens in the colours of both advantages."
)


def add_commands(commands: "argparse._SubParsersAction") -> None:
    """Adds the commands; each says with `answer` what it does."""
    says = "what a step's completions tell of outcomes and of each signal"
    about = commands.add_parser("measure", help=says)
    about.add_argument("run", help="the run's workdir")
    about.add_argument("--step", type=int, help="the last one with completions, untold")
    about.add_argument("--phrases", default="", help="to count, as in wait,therefore")
    about.set_defaults(answer=_measure)
    _add_rescore(commands)
    says = "how far two methods or sentences are apart on a run's completions"
    about = commands.add_parser("compare", help=says)
    about.add_argument("run", help="the run's workdir")
    about.add_argument("one", help="a method's name, or a sentence in quotes")
    about.add_argument("other", help="likewise")
    about.add_argument("--step", type=int, help="the last one with completions, untold")
    about.set_defaults(answer=_compare)
    says = "EPIC, STARC and regret between two rewards of a tabular environment"
    about = commands.add_parser("distance", help=says)
    about.add_argument("file", help="a .npz with a, b, transition, each [S, A, S]")
    about.add_argument("--discount", type=float, default=0.99, help="0.99 untold")
    about.set_defaults(answer=_distance)
    says = "a reward model's scores of right and wrong answers: RewardMATH, RewardBench"
    about = commands.add_parser("judged", help=says)
    about.add_argument("file", help='JSONL: {"right": [0.9], "wrong": [0.2, 0.4]}')
    about.set_defaults(answer=lambda args, out: judged(args.file, out))
    says = "a grid or a run as one page to send: table, curves, completions"
    about = commands.add_parser("report", help=says, description=_ABOUT_REPORT)
    about.add_argument("run", help="the workdir of a grid or of a run; none is started")
    about.add_argument("--out", help="the folder to write; RUN/report untold")
    about.add_argument("--question", default="", help="its title; the grid's untold")
    about.add_argument(
        "--by", default="step", help="curves over step, episodes, tokens"
    )
    says = "print the fourteen items that papers on credit assignment should report, "
    says += "each stated, partly or missing, with its value; nothing is written"
    about.add_argument("--checklist", action="store_true", help=says)
    says = "exit 1 if a required item of the checklist is missing"
    about.add_argument("--strict", action="store_true", help=says)
    says = "a run or a grid to look for the baseline, the ablation and seeds in, too"
    about.add_argument("--against", action="append", default=[], help=says)
    about.set_defaults(answer=_report)
    add_audit(commands)


def _add_rescore(commands: "argparse._SubParsersAction") -> None:
    says = "a run's kept rollouts under another reward, without a model"
    about = commands.add_parser("rescore", help=says, description=_ABOUT_RESCORE)
    about.add_argument("run", help="the workdir of a run with log.bundle_every")
    says = "a sentence in quotes or a method's name; the run's own untold"
    about.add_argument("--reward", default="", help=says)
    about.add_argument("hp", nargs="*", help="hyperparameters, as in tau=0.1")
    says = "one that was kept; all of them, and the tokens of the last, untold"
    about.add_argument("--step", type=int, help=says)
    says = "whose tokens to show; those that change most untold"
    about.add_argument("--row", type=int, help=says)
    about.add_argument("--words", nargs="+", default=(), help="modules of your own")
    about.add_argument("--html", help="a file for the page")
    about.set_defaults(answer=_rescore)


Answer = Callable[[argparse.Namespace, Console], None]


def _measure(args: argparse.Namespace, out: Console) -> None:
    phrases = tuple(phrase for phrase in args.phrases.split(",") if phrase)
    measure(args.run, args.step, phrases, out)


def _compare(args: argparse.Namespace, out: Console) -> None:
    compare(args.run, args.one, args.other, args.step, out)


def _rescore(args: argparse.Namespace, out: Console) -> None:
    # What a run needs takes long to import.
    from rewardlab.show.rescore import printed, rescore, rescored_page

    found = rescore(args.run, args.reward, args.step, args.words, **numbers_of(args.hp))
    if args.html is None:
        out.print(printed(found, args.row))
        return
    write_whole(Path(args.html), rescored_page(found))
    out.print(Text(one_line(f"the page is {args.html}")), soft_wrap=True)


def _report(args: argparse.Namespace, out: Console) -> None:
    if args.checklist:
        return _checklist(args, out)
    if args.strict or args.against:
        raise ValueError("--strict and --against are of --checklist; add it")
    from rewardlab.show.report import report  # draws, which takes long to import

    page = report(args.run, args.out, args.question, args.by)
    out.print(Text(one_line(f"the report is {page}")), soft_wrap=True)


def _checklist(args: argparse.Namespace, out: Console) -> None:
    from rewardlab.show.checklist import checklist
    from rewardlab.show.checklist.printed import show

    found = checklist(args.run, args.against)
    show(found, out)
    if args.strict and any(one.lacking for one in found):
        sys.exit(1)


def _distance(args: argparse.Namespace, out: Console) -> None:
    distance(args.file, args.discount, out)
