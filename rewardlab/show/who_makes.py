"""Who makes what a method reads, in which order: the plan of a run, as a page."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from ml_collections import ConfigDict
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from rewardlab.methods import method_of
from rewardlab.runs.aliases import reads_of_reward, reads_of_select
from rewardlab.runs.builders import reads_of_loss, select_of
from rewardlab.runs.config import default_config, use_reward
from rewardlab.runs.model import model_of
from rewardlab.runs.roles import roles_of
from rewardlab.runs.signals import setting_of, sources_of, training_plan
from rewardlab.scorers.makers import making
from rewardlab.scorers.plan import Plan, base_of
from rewardlab.scorers.protocol import Scorer
from rewardlab.tasks import task_of

WHERE = {
    "sample": "while sampling",
    "shard": "on each device",
    "batch": "on the whole batch",
    "host": "in Python",
}


def who_makes(name: str, hp: Mapping[str, Any], task: str = "") -> RenderableType:
    """The scorers that a run of the reward asks, or the sentence on what it lacks.

    Without a `task` it is one on which the method trains by its name, if there is one.
    """
    method = method_of(name)
    tasks = making(dataclasses.replace(method, hp={**method.hp, **hp})).tasks
    config = default_config(task or next(iter(tasks), "arithmetic"))
    use_reward(config, name)
    config.hp.update(dict(hp))
    head = Text(f"\nsignals in a run of task.name={config.task.name!r}")
    try:
        return Group(head, _table(config))
    except ValueError as error:
        return Group(head, Text(f"it cannot run as it is: {error}"))


def _table(config: ConfigDict) -> RenderableType:
    task = task_of(config)
    model = model_of(config, task)
    setting = setting_of(config, task, model, roles_of(config, task, model))
    plan = training_plan(config, task, sources_of(config, task, setting))
    readers = {
        "reward": reads_of_reward(config),
        "loss": reads_of_loss(config),
        "select": reads_of_select(config),
    }
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for scorer in plan.first:
        table.add_row(*_row(plan, scorer, readers))
    if select := select_of(config):
        table.add_row(Text("select", "bold"), Text(select), "")
    for scorer in plan.second:
        table.add_row(*_row(plan, scorer, readers))
    return Group(table, *(Text(said) for said in plan.replaced))


def _row(
    plan: Plan, scorer: Scorer, readers: Mapping[str, set[str]]
) -> tuple[Text, Text, Text]:
    """Its name, its signals with their readers, and where it is asked."""
    signals = "; ".join(_read(plan, scorer, readers))
    return Text(scorer.name, "bold"), Text(signals), Text(WHERE[scorer.place], "dim")


def _read(plan: Plan, scorer: Scorer, readers: Mapping[str, set[str]]) -> Iterator[str]:
    reported = []
    for signal in sorted({base_of(name) for name in plan.wanted_of(scorer.name)}):
        who = [reader for reader, names in readers.items() if signal in names]
        who += [f"scorer {s.name}" for s in plan.scorers if signal in s.reads]
        if who:
            yield f"{signal} ({', '.join(who)})"
        else:
            reported.append(signal)
    if reported:
        yield f"for the report: {', '.join(reported)}"
