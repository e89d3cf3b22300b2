"""Sources of problems: folders, TFDS, reasoning-gym, objects of one's own."""

import json
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from scored import made, written

from rewardlab.data import generated
from rewardlab.data.sources import read_table, source_of
from rewardlab.runs.config import default_config
from rewardlab.scorers.verifiers import VERIFIERS
from rewardlab.tasks.chain_sum import data as chain_sum
from rewardlab.tasks.files import task_of_files

SMALL = {"train": 40, "validation": 0, "test": 10}


def lines(path, *prompts):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps({"prompt": x}) + "\n" for x in prompts))


def data(**values):
    return {**default_config("data").data.to_dict(), **values}


def splits(task):
    return [task.load(split, "").facts["prompts"] for split in ("train", "test")]


def test_a_folder_has_the_splits_of_its_files(tmp_path):
    """Shards in the order of their names, in `data` or above; validation for test."""
    for shard, prompts in enumerate((["1", "2"], ["3"])):
        path = tmp_path / "data" / f"train-0000{shard}-of-00002.parquet"
        path.parent.mkdir(exist_ok=True)
        pyarrow.parquet.write_table(pyarrow.table({"prompt": prompts}), path)
    lines(tmp_path / "data" / "validation.jsonl", "4")
    lines(tmp_path / "data" / "validation_extra.jsonl", "5")
    (tmp_path / "README.md").write_text("a card")
    task = task_of_files(data(path=str(tmp_path)))
    assert splits(task) == [["1", "2", "3"], ["4", "5"]]
    lines(tmp_path / "train.jsonl", *"abcdefghij")
    held_out = task_of_files(data(path=str(tmp_path), held_out=0.2))
    assert [len(x) for x in splits(held_out)] == [8, 2]  # what stands above counts


def test_a_folder_without_files_to_train_on_is_one_sentence(tmp_path):
    lines(tmp_path / "main" / "train.jsonl", "1")
    with pytest.raises(ValueError, match=r"no train\*.jsonl .* it has main: name one"):
        source_of(str(tmp_path))
    lines(tmp_path / "test.jsonl", "1")
    lines(tmp_path / "dev.jsonl", "1")
    with pytest.raises(ValueError, match="it has dev, test: name one"):
        source_of(str(tmp_path))


def test_a_tfds_data_set_that_is_on_the_disk(tmp_path, monkeypatch):
    rows = {s: chain_sum.load(s, tmp_path, **SMALL) for s in ("train", "test")}
    name = next((tmp_path / "chain_sum").iterdir()).name
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    source = source_of(f"tfds:chain_sum/{name}")
    for split, wanted in rows.items():
        found = sorted(source.load(split), key=lambda row: row.pop("id"))
        assert found == wanted
    table = read_table(source, "prompt", "test")
    assert table.source == f"the test split of tfds:chain_sum/{name}"


@pytest.mark.parametrize("name", ["gsm8k", "gsm8k/none:1.0.0", "no such: thing", ""])
def test_a_tfds_data_set_that_is_not_there_is_one_sentence(tmp_path, monkeypatch, name):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    with pytest.raises(ValueError, match="fetches no data sets; where there") as error:
        source_of(f"tfds:{name}")
    assert "\n" not in str(error.value)


def standing_in(name, seed, size, answer="4"):
    """As reasoning_gym.create_dataset: every second question is an old one."""
    if name != "sums":
        raise ValueError(f"Dataset '{name}' not registered")
    assert size > 1, "size must be large"
    return [
        {
            "question": f"{seed}+{i // 2}",
            "answer": answer,
            "metadata": {"source_dataset": "sums", "index": (i,)},
        }
        for i in range(size)
    ]


@pytest.fixture
def gym(monkeypatch):
    """A module with the two functions of reasoning_gym that are asked."""

    def score_answer(answer, entry):
        right = entry["answer"]
        return len(right) / len(answer) if answer and right in answer else 0.0

    module = ModuleType("reasoning_gym")
    module.create_dataset = standing_in
    module.get_score_answer_fn = lambda name: score_answer
    monkeypatch.setitem(sys.modules, "reasoning_gym", module)
    generated._drawn.cache_clear()
    yield module
    generated._drawn.cache_clear()


def test_questions_of_reasoning_gym_are_different_and_split_by_question(gym):
    task = task_of_files(data(path="reasoning_gym:sums(size=40, seed=3)", held_out=0.1))
    train, test = splits(task)
    assert sorted(train + test) == sorted(f"3+{i}" for i in range(20))
    assert len(test) == 2
    assert task.notes == (
        "20 of the 40 problems of reasoning_gym:sums ask what another asks, and are "
        "left out",
    )
    entry = task.load("train", "").facts["entry"][0]
    assert entry["metadata"]["index"] == (2 * int(entry["question"][2:]),)


def test_the_verdict_of_reasoning_gym_has_no_partial_credit(gym):
    entry = standing_in("sums", 0, 2)[0]
    maker = VERIFIERS["reasoning_gym"]()
    found = made(maker, written(["4\n", "4 or 5", "5", ""]), entry=[entry])
    np.testing.assert_array_equal(found["correct"], [1, 0, 0, 0])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("reasoning_gym:sum(size=4)", "reasoning_gym:sum cannot be made: ValueError: "),
        ("reasoning_gym:sums(size=1)", "AssertionError: size must be large"),
        ("reasoning_gym:sums(terms=1)", "TypeError: .* unexpected keyword .*'terms'"),
        ("reasoning_gym:sums(4)", "takes options by name"),
        ("reasoning_gym:sums(size=open('x'))", "there may be literals"),
        ("reasoning_gym:sums(size=4, answer=None)", "problems without an answer"),
        (
            "reasoning_gym:basic_arithmetic(allow_parentheses=False)",
            "has wrong answers in a quarter",
        ),
    ],
)
def test_what_reasoning_gym_cannot_make_is_one_sentence(gym, text, said):
    with pytest.raises(ValueError, match=said) as error:
        source_of(text)
    assert "\n" not in str(error.value)


def test_without_reasoning_gym_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "reasoning_gym", None)
    generated._drawn.cache_clear()
    with pytest.raises(ValueError, match=r"pip install 'rewardlab\[tasks\]'"):
        source_of("reasoning_gym:sums")
    with pytest.raises(ValueError, match=r"the scorer reasoning_gym needs .*\[tasks\]"):
        VERIFIERS["reasoning_gym"]()


def test_two_seeds_are_no_two_splits(gym):
    sums = "reasoning_gym:sums(seed=1)"
    with pytest.raises(ValueError, match=r"data.test=.* its seeds share questions"):
        task_of_files(data(train="mine.jsonl", test=sums))


def test_the_package_itself():
    pytest.importorskip("reasoning_gym")
    source = source_of("reasoning_gym:chain_sum(size=300, max_terms=2, max_digits=1)")
    rows = source.load("train")
    assert 100 < len(rows) < 300 and "ask what another asks" in source.notes[0]
    found = made(
        VERIFIERS["reasoning_gym"](),
        written([rows[0]["answer"], f"{rows[0]['answer']} or so"]),
        entry=[rows[0]["entry"]],
    )
    np.testing.assert_array_equal(found["correct"], [1, 0])


def test_an_object_that_loads_splits(monkeypatch):
    rows = {"train": [{"prompt": "1"}, {"prompt": "2"}], "test": ({"prompt": "3"},)}
    mine = SimpleNamespace(
        SOURCE=SimpleNamespace(load=rows.get),
        made=lambda n: SimpleNamespace(load=lambda s: [{"prompt": f"{s}{n}"}]),
        odd=SimpleNamespace(load=lambda split: ["1"]),
        none=SimpleNamespace(load=lambda split: 3),
    )
    monkeypatch.setitem(sys.modules, "mine_too", mine)
    task = task_of_files(data(path="mine_too:SOURCE"))
    assert splits(task) == [["1", "2"], ["3"]]
    task = task_of_files(data(train="mine_too:made(1)", test="mine_too:made(2)"))
    assert splits(task) == [["train1"], ["test2"]]
    with pytest.raises(ValueError, match=r"row 0 of the train split .* is '1'; let"):
        task_of_files(data(path="mine_too:odd"))
    with pytest.raises(ValueError, match=r"row 0 of the train split .* is 3; let"):
        task_of_files(data(path="mine_too:none"))
    with pytest.raises(ValueError, match=r"which has no load\(split\); give it one"):
        task_of_files(data(path="mine_too:made"))


@pytest.mark.parametrize("text", ["no_such_folder", "a b", "mine.csv"])
def test_what_is_no_source_is_one_sentence(text):
    with pytest.raises(ValueError, match="is no file and no folder; name a .jsonl or"):
        source_of(text)
