"""`rewardlab methods`: rows that have words, or that the survey advises for a task."""

import argparse
import textwrap

from rich.console import Console
from rich.text import Text

from rewardlab.methods import IDEAS, METHODS, Method
from rewardlab.methods.choice import SAID, case_of, rules_for
from rewardlab.methods.survey import Rule
from rewardlab.scorers.makers import making
from rewardlab.show.catalogue import VERIFIED
from rewardlab.show.place import said_of
from rewardlab.show.signals_page import made_text

_ABOUT = f"""
Without words all rows; with them those in which every word occurs, in the columns of
the taxonomy too: rewardlab methods token critic. With --for the rows that the survey
arXiv 2604.09459 advises for a task: {SAID}, as in --for "one turn, 2000 tokens".
"""
_ADVICE = (
    "The rules are those of arXiv 2604.09459 (v2), which compares no numbers of "
    "different papers; docs/credit.md has what was measured here."
)


def add_methods(commands: "argparse._SubParsersAction") -> None:
    """Adds the command, which says with `answer` what it does."""
    about = commands.add_parser(
        "methods",
        help="the methods: all, with words, or for a task",
        description=_ABOUT,
    )
    about.add_argument("words", nargs="*", help="words that a row must all contain")
    says = 'a task, as in "30 turns, no helper model"'
    about.add_argument("--for", dest="task", default="", metavar="TASK", help=says)
    about.set_defaults(answer=answer)


def answer(args: argparse.Namespace, out: Console) -> None:
    """Prints rows: those with all words, or those for a task."""
    if args.task and args.words:
        raise ValueError("say words or --for, one of the two")
    if args.task:
        advised(args.task, out)
    else:
        listed(args.words, out)


def listed(words: list[str], out: Console) -> None:
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
            _show(name, method, out)
    if not count:
        raise ValueError(f"no method with the words {words}; try fewer of them")
    out.print(f"{count} methods; `rewardlab explain NAME` shows one at work")


def advised(task: str, out: Console) -> None:
    """Prints the rows that the survey advises for a task, rule by rule."""
    for rule in rules_for(case_of(task)):
        out.print(Text(f"\n{rule.when}", "bold underline"), soft_wrap=True)
        for name in rule.methods.values():
            if name in METHODS:
                needs = made_text(making(METHODS[name])).replace("`", "")
                _show(name, METHODS[name], out, needs)
        if absent := absent_of(rule):
            _say(f"no row here: {', '.join(absent)}", out)
        if rule.note:
            _say(rule.note, out)
    _say(_ADVICE, out)


def absent_of(rule: Rule) -> list[str]:
    """The survey's names in a rule that are no row here."""
    return [method for method, row in rule.methods.items() if row not in METHODS]


def _say(text: str, out: Console) -> None:
    wrapped = textwrap.fill(text, max(out.width, 20)) if out.is_terminal else text
    out.print(Text(f"\n{wrapped}"), soft_wrap=True)


def _has(words: list[str], idea: str, name: str, method: Method) -> bool:
    text = [idea, name, method.reward, method.title, method.arxiv, method.believes]
    text += [said_of(name)] if words else []
    return all(word.lower() in " ".join(text).lower() for word in words)


def _show(name: str, method: Method, out: Console, needs: str = "") -> None:
    told = f"{method.believes} ({VERIFIED[method.verified]})"
    if not out.is_terminal:
        longest = max(map(len, METHODS))
        line = f"{name:{longest}}  {method.reward}  # {told}; {said_of(name)}"
        out.print(Text(line + (f"; {needs}" if needs else "")), soft_wrap=True)
        return
    wrapped = textwrap.TextWrapper(
        max(out.width, 20), break_long_words=False, break_on_hyphens=False
    )
    wrapped.initial_indent = wrapped.subsequent_indent = "    "
    parts = (told, said_of(name), needs, method.reward)
    lines = [line for part in parts for line in wrapped.wrap(part)]
    text = Text.assemble("\n", (name, "bold"), "\n", "\n".join(lines))
    out.print(text, soft_wrap=True)
