"""The TFDS builder, tables of users' problems, and the order of the data."""

import json
import os
import sys

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from rewardlab.data import columns as tables
from rewardlab.data.columns import batch_indices, prompt_columns, prompt_texts
from rewardlab.tasks.arithmetic.data import Arithmetic, load
from rewardlab.tasks.arithmetic.verifier import TOKENIZER

SMALL = {"train": 200, "validation": 20, "test": 30, "max_operand": 20, "max_terms": 3}


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


def test_splits_share_no_problem_in_any_order(data_dir):
    splits = {s: load(s, data_dir, **SMALL) for s in ("train", "validation", "test")}
    seen, ids = set(), []
    for name, split in splits.items():
        assert len(split["id"]) == SMALL[name]
        assert len(set(map(tuple, split["terms"].tolist()))) == SMALL[name]
        unordered = {tuple(sorted(row)) for row in split["terms"].tolist()}
        assert not unordered & seen
        seen |= unordered
        ids += split["id"].tolist()
    assert ids == list(range(250))
    assert "tensorflow" not in sys.modules


def test_columns_say_the_same_problem(data_dir):
    train = load("train", data_dir, **SMALL)
    rows = zip(
        prompt_texts(train, TOKENIZER), train["terms"], train["answer"], strict=True
    )
    for text, terms, answer in rows:
        numbers = [t for t in terms.tolist() if t != -1]
        assert text == "+".join(map(str, numbers)) + "="
        assert 2 <= len(numbers) <= 3 and 1 <= min(numbers) and max(numbers) <= 20
        assert answer == sum(numbers)
    assert train["prompts"].shape == train["prompt_mask"].shape == (200, 16)
    assert train["prompt_mask"][:, -1].all()  # padding is on the left
    assert (train["prompts"][~train["prompt_mask"]] == TOKENIZER.pad_id).all()


def test_generation_is_the_same_everywhere_and_done_once(data_dir, tmp_path, capfd):
    here, there = (load("test", place, **SMALL) for place in (data_dir, tmp_path))
    assert all(np.array_equal(here[name], there[name]) for name in here)
    files = sorted(tmp_path.rglob("*.array_record*"))
    assert len(files) == 3
    before = [os.stat(f).st_mtime_ns for f in files]
    load("test", tmp_path, **SMALL)
    assert [os.stat(f).st_mtime_ns for f in files] == before
    out, err = capfd.readouterr()
    assert out == "" and "WARNING" not in err and "it/s" not in err


def test_another_process_may_generate_at_the_same_time(tmp_path, monkeypatch):
    prepare = Arithmetic.download_and_prepare

    def too_late(builder):
        prepare(builder)
        raise OSError("Directory not empty")

    monkeypatch.setattr(Arithmetic, "download_and_prepare", too_late)
    assert len(load("test", tmp_path, **SMALL)["id"]) == 30

    def disk_full(builder):
        raise OSError("No space left on device")

    monkeypatch.setattr(Arithmetic, "download_and_prepare", disk_full)
    with pytest.raises(OSError, match="No space left"):
        load("test", tmp_path / "other", **SMALL)


@pytest.mark.parametrize(
    ("split", "change", "message"),
    [
        ("dev", {}, r"no split 'dev'; have \['train', 'validation', 'test'\]"),
        ("test", {"test": 0}, "the split 'test' is empty; set its size to 1 or more"),
        (
            "train",
            {"max_operand": 1},
            "too few different problems .* lower the",
        ),
        ("train", {"max_operand": 0}, "keep 2 <= min_terms <= max_terms, max_operand"),
        ("train", {"min_terms": 4}, "4 to 3 terms up to 20 make no prompts; keep 2 <="),
        ("train", {"max_operand": 99999}, "the longest prompt within 16 characters"),
    ],
)
def test_impossible_data_is_refused_in_one_sentence(tmp_path, split, change, message):
    with pytest.raises(ValueError, match=message):
        load(split, tmp_path, **SMALL | change)


def test_a_split_without_problems_does_not_stop_the_others(tmp_path):
    assert len(load("train", tmp_path, **SMALL | {"validation": 0})["id"]) == 200


def test_an_epoch_holds_no_row_twice_and_depends_on_nothing_else():
    epochs = [[batch_indices(0, e * 3 + i, 11, 3) for i in range(3)] for e in range(40)]
    for epoch in epochs:
        assert len(set(np.concatenate(epoch).tolist())) == 9
    # each row is left out of an epoch with probability 2 / 11, of all 40 with 2e-30
    assert set(np.concatenate(epochs, axis=None).tolist()) == set(range(11))
    assert not np.array_equal(epochs[0], epochs[1])
    assert not np.array_equal(epochs[0][0], batch_indices(1, 0, 11, 3))
    np.testing.assert_array_equal(epochs[7][2], batch_indices(0, 23, 11, 3))
    with pytest.raises(ValueError, match="a batch of 12 prompts does not fit a split"):
        batch_indices(0, 0, 11, 12)


ROWS = [
    {"prompt": "1+2=", "answer": 3, "level": "easy", "weight": 0.5},
    {"prompt": [{"role": "user", "content": "3+4="}], "answer": 7}
    | {"level": "hard", "weight": 1.0},
]


def read(path, rows, length=16):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tables.read_table(path, TOKENIZER, length)


def test_jsonl_keeps_every_column(tmp_path):
    table = read(tmp_path / "mine.jsonl", ROWS)
    assert prompt_texts(table, TOKENIZER) == ["1+2=", "3+4="]
    assert table["id"].tolist() == [0, 1] and table["id"].dtype == np.int32
    assert table["answer"].tolist() == [3, 7] and table["answer"].dtype == np.int32
    assert table["weight"].dtype == np.float32
    assert table["level"].tolist() == ["easy", "hard"]
    some = tables.take(table, np.array([1, 1]))
    assert prompt_texts(some, TOKENIZER) == ["3+4=", "3+4="]
    assert read(tmp_path / "ids.jsonl", [ROWS[0] | {"id": 9}])["id"].tolist() == [9]


def test_parquet_reads_as_jsonl(tmp_path):
    rows = [{"prompt": f"{i}+1=", "answer": i + 1, "terms": [i, 1]} for i in range(3)]
    path = tmp_path / "mine.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    one, two = tables.read_table(path, TOKENIZER, 8), read(tmp_path / "a", rows, 8)
    assert one.keys() == two.keys()
    for name in one:
        assert one[name].tolist() == two[name].tolist()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "has no rows; write one problem a line"),
        ([{"question": "1+2="}], r"has no column 'prompt'; have \['question'\]"),
        ([ROWS[0], {"prompt": "1"}], "row 1 of .* give all rows the same"),
        ([{"prompt": "1+" * 9}], "has 18 tokens; write 1 to 16, or raise max_prompt"),
        ([{"prompt": ""}], "has 0 tokens; write 1 to 16"),
    ],
)
def test_bad_tables_are_refused_in_one_sentence(tmp_path, rows, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path / "bad.jsonl", rows)


def test_prompts_are_padded_on_the_left():
    table = prompt_columns(["12", "3"], TOKENIZER, 3)
    one, two, three = TOKENIZER.encode("123")
    assert table["prompts"].tolist() == [[0, one, two], [0, 0, three]]
    assert table["prompt_mask"].tolist() == [[False, True, True], [False, False, True]]
