"""The TFDS builder, tables of users' problems, and the order of the data."""

import json
import os
import sys

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from rewardlab.data.columns import batch_indices, prompt_columns, prompt_texts
from rewardlab.data.files import alphabet, batch_from, split_by_share
from rewardlab.data.sources import read_table
from rewardlab.tasks.arithmetic.data import Arithmetic, load
from rewardlab.tasks.arithmetic.verifier import TOKENIZER
from rewardlab.text.chat import render

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


def rows(path, *problems):
    path.write_text("".join(json.dumps(row) + "\n" for row in problems))
    return path


CHAT = [{"role": "system", "content": "Add."}, {"role": "user", "content": "3+4="}]
ROWS = [
    {"prompt": "1+2=", "answer": 3, "level": "easy", "weight": 0.1, "id": "a"},
    {"prompt": CHAT, "answer": 7, "level": "hard", "weight": 1.0, "id": "b"},
]


def test_numbers_are_arrays_and_all_columns_are_facts_as_they_were_written(tmp_path):
    table = read_table(rows(tmp_path / "mine.jsonl", *ROWS))
    batch = batch_from(table, alphabet([table]))
    arrays, facts = batch
    assert arrays.keys() == {"prompts", "prompt_mask", "id", "answer", "weight"}
    assert arrays["answer"].tolist() == [3, 7] and arrays["answer"].dtype == np.int32
    assert arrays["weight"].dtype == np.float32 and arrays["id"].tolist() == [0, 1]
    assert facts["prompts"] == ["1+2=", CHAT]  # messages stay messages
    assert facts["weight"] == [0.1, 1.0] and facts["id"] == ["a", "b"]
    assert facts["level"] == ["easy", "hard"] and "prompt" not in facts
    assert batch.take(np.array([1, 1])).facts["prompts"] == [CHAT, CHAT]


def test_roles_are_kept_in_what_the_policy_reads(tmp_path):
    table = read_table(rows(tmp_path / "mine.jsonl", *ROWS))
    text = "system: Add.\nuser: 3+4=\nassistant: "
    assert table.texts == ["1+2=", text] and render(CHAT) == text
    tokenizer = alphabet([table])
    batch = batch_from(table, tokenizer)
    assert prompt_texts(batch.arrays, tokenizer) == table.texts


def test_a_column_that_numbers_do_not_fill_is_no_array(tmp_path):
    values = {"large": [1, 2**40], "mixed": [1, 1.5], "hole": [1, None]}
    values |= {"flag": [True, False], "nested": [[1], [2]], "texts": ["a", "b"]}
    problems = [
        {"question": f"{i}?", **{name: x[i] for name, x in values.items()}}
        for i in range(2)
    ]
    table = read_table(rows(tmp_path / "mine.jsonl", *problems), "question")
    arrays, facts = batch_from(table, alphabet([table]))
    assert arrays.keys() == {"prompts", "prompt_mask", "id", "flag"}
    assert {name: facts[name] for name in values} == values


def test_parquet_reads_as_jsonl(tmp_path):
    problems = [{"prompt": f"{i}+1=", "answer": i, "terms": [i, 1]} for i in range(3)]
    path = tmp_path / "mine.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(problems), path)
    one, two = read_table(path), read_table(rows(tmp_path / "a.jsonl", *problems))
    assert one[1:] == two[1:]


def test_the_alphabet_is_ascii_and_what_else_is_written(tmp_path):
    ascii_ = set(map(chr, range(32, 127))) | {"\n"}
    problems = [{"prompt": "Grüße?", "answer": "schön", "note": ["§"]}]
    tokenizer = alphabet([read_table(rows(tmp_path / "a.jsonl", *problems))])
    assert set(tokenizer.characters) == ascii_ | set("üßö")  # nested text is nobody's
    assert tokenizer.vocab_size == 96 + 3 + 2


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_a_share_of_the_prompts_is_held_out_and_no_prompt_is_in_both(tmp_path, share):
    problems = [{"prompt": f"{i % 40}?", "n": i} for i in range(100)]
    table = read_table(rows(tmp_path / "mine.jsonl", *problems))
    train, test = split_by_share(table, share)
    assert not set(train.texts) & set(test.texts)
    assert len(set(test.texts)) == round(40 * share)
    assert sorted(train.columns["n"] + test.columns["n"]) == list(range(100))
    assert all(train.texts[i] == f"{n % 40}?" for i, n in enumerate(train.columns["n"]))
    assert test.texts[: len(test.texts)] != table.texts[: len(test.texts)]  # not first
    again = split_by_share(table, share)[1]
    assert again == test


@pytest.mark.parametrize(("share", "says"), [(0.01, "held out"), (0.99, "to train on")])
def test_a_share_that_leaves_nothing_is_refused(tmp_path, share, says):
    problems = [{"prompt": f"{i}"} for i in range(9)]
    table = read_table(rows(tmp_path / "a.jsonl", *problems))
    with pytest.raises(ValueError, match=f"held_out={share} of the 9 .* none {says}"):
        split_by_share(table, share)


@pytest.mark.parametrize(
    ("problems", "message"),
    [
        ([], "has no rows; write one problem a line"),
        (
            [{"question": "1+2="}],
            r"has no column 'prompt'; have \['question'\], and data",
        ),
        ([ROWS[0], {"prompt": "1"}], "row 1 of .* give all rows the same"),
        ([{"prompt": ""}], "the prompt of row 0 of .* is empty; write at least a char"),
        ([{"prompt": []}], "is neither text nor messages, each with a 'role'"),
    ],
)
def test_bad_tables_are_refused_in_one_sentence(tmp_path, problems, message):
    with pytest.raises(ValueError, match=message):
        read_table(rows(tmp_path / "bad.jsonl", *problems))


def test_prompts_are_padded_on_the_left():
    table = prompt_columns(["12", "3"], TOKENIZER, 3)
    one, two, three = TOKENIZER.encode("123")
    assert table["prompts"].tolist() == [[0, one, two], [0, 0, three]]
    assert table["prompt_mask"].tolist() == [[False, True, True], [False, False, True]]
