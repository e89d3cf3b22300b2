"""What a grid shows while it runs, and before: the board and the dry run."""

import io
import json

import pytest
from rich.console import Console

from rewardlab.launch.arms import arms_of
from rewardlab.launch.board import Board, Progress, progress_of
from rewardlab.launch.dry_run import dry_run
from rewardlab.launch.kept import Found
from rewardlab.launch.launchers import Ended
from rewardlab.launch.plan import Grid, Planned, planned
from rewardlab.runs.console import clock


def out_of(width=80, height=25, terminal=True):
    """A console that writes to memory."""
    size = {"width": width, "height": height, "color_system": None}
    return Console(file=io.StringIO(), force_terminal=terminal, **size)


def run_in(folder, name="a", steps=40, rows=()):
    """A run and the metrics that it has written, the last line torn."""
    folder.mkdir()
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "metrics.jsonl").write_text(lines + '{"step": 4')
    return Planned("1" * 12, name, {}, 0, folder, (), "", steps, "")


@pytest.fixture
def four(tmp_path):
    """Runs that are done, going on, waiting, and of a hostile name."""
    rows = [{"step": 0, "eval/pass@1": 0.25}, {"step": 10, "step_time": 3.0}]
    rows += [{"step": 11, "step_time": 5.0}]
    return [
        run_in(tmp_path / "0", "done", rows=[{"step": 40, "eval/pass@1": 0.5}]),
        run_in(tmp_path / "1", "going", rows=rows),
        run_in(tmp_path / "2", "waiting"),
        run_in(tmp_path / "3", "[red]x[/]\x1b[2J"),
    ]


def test_progress_is_read_from_metrics_that_may_be_torn(four):
    assert progress_of(four[1]) == Progress(11, 0.25, 4.0)
    assert progress_of(four[2]) == Progress()
    assert (clock(200), clock(4000)) == ("3:20", "1:06:40")


def shown(board, **size):
    """The table as a terminal of a size has it, without its colours."""
    board.out = out_of(**size)
    board.out.print(board.table())
    return board.out.file.getvalue()


def test_the_board_has_state_progress_score_and_time_left(four):
    board = Board(four, four[:1], 2, out_of())
    board.told(Ended(four[1], "runs"))
    board.told(Ended(four[3], "runs"))
    board.told(Ended(four[3], "failed", "no good"))
    text = shown(board, width=100)
    going = next(line for line in text.splitlines() if "going" in line)
    assert "11/40" in going and "0.250" in going and "1:56" in going  # 29 steps of 4 s
    assert "\x1b[2J" not in text and "[red]x[/]" in text and "failed" in text
    assert board.errors == {four[3].folder: "no good"}
    board.took = [20.0]  # and one waits: (116 + 20) / 2 jobs
    assert board.whole() == "1 of 4 done, 1 failed, about 1:08 left"


def test_runs_that_go_on_stay_in_a_low_terminal(four):
    board = Board(four, four[:1], 1, out_of())
    board.told(Ended(four[2], "runs"))
    text = shown(board, width=50, height=10)
    assert "and 1 more" in text and " runs " in text  # the third
    assert max(map(len, text.splitlines())) <= 50


@pytest.mark.parametrize("width", [110, 80, 60])
def test_a_long_name_leaves_the_numbers(width, tmp_path):
    rows = [{"step": 240, "eval/pass@1": 0.5, "step_time": 9.0}]
    run = run_in(tmp_path / "0", "long" * 50, 1000, rows)
    board = Board([run], [], 1, out_of())
    board.told(Ended(run, "runs"))
    text = shown(board, width=width)
    assert max(map(len, text.splitlines())) <= width
    assert all(x in text for x in ("long", "runs", "240/1000", "0.500", "1:54:00"))
    assert ("━━" in text) == (width >= 80)


def test_in_a_pipe_each_change_is_a_line(four):
    board = Board(four, [], 1, out_of(terminal=False))
    with board.shown():
        board.told(Ended(four[1], "runs"))
        board.told(Ended(four[1], "done"))
        board.told(Ended(four[3], "failed", "no\ngood\x1b[2J"))
    lines = board.out.file.getvalue().splitlines()
    assert lines[0] == "going, seed 0: runs  pass@1 0.250"
    assert lines[1] == "going, seed 0: done  took 0:00  pass@1 0.250"
    assert len(lines) == 3 and "\x1b" not in lines[2] and "failed" in lines[2]


def test_a_dry_run_counts_what_is_left(tmp_path):
    """The quick start has 64 episodes a step; a step of grpo has taken 2 s here."""
    made = Grid("quickstart", arms_of(["grpo", "rloo"]), (0, 1), tmp_path)
    runs = [run._replace(steps=100) for run in planned(made)]
    runs[0].folder.mkdir()
    rows = [{"step": 60, "step_time": 2.0}]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (runs[0].folder / "metrics.jsonl").write_text(text)
    states = [Found("cut", 60), Found("new", 0), Found("new", 0), Found("done", 100)]
    found = {run.folder: x for run, x in zip(runs, states, strict=True)}
    rollout = made.config_of("grpo", 0).rollout
    each = rollout.num_prompts * rollout.num_generations
    out = out_of(width=100, terminal=False)
    dry_run(made, runs, found, 2, out)
    said = " ".join(out.file.getvalue().split())
    assert f"grpo, seed 0 cut 40 {40 * each:,} 1:20" in said
    tokens = 240 * each * rollout.max_completion_length
    assert f"{240 * each:,} episodes to sample (at most {tokens:,} tokens" in said
    assert "about 4:00 with --jobs=2" in said  # 240 steps of 2 s, two at a time
    assert "4 runs (1 cut, 2 new, 1 done)" in said and "2 seeds: an interval" in said
