"""The proxy and the truth over the distance that a policy has gone.

A proxy that goes on rising where the truth falls is over-optimised (Gao, Schulman and
Hilton 2022, arXiv 2210.10760, whose axis is the root of the KL, as it is here).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from rewardlab.figures.curves import Curve, Points, Trained, banded, values_of
from rewardlab.figures.labels import Drawn
from rewardlab.figures.looks import FAINT, WIDTHS, Look, frame, looks_of, panels_on
from rewardlab.figures.panels import MODELS, REWARD, TRUTH, Arms, Panel, known_in
from rewardlab.figures.training import (
    Plot,
    draw_dots,
    draw_line,
    limits,
    name_arms,
)

BLOCKS = 24  # points of a curve
KL, LENGTH = "kl", "completions/mean_length"


class Gone(NamedTuple):
    """How far a run is from its reference by step, in nats a completion."""

    kl: dict[int, float]

    def after(self, step: int) -> float | None:
        """Of the policy that `step` left: that which the next step sampled from."""
        return self.kl.get(step + 1, self.kl.get(step))


def overoptimization(arms: Arms, width: float = WIDTHS[""]) -> Plot | None:
    """What is trained on, a learned proxy and the truth over the KL from the reference.

    KL a completion is `kl`, a mean over tokens, times the mean length. A point is the
    mean over a 24th of training, both of the KL and of the number, over the seeds; its
    band is Student's interval over them of the number. Open marks are held-out pass@1
    at the KL of the policy that was judged. None where no arm has a KL, a reward and a
    truth.
    """
    known = {
        arm: [run for run in runs if run.rows]
        for arm, runs in arms.items()
        if {KL, LENGTH, REWARD.name, TRUTH.name} <= known_in({arm: runs})
    }
    if not known:
        return None
    proxy = [panel for panel in MODELS if panel.name in known_in(known)][:1]
    panels = [REWARD, *proxy, TRUTH]
    looks = looks_of([*arms])
    figure, places = panels_on(width, len(panels), 2.0 if width > 5 else 1.5, 0.3)
    seeds = {arm: len(runs) for arm, runs in known.items()}
    ends = []
    for axes, panel in zip(places, panels, strict=True):
        frame(axes, panel.title, panel.unit)
        lines = {}
        for nth, (arm, runs) in enumerate(known.items()):
            line = over_kl(runs, panel.name, panel.share)
            if line is not None:
                lines[arm] = line
                draw_line(axes, line, looks[arm], nth)
            _held_out(axes, runs, panel, looks[arm])
        axes.set_ylim(*((-0.02, 1.02) if panel.share else limits(lines.values())))
        ends.append(Drawn(axes, lines))
    _distances(places)
    figure.supxlabel(
        "KL from the reference, nats a completion", fontsize=7.5, color=FAINT
    )
    name_arms(figure, ends, looks, seeds)
    said = "A point is the mean over a 24th of training, in the order of steps, over "
    said += "the seeds; bands are Student’s 95 % intervals over them; open marks are "
    said += "held-out problems. The axis is that of the root of the KL."
    return Plot(figure, "What is paid and what is true, over the distance gone", said)


def over_kl(runs: Sequence[Trained], name: str, share: bool = False) -> Curve | None:
    """A number over the KL: the first step, then a point for each of at most `BLOCKS`
    parts of training.

    Of the steps in which all runs have both; None where there are none.
    """
    gone = [distance(run).kl for run in runs]
    values = [values_of(run, name) for run in runs]
    every = [*map(set, gone), *map(set, values)]
    steps = sorted(set.intersection(*every)) if runs else []
    if not steps:
        return None
    first, rest = np.array(steps[:1]), np.array(steps[1:])
    blocks = (
        [first, *np.array_split(rest, min(BLOCKS, len(rest)))] if rest.size else [first]
    )

    def means(of: dict[int, float]) -> Points:
        return np.array([np.mean([of[s] for s in block]) for block in blocks])

    at = np.mean([means(x) for x in gone], axis=0)
    banded_ = banded(np.stack([means(x) for x in values]), share)
    return Curve(at, *banded_, len(runs), len(blocks[-1]))


def distance(run: Trained) -> Gone:
    """KL a token times tokens a completion; an estimate below 0 is 0."""
    kl, length = values_of(run, KL), values_of(run, LENGTH)
    return Gone({s: max(kl[s] * length[s], 0.0) for s in kl if s in length})


def _held_out(axes: Axes, runs: Sequence[Trained], panel: Panel, look: Look) -> None:
    """The means over seeds of what was judged, where all were."""
    if not panel.dots:
        return
    judged = [values_of(run, panel.dots) for run in runs]
    gone = [distance(run) for run in runs]
    steps = sorted(set.intersection(*map(set, judged)))
    places = [[x.after(step) for x in gone] for step in steps]
    kept = [n for n, place in enumerate(places) if None not in place]
    at = [np.mean(np.array(places[n], np.float64)) for n in kept]
    draw_dots(axes, at, [np.mean([x[steps[n]] for x in judged]) for n in kept], look)


def _distances(places: Sequence[Axes]) -> None:
    """The same in all panels, by their roots: the first nats are where most happens."""
    farthest = max(axes.get_xlim()[1] for axes in places)
    for axes in places:
        axes.set_xscale("function", functions=(_root, np.square))
        axes.set_xlim(0, farthest)
        axes.xaxis.set_major_locator(MaxNLocator(4))


def _root(x: Points) -> Points:
    return np.sqrt(np.maximum(x, 0))
