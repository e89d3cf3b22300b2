"""Files of problems, and columns of one's own: whatever is wrong is one sentence."""

import json

import numpy as np
import pytest

from rewardlab.data import columns as tables
from rewardlab.data.columns import prompt_columns
from rewardlab.data.sources import read_table
from rewardlab.tasks.arithmetic.verifier import TOKENIZER

LINE = '{"prompt": "1+2="}'
FILES = {
    b"": "has no rows",
    b"\n \n": "has no rows",
    b'{"prompt": "1+2="': r"bad.jsonl:1 is not JSON: Expecting ',' delimiter",
    f"{LINE}\n\n{{broken\n".encode(): "bad.jsonl:3 is not JSON: Expecting property",
    b"[1, 2]": "bad.jsonl:1 is no object",
    b"3\n": "bad.jsonl:1 is no object",
    b"[" * 100_000: "bad.jsonl:1 is not JSON: ",
    b'{"prompt": "1=", "prompt": "2="}': "the key 'prompt' stands twice",
    LINE.encode() + b'\n{"prompt": "\xff"}': "bad.jsonl:2 is not UTF-8",
    LINE.encode("utf-16"): "bad.jsonl:1 is not UTF-8",
    b'{"prompt": 3}': "the prompt of row 0 of .* is neither text nor messages",
    b'{"prompt": null}': "is neither text nor messages",
    b'{"prompt": [{"role": "user"}]}': "is neither text nor messages",
    b'{"prompt": [{"content": 3}]}': "is neither text nor messages",
    b'{"prompt": "1=", "completions": 4}': "a column 'completions', as something",
    b'{"prompt": "1=", "prompt_mask": 4}': "a column 'prompt_mask', as something",
}


@pytest.mark.parametrize("content", FILES, ids=range(len(FILES)))
def test_bad_files_are_one_sentence_with_the_line(tmp_path, content):
    (tmp_path / "bad.jsonl").write_bytes(content)
    with pytest.raises(ValueError, match=FILES[content]) as error:
        read_table(tmp_path / "bad.jsonl")
    assert "\n" not in str(error.value)


def test_files_that_cannot_be_opened_are_one_sentence(tmp_path):
    (tmp_path / "torn.parquet").write_bytes(b"PAR1 and no more")
    for name in ("none.jsonl", "none.parquet", "torn.parquet"):
        with pytest.raises(ValueError, match="cannot be read: ") as error:
            read_table(tmp_path / name)
        assert "\n" not in str(error.value) and str(tmp_path) in str(error.value)


def test_what_is_legal_json_is_read(tmp_path):
    """U+2028 in a string, a BOM before the first line, ends of lines of Windows."""
    path = tmp_path / "mine.jsonl"
    rows = [{"prompt": "1=", "note": f"a{end}b"} for end in "\u2028\u2029\x85\x0b"]
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    assert read_table(path).columns["note"] == [row["note"] for row in rows]
    path.write_text('{"prompt": "1=", "answer": 1099511627776}')
    assert read_table(path).columns["answer"] == [2**40]


def whole(**others):
    prompts = prompt_columns(["1=", "2="], TOKENIZER, 4)
    return {**prompts, "id": np.arange(2), **others}


def test_columns_of_a_task_of_ones_own_are_checked():
    """Before anything is compiled for them."""
    assert tables.checked(whole(x=np.ones(2)), "train").keys() == whole(x=0).keys()
    bad = {
        r"train has no column 'id'; have \['prompt_mask', 'prompts'\]": {
            k: v for k, v in whole().items() if k != "id"
        },
        "train has no column 'prompts'": {"id": np.arange(2)},
        "the id 3 stands 2 times in train": whole(id=np.array([3, 3])),
        "the column 'id' of train is <U1": whole(id=np.array(["a", "b"])),
        "does not fit 32 bits": whole(id=np.array([0, 2**40])),
        "the column 'x' of train has 3 rows and there are 2": whole(x=np.ones(3)),
        r"prompts of shape \(2, 4\) and prompt_mask of \(2,\)": whole(
            prompt_mask=np.ones(2, bool)
        ),
    }
    for message, columns in bad.items():
        with pytest.raises(ValueError, match=message) as error:
            tables.checked(columns, "train")
        assert "\n" not in str(error.value)
