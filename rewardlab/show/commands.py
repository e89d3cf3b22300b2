"""`rewardlab measure`, `compare`, `distance` and `judged`: commands over files."""

import argparse
from collections.abc import Callable

from rich.console import Console

from rewardlab.show.compare import compare, distance
from rewardlab.show.judged import judged
from rewardlab.show.measure import measure


def add_commands(commands: "argparse._SubParsersAction") -> None:
    """Adds the four commands; each says with `answer` what it does."""
    says = "what a step's completions tell of outcomes and of each signal"
    about = commands.add_parser("measure", help=says)
    about.add_argument("run", help="the run's workdir")
    about.add_argument("--step", type=int, help="the last one with completions, untold")
    about.add_argument("--phrases", default="", help="to count, as in wait,therefore")
    about.set_defaults(answer=_measure)
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


Answer = Callable[[argparse.Namespace, Console], None]


def _measure(args: argparse.Namespace, out: Console) -> None:
    phrases = tuple(phrase for phrase in args.phrases.split(",") if phrase)
    measure(args.run, args.step, phrases, out)


def _compare(args: argparse.Namespace, out: Console) -> None:
    compare(args.run, args.one, args.other, args.step, out)


def _distance(args: argparse.Namespace, out: Console) -> None:
    distance(args.file, args.discount, out)
