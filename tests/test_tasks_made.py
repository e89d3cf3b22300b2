"""Tasks made for the rewards that read their columns, and pairs of problems."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scored import made, written
from test_scorers_hidden import only

from rewardlab.data.batch import Batch
from rewardlab.data.columns import paired_indices, prompt_texts
from rewardlab.scorers.verifiers import VERIFIERS
from rewardlab.tasks import TASKS
from rewardlab.tasks.arithmetic import rewritten
from rewardlab.tasks.find_box import data as find_box
from rewardlab.tasks.questions import WORDS
from rewardlab.tasks.tool_calls import data as tool_calls
from rewardlab.tasks.turned_words import data as turned_words
from rewardlab.testing import from_arrays

SMALL = {"train": 40, "validation": 4, "test": 8}


def test_a_box_is_where_the_prompt_says_and_small_ones_weigh_most(tmp_path):
    rows = find_box.load("train", tmp_path, **SMALL)
    for row in rows:
        asked = row["prompt"].split('Where is "')[1][:-2]
        told = row["prompt"].split(f'"{asked}" ')[1].split(";")[0].split(". ")[0]
        left, top, width, height = (int(x) for x in told.split() if x.isdigit())
        box = [left, top, left + width, top + height]
        assert list(row["box"]) == box and max(box) <= 1000
        assert row["answer"] == f'[{{"bbox_2d": {box}}}]'
    area = [(r["box"][2] - r["box"][0]) * (r["box"][3] - r["box"][1]) for r in rows]
    weight = [r["difficulty"] for r in rows]
    assert weight[int(np.argmin(area))] == 1.5 and weight[int(np.argmax(area))] == 0.5


def test_calls_and_puzzles_have_their_solutions(tmp_path):
    for row in tool_calls.load("train", tmp_path, **SMALL):
        assert row["answer"] == row["calls"] and '{"name": ' in row["calls"]
    for row in turned_words.load("train", tmp_path, **SMALL):
        turn, turned = int(row["turn"]), row["prompt"].split('"')[1].split()
        words = [word[-turn:] + word[:-turn] for word in turned]
        assert set(words) <= set(WORDS)


@pytest.mark.parametrize(
    ("name", "maker", "column", "most"),
    [
        ("find_box", VERIFIERS["boxes"]("box", 1000, 1000), "box", {"hit": 1}),
        ("tool_calls", VERIFIERS["toolrl"]("calls"), "calls", {"tool_match": 3}),
        ("turned_words", VERIFIERS["puzzle"]("turn"), "turn", {"solved": 1}),
        ("chain_sum", VERIFIERS["derl"]("answer"), "answer", {"g1": 1, "g4": 1}),
    ],
)
def test_answers_get_all_that_a_reward_gives(name, maker, column, most, tmp_path):
    """And others do not; every answer fits the task's own length."""
    task, rows = TASKS[name], TASKS[name].load("train", tmp_path, **SMALL)
    answers = [row["answer"] for row in rows]
    assert max(map(len, answers)) < task.completion_length and column in task.facts
    facts = {column: [row[column] for row in rows]}
    for said, full in ((answers, True), (["no"] * len(rows), False)):
        found = made(maker, written(said, range(len(rows))), **facts)
        for signal, value in most.items():
            equal = np.isclose(found[signal], value, atol=1e-4)
            assert equal.all() if full else not equal.any(), (signal, found[signal])


def test_rewritten_sums_come_in_pairs(tmp_path):
    columns = rewritten.load("train", tmp_path, **SMALL)
    texts = prompt_texts(columns, TASKS["rewritten_sums"].tokenizer)
    for first, second in zip(texts[::2], texts[1::2], strict=True):
        assert first[:-1].split("+")[::-1] == second[:-1].split("+")
    assert len({*columns["id"]}) == 80
    for name in ("pair", "answer"):
        np.testing.assert_array_equal(columns[name][::2], columns[name][1::2])
    assert [r.split("+")[0] for r in columns["reference"]] == [
        text.split("+")[0] for text in texts
    ]


def test_pairs_are_drawn_together():
    pair = np.array([4, 9, 4, 7, 9, 7])
    drawn = [paired_indices(0, i, pair, 2) for i in range(3)]
    assert sorted(np.concatenate(drawn)) == list(range(6))
    assert all(pair[a] == pair[b] and a != b for a, b in drawn)
    with pytest.raises(ValueError, match="3 prompts is no number of pairs; make it"):
        paired_indices(0, 0, pair, 3)
    with pytest.raises(ValueError, match="'pair' has 7 not twice; give it to two"):
        paired_indices(0, 0, pair[:4], 2)


def test_a_partner_is_the_other_prompt_of_a_pair():
    rollout = from_arrays(np.ones((8, 2), bool), group=np.repeat(np.arange(4), 2))
    rollout = jax.tree.map(jnp.asarray, rollout)
    batch = Batch({"pair": np.array([4, 9, 5, 4])}, {})
    got = only("partner()").score((), None, rollout, batch)["partner"]
    assert got.tolist() == [3, 3, 1, 1, 2, 2, 0, 0]
