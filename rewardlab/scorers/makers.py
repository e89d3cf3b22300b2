"""Who makes a signal in a run by a row's name alone, and what other rows wait for."""

import functools
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rewardlab.core.signals import SIGNALS
from rewardlab.methods import METHODS
from rewardlab.methods.method import Method
from rewardlab.scorers import USUAL
from rewardlab.scorers.beside import BESIDE
from rewardlab.scorers.hindsight import TRUTH
from rewardlab.scorers.plan import base_of
from rewardlab.scorers.protocol import Scorer, Setting
from rewardlab.scorers.sentence import brought_by, scorers_of
from rewardlab.tasks import TASKS
from rewardlab.text.tokenizers import CharTokenizer

EPISODES = ("anchor", "belief", "ended_by", "finished", "turn_entropy", "turns")
# And `greedy`, of tasks with a verdict.
SAMPLER = ("sampler_logp", "top_ids", "top_logp")
ABSENCES = ("solo", "marginal")  # where several agents share an episode
TREES = ("node", "step_value", "success")  # with rollout.branching or continuations

# What nothing makes yet, and what it waits for.
NEEDS = {
    "aligned": "a task of movement in space",
    "budget_score": "episodes whose thinking is cut at budgets",
    "comfort": "a task of driving",
    "crashed": "a task of driving",
    "distance": "a task of movement in space",
    "iou": "a task of retrieval from video",
    "route": "a task of driving",
    "speed": "a task of driving",
    "split": "episodes whose thinking is cut at budgets",
    "summary": "episodes whose thinking is cut at budgets",
}


class Making(NamedTuple):
    """How a run of a row gets what it reads, by the row's name alone if it can."""

    way: str  # a key of `WAYS`
    tasks: tuple[str, ...]  # the embedded ones on which it trains so
    lacks: dict[str, str]  # by signal or column: what it waits for, or who reads it


WAYS = {
    "alone": "train by their name alone, on a task that makes all they read",
    "trees": "train likewise with episodes that share prefixes, which make `node`, "
    "`success` and `step_value` (`rollout.branching`, `rollout.continuations`)",
    "data": "train by their name on data of yours with the columns that they name",
    "apart": "read signals that no one task makes together",
    "needs": "wait for somebody to make a signal",
}


def making(method: Method) -> Making:
    """How a run of the row gets its signals."""
    reads, brings = set(method.reads), scorers_of(brought_by(method), SETTING)
    asked = reads.union(*(scorer.reads for scorer in brings))
    for way, trees in (("alone", False), ("trees", True)):
        if tasks := [t for t in TASKS if asked <= made_on(t, trees, brings)]:
            return Making(way, tuple(tasks), {})
    given = tuple(scorer._replace(columns=()) for scorer in brings)
    if any(reads <= made_on(task, False, given) for task in TASKS):
        lacks = {column: s.name for s in brings for column in s.columns}
        return Making("data", (), lacks)
    absent = reads.difference(*(made_on(task, True, given) for task in TASKS))
    lacks = {name: NEEDS.get(name, "somebody to make it") for name in sorted(absent)}
    return Making("needs" if lacks else "apart", (), lacks)


def made_on(task: str, trees: bool = False, brings: Sequence[Scorer] = ()) -> set[str]:
    """The signals that a run on the task makes if somebody reads them.

    `brings` are a row's own scorers; others stand in where nobody makes a signal. One
    that has another shape there than in `SIGNALS` is another signal.
    """
    known = TASKS[task]
    names = {*known.signals, *SAMPLER}
    names |= {"greedy"} if "correct" in known.signals else set()
    if known.on_host is not None:  # `format` of each turn is no `format` of a row
        steps = known.on_host.rewards
        names -= {n for n in steps if n in SIGNALS and SIGNALS[n].shape == "N"}
    names |= {*ABSENCES} if known.agents else set()
    if known.environment is not None:
        names |= {"entropy", *EPISODES, *(TREES if trees else ())}
        names |= {"is_call"} if "call" in known.signals else set()
        names |= {"grounding"} if "format" in known.signals else set()
    judges = [s._replace(columns=()) for s in scorers_of(known.scorers, SETTING)]
    have = {name for scorer in (*brings, *judges) for name in scorer.provides}
    others = [s for s in usual() if not have & {*s.provides}]
    waiting = [*brings, *judges, *others]
    if known.environment is not None:
        waiting = [scorer for scorer in waiting if not scorer.samples]
    if known.score is None:
        waiting = [scorer for scorer in waiting if not scorer.verifies]
    columns = (*known.facts, *(TRUTH if known.environment else ()))
    while able := [s for s in waiting if _can(s, names, columns)]:
        waiting = [s for s in waiting if s not in able]
        names |= {base_of(name) for scorer in able for name in scorer.provides}
    return names


SETTING = Setting(
    dict.fromkeys(("policy", "reference", *BESIDE)),
    CharTokenizer("0123456789"),
    {"N": 2, "B": 1},
)


@functools.cache
def usual() -> tuple[Scorer, ...]:
    """The scorers that stand in where nobody brings one."""
    texts = dict.fromkeys(USUAL.values())
    return tuple(s for text in texts for s in scorers_of(text, SETTING))


def _can(scorer: Scorer, names: set[str], columns: Sequence[str]) -> bool:
    return {*scorer.reads} <= names and {*scorer.columns} <= {*columns}


@functools.cache
def makers_of(name: str) -> tuple[str, tuple[str, ...]]:
    """Who makes a signal, and in which way: "scorers" with sentences of these,
    "tasks" with their names, "needs" with what it waits for, or "" and nobody."""
    if name in USUAL:
        return "scorers", (USUAL[name],)
    if tasks := tuple(task for task in TASKS if name in made_on(task, trees=True)):
        return "tasks", tasks
    if name in NEEDS:
        return "needs", (NEEDS[name],)
    rows = {m.scorers: None for m in METHODS.values() if m.scorers and name in m.reads}
    return ("scorers" if rows else ""), tuple(rows)


def tasks_for(reads: Iterable[str], trees: bool = False) -> list[str]:
    """The tasks on which a run makes all that is read, whatever row reads it."""
    return [task for task in TASKS if set(reads) <= made_on(task, trees)]


def counts() -> dict[str, int]:
    """How many rows of each way there are."""
    ways = [making(method).way for method in METHODS.values()]
    return {way: ways.count(way) for way in WAYS}
