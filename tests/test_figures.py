"""Figures of a grid: what is drawn is what the table has, and the files are whole."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib import image

from rewardlab.analysis.statistics import student
from rewardlab.results.curves import curve_over
from rewardlab.results.figures import figures
from rewardlab.results.looks import looks_of
from rewardlab.results.reading import Results, RunResult
from rewardlab.results.tables import table_of

CONFIG = {"rollout": {"num_prompts": 2, "num_generations": 3}}
TRAINED = {"reward/mean": 0.5, "completions/mean_length": 4.0, "entropy": 0.1}


def run(arm, seed, values, **axes):
    """A run whose truth takes these values, the last of them held-out too."""
    rows = [{"step": 0, "eval/pass@1": 0.0}] + [
        {"step": n, "rewards/correct/mean": x, **TRAINED}
        for n, x in enumerate(values, 1)
    ]
    rows[-1]["eval/pass@1"] = values[-1]
    said = {"arm": arm, "axes": axes, "seed": seed, "id": "", "state": "done"}
    whole = {"folder": Path(f"{arm}-{seed}"), "error": "", "config": CONFIG}
    known = {k: x for k, x in {**said, **whole}.items() if k in RunResult._fields}
    if "task" in RunResult._fields:
        known["task"] = None
    return RunResult(**known, rows=tuple(rows))


def grid(*runs):
    return Results(Path("g"), {"measures": ["pass@1"]}, runs)


def test_a_curve_has_the_intervals_of_the_table():
    """Over the steps that all seeds have; Student's at each, a share cut to [0, 1]."""
    runs = [run("a", 0, [0.1, 0.9]), run("a", 1, [0.3, 1.0, 0.5])]
    line = curve_over(runs, "rewards/correct/mean", "step", share=True)
    want = [student(np.array(x), within=(0, 1)) for x in ([0.1, 0.3], [0.9, 1.0])]
    assert line.at.tolist() == [1, 2] and line.seeds == 2
    for i, interval in enumerate(want):
        assert (line.mean[i], line.low[i], line.high[i]) == pytest.approx(interval)
    assert (
        curve_over(runs, "kl", "step") is None and curve_over([], "kl", "step") is None
    )
    alone = curve_over(runs[:1], "rewards/correct/mean", "step")
    assert alone.low.tolist() == alone.mean.tolist() == [0.1, 0.9]


def test_axes_of_curves():
    """Six episodes a step, of four tokens each; step 0 has none."""
    runs = [run("a", 0, [0.1, 0.2])]
    at = {
        by: curve_over(runs, "rewards/correct/mean", by).at.tolist()
        for by in ("step", "episodes", "tokens")
    }
    assert at == {"step": [1, 2], "episodes": [6, 12], "tokens": [24, 48]}


def test_arms_are_told_apart():
    looks = looks_of([str(i) for i in range(28)])
    assert len({*looks.values()}) == 28
    for a, b in zip(looks.values(), [*looks.values()][1:], strict=False):
        assert a.color != b.color and a.linestyle != b.linestyle


def test_files_of_a_grid(tmp_path):
    """Names with dollars, controls and underscores; a sweep where numbers are swept."""
    evil = "$\\frac{_^$ \x1b\u202e<b>"
    runs = [run(evil, s, [0.1, 0.5 + s / 9], **{"hp.eta": x})
            for s in (0, 1) for x in (0.5, 0.9)]  # fmt: skip
    results = grid(*runs, run("late", 0, [0.2]))
    drawn = figures(results, table_of(results), tmp_path / "f", "tokens")
    names = [file.name for one in drawn for file in one.files]
    kinds = ("svg", "pdf", "png")
    assert names == [
        f"{name}.{kind}"
        for name in ("curves", "last", "sweep_hp_eta")
        for kind in kinds
    ]
    assert b"\x1b" not in (tmp_path / "f" / "curves.svg").read_bytes()
    assert image.imread(tmp_path / "f" / "curves.png").shape[1] == pytest.approx(
        1518, 2
    )


def test_nothing_to_draw_is_nothing(tmp_path):
    waits = run("a", 0, [0.1])._replace(rows=())
    assert figures(grid(waits), table_of(Results(Path("g"), {}, (waits,))),
                   tmp_path / "f", "step") == []  # fmt: skip
    with pytest.raises(ValueError, match="no axis 'hour'"):
        figures(grid(waits), table_of(grid(waits)), tmp_path, "hour")
