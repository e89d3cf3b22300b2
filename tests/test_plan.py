"""Who makes what, in which order, and what is refused before anything compiles."""

import pytest

from rewardlab.scorers.plan import Nobody, Source, plan
from rewardlab.scorers.protocol import Scorer


def maker(name, provides, reads=()):
    return Scorer(name, dict.fromkeys(provides, "N"), tuple(reads), "shard", None)


def sources(*scorers, whose="your"):
    return [Source(whose, scorer) for scorer in scorers]


def names(scorers):
    return [scorer.name for scorer in scorers]


CHAIN = sources(
    maker("judge", ["grade"], ["score"]),
    maker("model", ["score", "spare"], ["hidden"]),
    maker("states", ["hidden"]),
    maker("task", ["correct"]),
    maker("idle", ["unread"]),
)


def test_makers_come_before_their_readers_and_nobody_else_is_asked():
    found = plan({"the reward reads": ["grade"]}, CHAIN)
    assert names(found.scorers) == ["states", "model", "judge"]
    assert found.made == {"grade": "judge", "score": "model", "hidden": "states"}
    assert found.wanted_of("model") == {"score"} and not found.on_host


def test_what_select_reads_is_the_first_stage():
    early = {"select reads": ["score"]}
    found = plan({"the reward reads": ["grade", "correct"]}, CHAIN, early)
    assert names(found.first) == ["states", "model"]
    assert names(found.second) == ["task", "judge"]


def test_a_validity_is_made_with_its_signal():
    found = plan({"the reward reads": ["correct_valid", "grade_error"]}, CHAIN)
    assert set(names(found.scorers)) == {"task", "judge", "model", "states"}


def test_nobody_is_named_with_the_reader_and_near_names():
    with pytest.raises(Nobody, match="the loss reads the signal 'corect'") as error:
        plan({"the loss reads": ["corect"]}, CHAIN)
    assert "did you mean 'correct'? There are correct, grade" in str(error.value)
    lost = [*CHAIN, *sources(maker("lost", ["x"], ["nowhere"]))]
    with pytest.raises(Nobody, match="the scorer 'lost' reads the signal 'nowhere'"):
        plan({"the reward reads": ["x"]}, lost)


def test_scorers_that_read_each_other_are_refused():
    ring = sources(maker("a", ["x"], ["y"]), maker("b", ["y"], ["x"]))
    with pytest.raises(ValueError, match="scorers read each other: a -> b -> a"):
        plan({"the reward reads": ["x"]}, ring)


def test_yours_comes_before_the_methods_and_this_before_the_tasks():
    mine = sources(maker("mine", ["correct", "correct_valid"]))
    row = sources(maker("row", ["correct", "score"]), whose="the method's")
    task = sources(maker("task", ["correct", "prm"]), whose="the task's")
    found = plan({"the reward reads": ["correct", "prm"]}, mine + row + task)
    assert set(names(found.scorers)) == {"mine", "task"}
    assert found.replaced == (
        "'correct' is made by your 'mine', in the place of the method's 'row'",
    )
    given = {"correct": 0, "correct_valid": 1, "prm": 2, "prm_valid": 3}
    assert found.own("task", given) == {"prm": 2, "prm_valid": 3}
    assert found.own("mine", {"correct": 0, "more": 1}) == {"correct": 0, "more": 1}


def test_two_makers_of_one_hand_are_refused():
    both = sources(maker("a", ["x"]), maker("b", ["x"]))
    with pytest.raises(ValueError, match="'x' is made by 'a' and 'b'; leave one of"):
        plan({"the reward reads": ["x"]}, both)
    with pytest.raises(ValueError, match="two scorers are called 'a'"):
        plan({}, sources(maker("a", ["x"]), maker("a", ["y"])))
