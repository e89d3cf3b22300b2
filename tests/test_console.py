"""What is printed to a terminal, and to a file."""

import io
import re
from pathlib import Path

import pytest
import rich.console

from rewardlab.analysis.statistics import Interval
from rewardlab.runs import console
from rewardlab.runs.console import TRAINING, Console, Sample


def screen(terminal: bool) -> tuple[Console, io.StringIO]:
    file = io.StringIO()
    out = rich.console.Console(
        file=file, force_terminal=terminal, width=80, highlight=False, _environ={}
    )
    return Console(out), file


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(console.time, "monotonic", lambda: now[0])
    return now


def test_plain_lines_for_a_tenth_of_the_run_each(clock: list[float]) -> None:
    show_on, file = screen(terminal=False)
    with show_on.progress("train", 120, TRAINING, done=30) as show:
        for step in range(31, 121):
            clock[0] += 20 if step == 31 else 2  # the first step compiles
            show(step, {"reward/mean": step / 120, "rewards/correct/mean": None})
    lines = file.getvalue().splitlines()
    assert [int(line.split("/")[0].split()[-1]) for line in lines] == [
        *range(36, 121, 12)
    ]
    # 84 steps of 2 s are left after step 36, whatever the first one took
    assert lines[0] == "train   36/120  reward 0.30  left 2:48"
    assert lines[-1] == "train  120/120  reward 1.00  took 3:18"  # 20 + 89 * 2 s


def test_a_log_has_plain_lines_in_a_notebook_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A kernel sets FORCE_COLOR, and the workers of a grid begin with what it sets."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    file = io.StringIO()
    with console.printed_to(file):
        made = Console()
    with made.progress("train", 10, TRAINING) as show:
        for step in range(1, 11):
            show(step, {"reward/mean": 0.5})
    made.samples("samples", [Sample("3+4=", "7", True)])
    assert "\x1b" not in file.getvalue()
    assert file.getvalue().splitlines()[9].startswith("train  10/10  reward 0.50")


def test_the_live_line_fits_a_terminal(clock: list[float]) -> None:
    show_on, file = screen(terminal=True)
    row = {
        "reward/mean": 0.756,
        "rewards/correct/mean": 0.995,
        "completions/mean_length": 14.25,
        "tokens_per_sec": 23456.7,
    }
    with show_on.progress("train", 150, TRAINING) as show:
        for step in (1, 2, 150):
            clock[0] += 1
            show(step, row)
    seen = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", file.getvalue())
    last = seen.replace("\r", "\n").strip().splitlines()[-1].strip()
    want = "150/150 reward 0.76  right 100%  length 14.2  tok/s 23,457  took 0:03"
    assert last.startswith("train ") and last.endswith(want)
    assert len(last) <= 80


def test_samples_are_coloured_and_literal() -> None:
    samples = [Sample("1+1=", "[2]", True), Sample("2+2=", "[red]5", False)]
    show_on, file = screen(terminal=True)
    show_on.samples("before", samples)
    assert "\x1b[32m[2]" in file.getvalue()
    assert "\x1b[31m[red]5" in file.getvalue()
    show_on, file = screen(terminal=False)
    show_on.samples("before", samples)
    assert [line.split() for line in file.getvalue().splitlines()] == [
        ["before"],
        ["✓", "1+1=", "[2]"],
        ["✗", "2+2=", "[red]5"],
    ]


def test_the_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    show_on, file = screen(terminal=False)
    before, after = Interval(0.312, 0.25, 0.38), Interval(1.0, 0.9709, 1.0)
    long = tmp_path / "runs" / ("x" * 90) / "metrics.jsonl"
    show_on.result(
        {"pass@1": (before, after)},
        {"training": 75.4, "all": 7380},
        {"metrics": long, "TensorBoard": "tensorboard --logdir [here]"},
    )
    text = file.getvalue()
    assert re.search(
        r"pass@1 +31\.2 % \[25\.0, 38\.0\] +100\.0 % \[97\.1, 100\.0\]", text
    )
    assert "training 1:15   all 2:03:00\n" in text
    assert f"metrics      {long.relative_to(tmp_path)}\n" in text  # never broken
    assert "TensorBoard  tensorboard --logdir [here]\n" in text


def test_a_note_stands_in_the_line_until_the_next(clock: list[float]) -> None:
    show_on, file = screen(terminal=False)
    with show_on.progress("train", 4, TRAINING) as show:
        show(1, {"reward/mean": 0.5}, "held-out 0.4% < base 37.7%")
        show(2, {"reward/mean": 0.5})
        show(3, {"reward/mean": 0.5}, "")
        show(4, {"reward/mean": 0.5})
    noted = ["held-out" in line for line in file.getvalue().splitlines()]
    assert noted == [True, True, False, False]
    assert "  held-out 0.4% < base 37.7%  reward 0.50  " in file.getvalue()


def test_a_collapse_is_said_at_the_end() -> None:
    fell = Interval(0.377, 0.34, 0.41), Interval(0.004, 0.0, 0.02)
    chance = Interval(0.377, 0.34, 0.41), Interval(0.36, 0.32, 0.40)
    rose = chance[::-1]
    show_on, file = screen(terminal=False)
    show_on.result({"pass@1": fell, "pass@2": chance, "pass@8": rose}, {}, {})
    said = [line for line in file.getvalue().splitlines() if "is below" in line]
    began = "is below where the run began"
    assert said == [
        f"held-out pass@1 {began}: 0.4 % for 37.7 %",
        f"held-out pass@2 {began}: 36.0 % for 37.7 %; the intervals overlap",
    ]
