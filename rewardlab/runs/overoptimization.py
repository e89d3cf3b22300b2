"""What a run is paid and what is true, against how far the policy has gone."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rewardlab.runs.plots import COLOURS, FAINT, INK, Run, running_mean
from rewardlab.runs.sinks import read_metrics

TRUTH = "rewards/correct/mean"
PROXIES = ("rewards/score/mean", "rewards/members/mean")
Curve = tuple[Float[np.ndarray, " s"], Float[np.ndarray, " s"]]


def proxy_and_truth(
    arms: Mapping[str, Sequence[str | os.PathLike]], out: str | os.PathLike
) -> Path | None:
    """Draws `{arm: [metrics.jsonl of each seed]}` to the PNG `out`; gives its path.

    The proxy (`score`, or the mean of `members`) and the truth (`correct`) lie over the
    KL to the reference, nats a row: the mean over seeds of each step, in the order of
    steps. A proxy that goes up where the truth goes down is over-optimised. None where
    no run has all three.
    """
    runs = {arm: [read_metrics(file) for file in files] for arm, files in arms.items()}
    known = [n for n in (*PROXIES, TRUTH) if any(_have(x, n) for x in runs.values())]
    if TRUTH not in known or len(known) == 1:
        return None
    proxy = known[0]
    figure = Figure(figsize=(10.2, 3.6), facecolor="white")
    said = {proxy: "Proxy: what a reward model says", TRUTH: "Truth: share correct"}
    for i, (name, title) in enumerate(said.items()):
        axes = figure.add_subplot(1, 2, i + 1)
        _frame(axes, title)
        for colour, (arm, seeds) in zip(COLOURS, runs.items(), strict=False):
            if _have(seeds, name):
                kl, value = along(seeds, name)
                axes.plot(kl, value, color=colour, linewidth=1.6, label=arm)
                axes.plot(kl[-1:], value[-1:], "o", color=colour, markersize=5)
    figure.axes[-1].legend(frameon=False, fontsize=9)
    figure.tight_layout()
    path = Path(out)
    figure.savefig(path, dpi=150)
    return path


def along(seeds: Sequence[Run], name: str) -> Curve:
    """KL a row and a number, the mean over seeds at each step that all have, smooth."""
    tables = [
        {row["step"]: (_kl(row), row[name]) for row in run if _drawn(row, name)}
        for run in seeds
    ]
    steps = sorted(set.intersection(*map(set, tables)))
    both = np.array([[table[s] for s in steps] for table in tables], float).mean(axis=0)
    window = max(1, len(steps) // 25)
    kl, value = (running_mean(curve, window) for curve in both.T)
    return kl, value


def _kl(row: Mapping[str, float]) -> float:
    return float(row["kl"] * row["completions/mean_length"])


def _drawn(row: Mapping[str, float | None], name: str) -> bool:
    names = ("kl", "completions/mean_length", name)
    return all(row.get(one) is not None for one in names)


def _have(seeds: Sequence[Run], name: str) -> bool:
    """Whether every run of an arm has steps with the number and a KL."""
    return all(any(_drawn(row, name) for row in run) for run in seeds)


def _frame(axes: Axes, title: str) -> None:
    axes.set_title(title, loc="left", weight="bold", color=INK, fontsize=11.5)
    axes.set_xlabel("KL to the reference, nats a row", color=FAINT)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e8e8e8", linewidth=0.8)
    axes.tick_params(colors=FAINT, length=0)
