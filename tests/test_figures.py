"""Figures of a grid: what is drawn is what the table has, and the files are whole."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib import image
from matplotlib.figure import Figure
from matplotlib.text import Text

from rewardlab.analysis.statistics import student
from rewardlab.figures.curves import POINTS, Curve, Trained, curve_over
from rewardlab.figures.labels import Drawn, name_ends
from rewardlab.figures.looks import WIDTHS, looks_of, style
from rewardlab.figures.overoptimization import over_kl, overoptimization
from rewardlab.figures.panels import panels_of
from rewardlab.figures.training import draw_training, training
from rewardlab.results.figures import figures, pictures
from rewardlab.results.reading import Results, RunResult
from rewardlab.results.tables import table_of

CONFIG = {"rollout": {"num_prompts": 2, "num_generations": 3}}
TRAINED = {"reward/mean": 0.5, "completions/mean_length": 4.0, "entropy": 0.1}


def rows_of(values, **more):
    """A run whose truth takes these values, the last of them held-out too."""
    rows = [{"step": 0, "eval/pass@1": 0.0}] + [
        {"step": n, "rewards/correct/mean": x, **TRAINED, **more}
        for n, x in enumerate(values, 1)
    ]
    rows[-1]["eval/pass@1"] = values[-1]
    return rows


def run(arm, seed, values, **axes):
    """Six episodes a step."""
    said = {"arm": arm, "axes": axes, "seed": seed, "id": "", "state": "done"}
    whole = {"folder": Path(f"{arm}-{seed}"), "error": "", "config": CONFIG}
    return RunResult(**said, **whole, rows=tuple(rows_of(values)))


def trained(*values, **more):
    return [Trained(rows_of(x, **more), lambda at: 6 * np.array(at)) for x in values]


def grid(*runs):
    return Results(Path("g"), {"measures": ["pass@1"]}, runs)


def test_a_curve_has_the_intervals_of_the_table():
    """Over the steps that all seeds have; Student's at each, a share cut to [0, 1]."""
    runs = trained([0.1, 0.9], [0.3, 1.0, 0.5])
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
    long = curve_over(trained(np.linspace(0, 1, 999)), "rewards/correct/mean", "step")
    assert len(long.at) == POINTS and long.at[[0, -1]].tolist() == [1, 999]


def test_axes_of_curves():
    """Six episodes a step, of four tokens each; step 0 has none."""
    runs = trained([0.1, 0.2])
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
    names = [file.name for one in drawn for of in one.files.values() for file in of]
    kinds, ends = ("svg", "pdf", "png"), ("", "_column")
    assert names == [
        f"{name}{end}.{kind}"
        for name in ("curves", "last", "sweep_hp_eta")
        for end in ends
        for kind in kinds
    ]
    assert b"\x1b" not in (tmp_path / "f" / "curves.svg").read_bytes()
    for end, pixels in (("", 1518), ("_column", 726)):
        found = image.imread(tmp_path / "f" / f"curves{end}.png").shape[1]
        assert found == pytest.approx(pixels, abs=2)


def test_nothing_to_draw_is_nothing(tmp_path):
    waits = run("a", 0, [0.1])._replace(rows=())
    none = table_of(Results(Path("g"), {}, (waits,)))
    assert figures(grid(waits), none, tmp_path / "f", "step") == []
    assert draw_training({"a": [Trained(())]}, tmp_path / "none.png") is None
    pictures(grid(waits), none, tmp_path / "learning_curves.png")
    assert [*tmp_path.iterdir()] == []
    with pytest.raises(ValueError, match="no axis 'hour'"):
        figures(grid(waits), table_of(grid(waits)), tmp_path, "hour")


def test_a_picture_by_itself(tmp_path):
    """After a run: its curves, of arms as many and as oddly named as they come."""
    arms = {f"process('prm') | {'x' * n}": trained([0.1, 0.2]) for n in range(9)}
    file = draw_training(arms, tmp_path / "made" / "learning_curves.png")
    assert file.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("width", "ends"), [(3.3, (0.5, 0.5, 0.9)), (6.9, (0.1, 0.5, 0.9))]
)
def test_a_figure_is_readable(width, ends):
    """Type of 7 points or more, all of it inside; the legend is not on a panel."""
    arms = {
        f"arm{n}": trained([0.5, x], [0.5, x + 0.01], kl=0.1 + x)
        for n, x in enumerate(ends)
    }
    with style():
        for plot in (training(arms, width=width), overoptimization(arms, width)):
            plot.figure.draw_without_rendering()
            every = plot.figure.findobj(Text)
            assert min(x.get_fontsize() for x in every if x.get_text().strip()) >= 7
            drawn, inches = plot.figure.get_tightbbox(), plot.figure.get_size_inches()
            assert drawn.x0 >= 0 and drawn.y0 >= 0
            assert drawn.x1 <= inches[0] and drawn.y1 <= inches[1]
            for legend in plot.figure.legends:
                above = legend.get_window_extent()
                panels = [x.get_window_extent() for x in plot.figure.axes]
                assert not any(above.overlaps(panel) for panel in panels)


def named(figure):
    return {text.get_text() for axes in figure.axes for text in axes.texts}


def test_names_stand_at_the_ends_of_curves_where_they_fit():
    """Of few arms that end apart; else there is a legend of all."""

    def ending(y):
        rows = [{"step": n, "reward/mean": x} for n, x in ((1, 0.5), (2, y))]
        return [Trained(rows)]

    apart = {f"a{n}": ending(n / 5) for n in range(5)}
    with style():
        figure = training(apart).figure
        assert named(figure) == set(apart) and not figure.legends
        close = {**apart, "a0": ending(0.201)}
        long = {f"an arm with a long name {n}": x for n, x in enumerate(apart.values())}
        for arms in (close, {**apart, "b": ending(0.9)}, {"a": ending(0.2)}, long):
            figure = training(arms, width=WIDTHS["_column"]).figure
            assert not named(figure) and len(figure.legends) == 1


def test_a_name_is_not_put_on_a_curve():
    """One that ends early stands free of those that go on."""

    def drawn(height):
        figure = Figure(figsize=(4, 3), layout="constrained")
        axes = figure.add_subplot()
        curves = {}
        for name, last, y in (("a", 5.0, 0.5), ("b", 10.0, height)):
            x, level = np.array([0, last]), np.array([y, y])
            axes.plot(x, level)
            curves[name] = Curve(x, level, level, level, 1, 1)
        axes.set_ylim(0, 1)
        return figure, name_ends(figure, [Drawn(axes, curves)], looks_of(["a", "b"]))

    for height, fits in ((0.9, True), (0.51, False), (0.3, True)):
        figure, done = drawn(height)
        assert done == fits and named(figure) == ({"a", "b"} if fits else set())


def test_panels_are_of_what_there_is_and_of_what_was_asked():
    """A learned proxy beside what is trained on; measures that nothing else shows."""
    arms = {"a": trained([0.5], **{"rewards/score/mean": 1.0, "grad_norm": 1.0})}
    arms["a"][0].rows[-1]["eval/calls"] = 2.0
    titles = [p.title for p in panels_of(arms, ("pass@1", "calls", "area/pass@1"))]
    assert titles[:3] == ["Reward trained on", "Reward model", "True accuracy"]
    assert titles[3:] == ["Length", "Entropy", "Gradient norm", "calls"]
    with style():
        assert len(training(arms, measures=("calls",)).figure.axes) == 7


def test_the_proxy_and_the_truth_over_the_kl():
    """KL a completion; the first step, then parts of training; Student's band."""
    steps = range(1, 74)
    runs = [
        Trained(
            [
                {"step": s, "kl": 0.01 * s, "completions/mean_length": 10.0 + seed}
                | {"rewards/correct/mean": 0.5 + 0.1 * seed, "reward/mean": s + seed}
                for s in steps
            ]
        )
        for seed in range(2)
    ]
    line = over_kl(runs, "reward/mean")
    blocks = [[1], *([3 * k + 2, 3 * k + 3, 3 * k + 4] for k in range(24))]
    assert line.at == pytest.approx([0.105 * np.mean(b) for b in blocks])
    for i, block in enumerate(blocks):
        want = student(np.array([np.mean(block), np.mean(block) + 1]))
        assert (line.mean[i], line.low[i], line.high[i]) == pytest.approx(want)
    assert over_kl(runs, "kl_none") is None
    runs[0].rows[0]["kl"] = -0.5  # an estimate that noise has made negative
    assert over_kl(runs, "reward/mean").at[0] == pytest.approx(0.11 / 2)


def test_what_is_judged_lies_where_the_judged_policy_is():
    """At the KL of the step after: that is what the new policy samples from."""
    rows = rows_of([0.5, 0.6, 0.7])
    for row, kl in zip(rows[1:], (0.0, 1.0, 4.0), strict=True):
        row |= {"kl": kl}
    rows[1]["eval/pass@1"] = 0.25
    with style():
        figure = overoptimization({"a": [Trained(rows)]}).figure
    (marks,) = [x for x in figure.axes[-1].lines if x.get_linestyle() == "None"]
    assert marks.get_xdata().tolist() == [0, 4, 16]  # before, after step 1, at the end
    assert marks.get_ydata().tolist() == [0.0, 0.25, 0.7]
    assert overoptimization({"a": trained([0.5])}) is None  # nobody measures a KL
