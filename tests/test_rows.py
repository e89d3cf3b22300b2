"""metrics.jsonl: cut back to a step, mended, and plain about what is damaged."""

import json
from pathlib import Path

import pytest

from rewardlab.runs.rows import cut_back, parsed, row_at
from rewardlab.runs.sinks import Sinks, read_metrics


def lines(*steps: int) -> list[str]:
    return [json.dumps({"step": s, "loss": s / 10}) for s in steps]


def write(workdir: Path, *texts: str, end: str = "\n") -> Path:
    file = workdir / "metrics.jsonl"
    file.write_text("\n".join(texts) + end)
    return file


def steps(file: Path) -> list[int]:
    return [row["step"] for row in read_metrics(file)]


KNOWN = [json.loads(line) for line in lines(2, 3)]
CUT = [
    [*lines(0, 1, 2), '{"step": 3, "lo'],  # in the last line
    lines(0, 1, 2),  # between lines
    [*lines(0, 1), '{"step": 2, "lo', *lines(3)],  # in another
    [*lines(0, 1), "\x00" * 40, *lines(3)],
    [*lines(0, 1), "{}", *lines(3)],
    [*lines(0, 1), '{"step": true}', "[" * 10**5, *lines(3)],
    [*lines(0, 1), "", *lines(3)],
]


@pytest.mark.parametrize("texts", CUT)
@pytest.mark.parametrize("end", ["", "\n"])
def test_what_the_checkpoint_holds_is_mended(tmp_path: Path, texts, end) -> None:
    file = write(tmp_path, *texts, end=end)
    assert cut_back(tmp_path, 3, KNOWN) == []
    assert read_metrics(file) == [json.loads(line) for line in lines(0, 1, 2, 3)]


def test_what_nothing_holds_is_named_and_nothing_is_cut(tmp_path: Path) -> None:
    file = write(tmp_path, *lines(0), "{}", *lines(2, 3, 4))
    before = file.read_bytes()
    with pytest.raises(ValueError, match="metrics.jsonl line 2 is damaged .* step 1;"):
        cut_back(tmp_path, 3, KNOWN)
    with pytest.raises(ValueError, match="metrics.jsonl line 2 is not a row of metr"):
        read_metrics(file)
    assert file.read_bytes() == before
    write(tmp_path, *lines(0, 2, 3, 4))  # as the sentence advises
    assert cut_back(tmp_path, 3, KNOWN) == [1]
    assert steps(file) == [0, 2, 3]


@pytest.mark.parametrize("texts", [["{}", *lines(1, 2, 3)], ["{}"] * 4])
def test_a_first_line_that_nothing_holds_is_named(tmp_path: Path, texts) -> None:
    """No row before it says which step it was of."""
    file = write(tmp_path, *texts)
    with pytest.raises(ValueError, match="line 1 is damaged and no .* its step; del"):
        cut_back(tmp_path, 3, KNOWN)
    assert file.read_text().splitlines() == texts
    write(tmp_path, "{}", *lines(3))
    assert cut_back(tmp_path, 3, KNOWN) == [] and steps(file) == [2, 3]


def test_a_run_from_the_beginning_keeps_nothing(tmp_path: Path) -> None:
    file = write(tmp_path, *lines(0, 1), "{}")
    assert cut_back(tmp_path, -1) == [] and file.read_text() == ""


def test_a_run_from_the_middle_lacks_nothing(tmp_path: Path) -> None:
    file = write(tmp_path, *lines(4, 5, 6))
    assert cut_back(tmp_path, 5, []) == [] and steps(file) == [4, 5]
    file.unlink()
    assert cut_back(tmp_path, 3, KNOWN) == [] and steps(file) == [2, 3]


def test_the_last_row_of_a_step_counts(tmp_path: Path) -> None:
    write(tmp_path, *lines(0, 1), json.dumps({"step": 1, "loss": 7}))
    assert row_at(tmp_path, 1) == {"loss": 7}
    assert row_at(tmp_path, 5) == {} == row_at(tmp_path / "nowhere", 5)
    assert parsed(tmp_path / "metrics.jsonl")[1] == []


def test_rows_are_handed_to_the_checkpoint_once(tmp_path: Path) -> None:
    with Sinks(tmp_path) as sinks:
        sinks.write(0, {"loss": 1.0})
        sinks.write(1, {"loss": 0.5})
        assert sinks.settle() == [{"step": 0, "loss": 1.0}, {"step": 1, "loss": 0.5}]
        sinks.write(2, {"loss": 0.25})
        assert sinks.settle() == [{"step": 2, "loss": 0.25}]
        assert sinks.settle() == []
