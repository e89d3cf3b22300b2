"""`docs/signals.md`: who makes each signal, and how each row gets what it reads."""

from collections import defaultdict

from rewardlab.core.signals import SIGNALS
from rewardlab.methods import METHODS
from rewardlab.scorers import SCORERS
from rewardlab.scorers.makers import WAYS, Making, makers_of, making
from rewardlab.tasks import TASKS

HEAD = """# Signals: who makes them, and who waits

A signal is a fact about completions that a sentence reads by its name. In a run it is
made by the task, by a word of `scorers` that you (`--config.scorers`) or the method
bring, or by one that stands in where nobody does. Of {count} rows

{ways}

`tests/test_methods_train.py` trains the first two kinds on what a run makes, and makes
numbers up for the last kind alone. This page is written by
`python -m rewardlab.show.catalogue` from the tables that the code runs.
"""


def signals_page() -> str:
    """The page as text."""
    found = {name: making(method) for name, method in METHODS.items()}
    rows = defaultdict(list)
    for name, made in found.items():
        rows[made.way].append(name)
    ways = "\n".join(f"- **{len(rows[way])}** {says};" for way, says in WAYS.items())
    parts = [HEAD.format(count=len(METHODS), ways=ways.removesuffix(";") + ".")]
    parts += ["## What waits, and for what\n", _needs(found)]
    parts += ["## Every row\n", _rows(found), "## Every signal\n", _signals()]
    parts += ["## The words of `scorers`\n", _words()]
    return "\n".join(parts)


def made_text(made: Making) -> str:
    """Which runs make what a row reads, or what it waits for."""
    way, tasks, lacks = made
    if way == "alone":
        return f"trains by its name on {', '.join(tasks)}"
    if way == "trees":
        where = "`rollout.branching` or `rollout.continuations`"
        return f"trains on {', '.join(tasks)} with {where}"
    if way == "data":
        columns = ", ".join(f"`{name}`" for name in lacks)
        return f"trains by its name on data with the columns {columns}"
    waits = "; ".join(f"`{name}` for {what}" for name, what in lacks.items())
    return f"waits with {waits}" if lacks else "no one task makes all of it together"


def _needs(found: dict[str, Making]) -> str:
    waiting = defaultdict(list)
    for name, made in found.items():
        if made.way == "needs":
            for what in dict.fromkeys(made.lacks.values()):
                waiting[what].append(f"`{name}`")
    lines = ["| waits for | rows |", "|---|---|"]
    for what, rows in sorted(waiting.items(), key=lambda x: (-len(x[1]), x[0])):
        lines.append(f"| {what} | {', '.join(rows)} |")
    return "\n".join(lines) + "\n"


def _rows(found: dict[str, Making]) -> str:
    lines = ["| row | reads | brings | in a run |", "|---|---|---|---|"]
    for name, made in found.items():
        method = METHODS[name]
        reads = ", ".join(f"`{x}`" for x in method.reads)
        brings = f"`{_cell(method.scorers)}`" if method.scorers else ""
        lines.append(f"| `{name}` | {reads} | {brings} | {made_text(made)} |")
    return "\n".join(lines) + "\n"


def _signals() -> str:
    lines = ["| signal | shape | what it is | made by |", "|---|---|---|---|"]
    for name, signal in sorted(SIGNALS.items()):
        shape = f"[{', '.join(signal.shape)}]"
        lines.append(f"| `{name}` | {shape} | {signal.says} | {_maker(name)} |")
    shapes = "N completions, S steps, T tokens, R references or rivals, V states"
    return f"Shapes: {shapes}, K members, C criteria.\n\n" + "\n".join(lines) + "\n"


def _maker(name: str) -> str:
    way, who = makers_of(name)
    if way == "tasks":
        return "every task" if len(who) == len(TASKS) else ", ".join(who)
    if way == "needs":
        return f"waits for {who[0]}"
    return ", ".join(f"`{_cell(text)}`" for text in who)


def _words() -> str:
    lines = ["| word | makes |", "|---|---|"]
    for name, word in SCORERS.items():
        says = (word.__doc__ or "").split("\n\n")[0].replace("\n", " ")
        lines.append(f"| `{name}` | {' '.join(_cell(says).split())} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", chr(92) + "|")
