"""Text rewards by name, and the names that none may have."""

import math
import re
import sys
from functools import partial
from types import ModuleType

import pytest

from rewardlab.data.sources import read_table
from rewardlab.runs.config import default_config
from rewardlab.runs.handed import handed
from rewardlab.runs.prepare import prepare
from rewardlab.scorers.named_rewards import refuse
from rewardlab.scorers.sentence import texts_of
from rewardlab.scorers.text_rewards import TextReward
from rewardlab.tasks import TASKS


def ones(completions, least=1, **_):
    return [least] * len(completions)


class Judge:
    def __call__(self, completions, **_):
        return [2] * len(completions)


@pytest.fixture(autouse=True)
def judges(monkeypatch):
    """A module of a user's own."""
    module = ModuleType("judges")
    module.short, module.high = ones, partial(ones, least=3)
    module.judge, module.Judge = Judge(), Judge
    module.strict = TextReward("exact", ones, steps=2, time_limit=4.0)
    module.seven = 7
    monkeypatch.setitem(sys.modules, "judges", module)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("judges:high", ("high", 0, math.inf, False)),
        ("judges:judge", ("judge", 0, math.inf, False)),
        ("judges:strict", ("exact", 2, 4.0, False)),
        ("judges:short(steps=7, time_limit=1.5)", ("short", 7, 1.5, False)),
        ("judges:strict(name='x', steps=0)", ("x", 0, 4.0, False)),
        ("judges:short(stop_on_failure=True)", ("short", 0, math.inf, True)),
        ("judges:short()", ("short", 0, math.inf, False)),
    ],
)
def test_a_config_names_anything_that_can_be_called(text, wanted):
    [reward] = texts_of(text)
    assert (reward.name, *reward[2:]) == wanted
    refuse([reward], [], [])
    assert reward.function(completions=["a"])[0] in (1, 2, 3)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("judges:nothing", "'judges:nothing' cannot be imported (AttributeError"),
        ("nowhere:f", "cannot be imported (ModuleNotFoundError: No module"),
        ("judges:short(retries=2)", "there may be name, steps, time_limit, stop_"),
        ("judges:short(3)", "is not understood"),
        ("judges:short(steps=", "this is not a sentence"),
        ("judges:short(steps=open('x'))", "unknown scorer 'open'"),
        ("judges:short(**{'steps': 1})", "write each argument once, as name=value"),
        ("judges:short(steps=-1)", "steps=-1; write how many steps"),
        ("judges:short(steps=1.5)", "steps=1.5; write how many steps"),
        ("judges:short(steps=True)", "steps=True; write how many steps"),
        ("judges:short(time_limit=0)", "time_limit=0; write seconds a batch, above 0"),
        ("judges:short(time_limit=-1)", "time_limit=-1; write seconds"),
        ("judges:short(time_limit='1')", "time_limit='1'; write seconds"),
        ("judges:short(time_limit=1e9)", "and at most 1000000"),
        ("judges:short(name='')", "is called ''; its name must be text"),
    ],
)
def test_what_a_config_may_not_name(text, says):
    with pytest.raises(ValueError, match=re.escape(says)):
        refuse(texts_of(text), [], [])


@pytest.mark.parametrize(
    "names",
    [
        ("short", "short"),
        ("prompts",),
        ("prompt_mask",),
        ("completions",),
        ("completion_ids",),
        ("prm_valid",),
        ("correct_valid",),
        ("short", "short_valid"),
        ("short_error", "short"),
        ("also",),
    ],
)
def test_a_name_stands_for_one_thing(names):
    task = TASKS["arithmetic"]
    rewards = [TextReward(name, ones) for name in names]
    with pytest.raises(ValueError, match="has a name that is taken: there is"):
        refuse(rewards, [], task.signals, ["also"])


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda completions: [], "got an unexpected keyword argument 'prompts'"),
        (lambda prompts, completions, completion_ids: [], "keyword argument 'id'"),
        (lambda texts, **_: [], "missing a required argument: 'texts'"),
        (lambda completions, /, **_: [], "end its arguments with"),
    ],
)
def test_a_function_takes_what_it_is_given(function, says):
    with pytest.raises(ValueError, match=says) as error:
        refuse([TextReward("short", function)], ["prompts", "id", "answer"], [])
    assert "'short' cannot be called with prompts, completions" in str(error.value)


def test_whole_signatures_and_functions_without_one_are_taken():
    def plain(prompts, completions, completion_ids, answer): ...
    def messages(completion_mask, **_): ...

    refuse([TextReward("plain", plain), TextReward("c", max)], ["answer"], [])
    refuse([TextReward("messages", messages)], ["answer"], [], (), True)
    with pytest.raises(ValueError, match="argument 'completion_mask'"):
        refuse([TextReward("plain", plain)], ["answer"], [], (), True)


@pytest.mark.parametrize("column", ["correct", "completions", "completion_ids", "prm"])
def test_data_may_not_be_called_as_something_of_the_run(column):
    with pytest.raises(ValueError, match=f"the data have a column '{column}'"):
        refuse([], ["id", "prompts", column], TASKS["arithmetic"].signals)


@pytest.mark.parametrize("column", ["prompts", "prompt_mask", "completions", "correct"])
def test_a_file_may_not_have_such_a_column(column, tmp_path):
    file = tmp_path / "data.jsonl"
    file.write_text(f'{{"prompt": "1=", "{column}": "x"}}\n')
    with pytest.raises(ValueError, match=f"data.jsonl has a column '{column}'"):
        read_table(file)


@pytest.mark.parametrize("name", sorted({*TASKS} - {"data"}))
def test_no_task_has_a_column_of_that_kind(name, tmp_path):
    task = TASKS[name]
    few = {k: min(x, 4) for k, x in task.difficulty.items() if k.startswith("t")}
    few = {"train": 4, "validation": 4, "test": 4} | few
    found = task.load("test", tmp_path, **few)
    columns = found[0] if isinstance(found, list) else found  # rows, or columns
    refuse([], columns, task.signals)


def test_names_are_looked_at_before_anything_runs(tmp_path):
    config = default_config()
    config.task.difficulty.update({"train": 64, "validation": 8, "test": 128})
    twice = [TextReward("short", ones), TextReward("short", ones)]
    with handed(config, scorers=twice) as named:
        with pytest.raises(ValueError, match="'short' has a name that is taken"):
            prepare(named, tmp_path)
    config.scorers = "judges:high(name='prompts')"
    with pytest.raises(ValueError, match="'prompts' has a name that is taken"):
        prepare(config, tmp_path)
    for nothing in ("judges:seven", "judges:Judge"):
        config.scorers = nothing
        with pytest.raises(ValueError, match=nothing):
            prepare(config, tmp_path)
