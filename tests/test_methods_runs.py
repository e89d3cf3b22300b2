"""A run of every row by its name is accepted where the table of signals says so."""

import pytest
from small import TINY

from rewardlab import METHODS, default_config
from rewardlab.methods import IDEAS
from rewardlab.runs.config import use_reward
from rewardlab.runs.model import model_of
from rewardlab.runs.roles import roles_of
from rewardlab.runs.signals import setting_of, sources_of, training_plan
from rewardlab.runs.validate import validate
from rewardlab.scorers.makers import making
from rewardlab.scorers.plan import base_of
from rewardlab.tasks import TASKS

OF_TURNS = {
    name
    for idea, rows in IDEAS.items()
    if idea.startswith("Turns") or idea == "Several agents"
    for name in rows
}


def planned(name, task, trees):
    """The plan of a run; nothing is loaded or compiled."""
    config, known = default_config(task), TASKS[task]
    use_reward(config, name)
    config.model.update(TINY)
    config.rollout.branching.roots = 2 if trees else 0
    validate(config, devices=1)
    model = model_of(config, known)
    setting = setting_of(config, known, model, roles_of(config, known, model))
    return training_plan(config, known, sources_of(config, known, setting))


def test_what_trains_by_its_name_has_a_plan():
    """On the first task and the last; rows of turns on each that has episodes."""
    count = 0
    for name, method in METHODS.items():
        way, tasks, _ = making(method)
        tasks = [task for task in tasks if task != "data"]  # whose problems are yours
        played = [t for t in tasks if name in OF_TURNS and TASKS[t].environment]
        for task in {*tasks[:1], *tasks[-1:], *played}:
            found = planned(name, task, way == "trees")
            assert {base_of(x) for x in found.made} >= set(method.reads), (name, task)
            count += 1
    assert count > len(METHODS)


@pytest.mark.parametrize("name", ["dr_mas", "ccpo", "sharp"])
def test_agents_are_those_of_the_environment(name):
    """Nobody counts turns where the environment says who speaks."""
    found = planned(name, "think_solve", False)
    assert found.made["agent"] == "task"
    with pytest.raises(ValueError, match=r"use task\.name='think_solve'"):
        planned(name, "search", False)
