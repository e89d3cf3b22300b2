"""Arms times seeds, and the table and picture that they make.

    python -m experiments.grid --config=experiments/configs/quickstart.py \
        --arm=grpo --arm=pure --arm="sum=process('prm') | returns_to_go()" \
        --seeds=0,1,2 --workdir=runs/hacking

An arm is the name of a method, or a name of its own and a sentence. Runs of one seed
share the base policy of that seed. A run that is complete is not done again, so the
same command continues a grid that was stopped. Options after `--` go to every run.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from absl import app, flags
from jaxtyping import Float

from rewardlab.analysis.plots import PANELS, Panel, learning_curves
from rewardlab.analysis.statistics import compare, student
from rewardlab.methods import METHODS
from rewardlab.sinks import read_metrics

CONFIG = flags.DEFINE_string("config", "", "the config file of every run")
ARMS = flags.DEFINE_multi_string(
    "arm", [], "a method, or NAME=SENTENCE; the others are compared with the first"
)
SEEDS = flags.DEFINE_list("seeds", ["0", "1", "2"], "a run of each arm for each")
WORKDIR = flags.DEFINE_string("workdir", "", "the folder of the grid")
MEASURES = flags.DEFINE_list(
    "measure", ["pass@1", "pass@8", "mean_length"], "held-out numbers, as in eval/NAME"
)
REACH = flags.DEFINE_float(
    "reach", None, "also compare how many episodes bring held-out pass@1 to this"
)
JOBS = flags.DEFINE_integer("jobs", 1, "runs at a time", lower_bound=1)


def arms_of(texts: Sequence[str]) -> dict[str, str]:
    """What `config.reward` is for each arm; `ValueError` for what is neither."""
    arms = {}
    for text in texts:
        name, given, sentence = text.partition("=")
        if given and name.isidentifier():
            arms[name] = sentence
        elif text in METHODS:
            arms[text] = text
        else:
            raise ValueError(f"arm {text!r} is no method; write NAME=SENTENCE")
    return arms


def run_seed(grid: Path, arms: dict[str, str], seed: str, options: list[str]) -> None:
    """Every arm with one seed, each in a process of its own.

    The first does the warm-up that the others begin from. Several jobs at a time would
    write over one another's progress, so they write to `log.txt` of their run.
    """
    first = grid / f"{next(iter(arms))}-{seed}"
    for arm, reward in arms.items():
        workdir = grid / f"{arm}-{seed}"
        share = [] if workdir == first else [f"--config.model.init_from={first}"]
        settings = [f"--config.reward={reward}", f"--config.seed={seed}", *share]
        module = [sys.executable, "-m", "experiments.train", f"--config={CONFIG.value}"]
        program = [*module, f"--workdir={workdir}", *settings, *options]
        print(f"{arm}, seed {seed}", flush=True)
        if JOBS.value == 1:
            subprocess.run(program, check=True)
            continue
        workdir.mkdir(parents=True, exist_ok=True)
        with (workdir / "log.txt").open("a") as log:
            subprocess.run(program, check=True, stdout=log, stderr=log)


def evaluations(folder: Path) -> list[dict[str, Any]]:
    """The rows of a run's metrics that have held-out numbers."""
    rows = read_metrics(folder / "metrics.jsonl")
    return [row for row in rows if "eval/pass@1" in row]


def at_end(folder: Path, measure: str) -> float:
    """A number of a run's last evaluation."""
    name, rows = f"eval/{measure}", evaluations(folder)
    if name not in rows[-1]:
        known = sorted(key[5:] for key in rows[-1] if key.startswith("eval/"))
        raise ValueError(f"no held-out number {measure!r}; have {', '.join(known)}")
    return float(rows[-1][name])


def episodes_until(folder: Path, share: float) -> float:
    """Training episodes until held-out pass@1 is first at `share`; NaN if it never is.

    A straight line joins one evaluation and the next.
    """
    config = json.loads((folder / "config.json").read_text())["rollout"]
    rows = evaluations(folder)
    steps = np.array([row["step"] for row in rows], np.float64)
    shares = np.array([row["eval/pass@1"] for row in rows], np.float64)
    reached = np.flatnonzero(shares >= share)
    if not reached.size:
        return float("nan")
    last = reached[0] + 1
    first = max(last - 2, 0)
    step = np.interp(share, shares[first:last], steps[first:last])
    return float(step * config["num_prompts"] * config["num_generations"])


def cell(values: Float[np.ndarray, " seeds"]) -> str:
    """A mean with Student's 95 % interval, or how many seeds have a value."""
    if np.isnan(values).any():
        return f"{np.isfinite(values).sum()} of {len(values)} seeds"
    form = "{:.3f}" if np.abs(values).max() < 10 else "{:.1f}"
    mean, low, high = map(form.format, student(values))
    return f"{mean} [{low}, {high}]"


def report(numbers: dict[str, dict[str, Float[np.ndarray, " seeds"]]]) -> str:
    """Markdown: a row an arm, then what the paired differences over seeds allow."""
    first, *others = numbers
    lines = ["| arm | " + " | ".join(numbers[first]) + " |"]
    lines.append("|---" * (len(numbers[first]) + 1) + "|")
    for arm, values in numbers.items():
        lines.append(f"| `{arm}` | " + " | ".join(map(cell, values.values())) + " |")
    lines.append("")
    for arm in others:
        for measure, ours in numbers[arm].items():
            theirs = numbers[first][measure]
            if np.isfinite(ours).all() and np.isfinite(theirs).all():
                lines.append(
                    f"- {measure}: {compare(ours, theirs, (arm, first)).verdict}"
                )
    return "\n".join(lines)


def results(grid: Path, arms: dict[str, str]) -> str:
    """The table of the runs in a grid's folder; draws their curves beside it."""
    folders = {arm: [grid / f"{arm}-{seed}" for seed in SEEDS.value] for arm in arms}
    numbers = {
        arm: {m: np.array([at_end(run, m) for run in runs]) for m in MEASURES.value}
        for arm, runs in folders.items()
    }
    if REACH.value is not None:
        for arm, runs in folders.items():
            until = [episodes_until(run, REACH.value) for run in runs]
            numbers[arm][f"episodes to {REACH.value}"] = np.array(until)
    files = {
        arm: [run / "metrics.jsonl" for run in runs] for arm, runs in folders.items()
    }
    shown = [panel for panel in PANELS if panel.name.startswith(("reward", "compl"))]
    drawn = {panel.dots for panel in shown} | {"eval/pass@8", "eval/mean_length"}
    extra = [m for m in MEASURES.value if f"eval/{m}" not in drawn]
    named = [Panel(m, "an episode", f"rewards/{m}/mean", f"eval/{m}") for m in extra]
    panels = [*shown, *named] if named else PANELS
    learning_curves(files, grid / "learning_curves.png", panels=panels)
    text = report(numbers)
    (grid / "table.md").write_text(text + "\n")
    return text


def main(argv: list[str]) -> None:
    """Runs what is not done, then prints the table and draws the picture."""
    if not (CONFIG.value and ARMS.value and WORKDIR.value):
        raise app.UsageError("say --config, --arm and --workdir")
    grid = Path(WORKDIR.value)
    try:
        arms = arms_of(ARMS.value)
        with ThreadPoolExecutor(JOBS.value) as pool:
            seeds = [
                pool.submit(run_seed, grid, arms, s, argv[1:]) for s in SEEDS.value
            ]
        for seed in seeds:
            seed.result()
        print(results(grid, arms))
    except (ValueError, subprocess.CalledProcessError) as error:
        sys.exit(f"error: {error}")
    print(f"\nthe table and its curves are {grid}/table.md and learning_curves.png")


if __name__ == "__main__":
    app.run(main)
