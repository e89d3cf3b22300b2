"""Learning curves as one picture: what is trained on and what is true, side by side."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from rewardlab.runs.sinks import read_metrics


class Panel(NamedTuple):
    """One quantity over the steps; `dots` is measured now and then, on other data."""

    title: str
    unit: str
    name: str
    dots: str = ""
    share: bool = False  # a number in [0, 1]


PANELS = (
    Panel("Reward trained on", "a completion", "reward/mean"),
    Panel("True accuracy", "share", "rewards/correct/mean", "eval/pass@1", True),
    Panel("Completion length", "tokens", "completions/mean_length"),
    Panel("KL to reference", "nats a token", "kl"),
    Panel("Entropy", "nats a token", "entropy"),
    Panel("Gradient norm", "before clipping", "grad_norm"),
)

# Okabe and Ito's colours, which colour-blind readers tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
INK, FAINT = "#222222", "#767676"
TICKS = (1, 2, 2.5, 5, 10)

Run = list[dict[str, Any]]
Curve = Float[np.ndarray, " steps"]


def learning_curves(
    arms: Mapping[str, Sequence[str | os.PathLike]],
    out: str | os.PathLike,
    title: str = "",
    panels: Sequence[Panel] = PANELS,
) -> Path:
    """Draws `{arm: [metrics.jsonl of each seed]}` to the PNG `out`; gives its path.

    Every horizontal axis is steps, and every vertical one includes 0. Panels that no
    run has numbers for are left out; `ValueError` if none is left.
    """
    if len(arms) > len(COLOURS):
        raise ValueError(
            f"{len(arms)} arms in one picture cannot be told apart; draw at most "
            f"{len(COLOURS)}"
        )
    runs = {arm: [read_metrics(file) for file in files] for arm, files in arms.items()}
    every = [row for seeds in runs.values() for run in seeds for row in run]
    drawn = [p for p in panels if any(row.get(p.name) is not None for row in every)]
    if not drawn:
        raise ValueError(f"no metrics to draw in {[str(f) for f in arms.values()]}")
    columns = 2 if len(drawn) == 4 else min(3, len(drawn))
    lines = -(-len(drawn) // columns)
    figure = Figure(figsize=(10.2, 2.6 * lines + 0.9), facecolor="white")
    for i, panel in enumerate(drawn):
        axes = figure.add_subplot(lines, columns, i + 1)
        _frame(axes, panel)
        for colour, (arm, seeds) in zip(COLOURS, runs.items(), strict=False):
            _draw(axes, panel, seeds, colour, arm)
        low, high = axes.get_ylim()
        axes.set_ylim(min(low, 0), 1.02 if panel.share else high)
        if i >= len(drawn) - columns:
            axes.set_xlabel("step", color=FAINT)
    _surround(figure, runs, title)
    path = Path(out)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
    return path


def _frame(axes: Axes, panel: Panel) -> None:
    axes.set_title(panel.title, loc="left", weight="bold", color=INK, fontsize=11.5)
    axes.set_title(panel.unit, loc="right", color=FAINT, fontsize=10)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color("#bbbbbb")
    axes.grid(axis="y", color="#e8e8e8", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=FAINT, length=0, labelsize=10)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, steps=TICKS))
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=TICKS))


def _draw(axes: Axes, panel: Panel, seeds: list[Run], colour: str, arm: str) -> None:
    steps, curves = _curves(seeds, panel.name)
    if not steps.size:
        return
    smooth = np.stack([running_mean(curve, _window(steps)) for curve in curves])
    if len(seeds) == 1:
        axes.plot(steps, curves[0], color=colour, alpha=0.3, linewidth=0.8)
    else:
        low, high = np.nanmin(smooth, axis=0), np.nanmax(smooth, axis=0)
        axes.fill_between(steps, low, high, color=colour, alpha=0.18, linewidth=0)
    mean = smooth.mean(axis=0)
    axes.plot(steps, mean, color=colour, linewidth=1.8, label=arm)
    if panel.dots:
        at, dots = _curves(seeds, panel.dots)
        axes.plot(at, dots.mean(axis=0), "o", color=colour, markersize=4.5, mfc="white")


def _curves(seeds: list[Run], name: str) -> tuple[Curve, Float[np.ndarray, "seeds s"]]:
    """The steps at which every seed has a number, and the numbers."""
    of = [{r["step"]: r[name] for r in run if r.get(name) is not None} for run in seeds]
    steps = sorted(set.intersection(*(set(values) for values in of)))
    return np.array(steps), np.array([[v[s] for s in steps] for v in of], np.float64)


def _window(steps: Curve) -> int:
    return max(1, len(steps) // 25)


def running_mean(curve: Curve, window: int) -> Curve:
    """The mean of the `window` values around each, of fewer near the ends."""
    kernel = np.ones(window)
    count = np.convolve(np.ones_like(curve), kernel, "same")
    return np.convolve(curve, kernel, "same") / count


def _surround(figure: Figure, runs: Mapping[str, list[Run]], title: str) -> None:
    """Title, legend, and below the panels what the marks mean and what it cost."""
    height = figure.get_figheight()
    figure.subplots_adjust(
        left=0.06,
        right=0.985,
        top=1 - 0.75 / height,
        bottom=0.8 / height,
        wspace=0.24,
        hspace=0.36,
    )
    top = 1 - 0.15 / height
    figure.text(0.012, top, title, fontsize=14, weight="bold", color=INK, va="top")
    if len(runs) > 1:
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(
            handles,
            labels,
            loc="upper right",
            bbox_to_anchor=(1, 1 - 0.02 / height),
            ncol=len(runs),
            frameon=False,
        )
    figure.text(0.012, 0.12 / height, _caption(runs), fontsize=10, color=FAINT)


def _caption(runs: Mapping[str, list[Run]]) -> str:
    seeds = [run for arm in runs.values() for run in arm]
    window = _window(np.array([row["step"] for row in seeds[0]]))
    several = max(len(arm) for arm in runs.values())
    words = [
        f"line: running mean of {window} steps" if window > 1 else "line: every step",
        f"band: lowest to highest of {several} seeds" if several > 1 else "one seed",
    ]
    if any("eval/pass@1" in row for run in seeds for row in run):
        words.append("dots: held-out problems")
    seconds = np.mean([sum(row.get("step_time") or 0 for row in run) for run in seeds])
    if seconds > 0:
        words.append(f"{seconds:.0f} s of training{' a run' if len(seeds) > 1 else ''}")
    return "   ·   ".join(words)
