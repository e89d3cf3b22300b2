"""Arms times seeds, one run after another, and the table that they make.

    python -m experiments.grid --config=experiments/configs/quickstart.py \
        --arms=grpo,process_sum,clip_delta,pure --seeds=0,1,2 --workdir=runs/hacking

An arm is the name of a method. Runs of one seed share the base policy of that seed. A
run that is complete is not done again, so the same command continues a grid that was
stopped. Options after `--` go to every run.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
from absl import app, flags
from jaxtyping import Float

from rewardlab.analysis.plots import learning_curves
from rewardlab.analysis.statistics import compare, student
from rewardlab.methods import METHODS
from rewardlab.sinks import read_metrics

CONFIG = flags.DEFINE_string("config", "", "the config file of every run")
ARMS = flags.DEFINE_list("arms", [], "names of methods; the first is compared with")
SEEDS = flags.DEFINE_list("seeds", ["0", "1", "2"], "a run of each arm for each")
WORKDIR = flags.DEFINE_string("workdir", "", "the folder of the grid")

COLUMNS = {
    "held-out pass@1": ("eval/pass@1", "{:.3f}"),
    "pass@8": ("eval/pass@8", "{:.3f}"),
    "length, tokens": ("eval/mean_length", "{:.1f}"),
}


def run(arm: str, seed: str, options: list[str]) -> Path:
    """One run, in a process of its own; gives its metrics."""
    grid = Path(WORKDIR.value)
    workdir, first = grid / f"{arm}-{seed}", grid / f"{ARMS.value[0]}-{seed}"
    share = [] if workdir == first else [f"--config.model.init_from={first}"]
    settings = [f"--config.reward={arm}", f"--config.seed={seed}", *share, *options]
    program = [sys.executable, "-m", "experiments.train", f"--config={CONFIG.value}"]
    print(f"{arm}, seed {seed}", flush=True)
    subprocess.run([*program, f"--workdir={workdir}", *settings], check=True)
    return workdir / "metrics.jsonl"


def ends(files: list[Path], name: str) -> Float[np.ndarray, " seeds"]:
    """A number of the last evaluation of each run."""
    evaluations = [[r for r in read_metrics(f) if name in r] for f in files]
    return np.array([rows[-1][name] for rows in evaluations], np.float64)


def table(files: dict[str, list[Path]]) -> str:
    """Markdown: a row an arm, with the mean and Student's 95 % interval over seeds."""
    lines = ["| arm | " + " | ".join(COLUMNS) + " | pass@1 against the first |"]
    lines.append("|---" * (len(COLUMNS) + 2) + "|")
    first = next(iter(files))
    for arm, runs in files.items():
        cells = []
        for name, form in COLUMNS.values():
            mean, low, high = map(form.format, student(ends(runs, name)))
            cells.append(f"{mean} [{low}, {high}]")
        ours, theirs = (ends(x, "eval/pass@1") for x in (runs, files[first]))
        verdict = "" if arm == first else compare(ours, theirs, (arm, first)).verdict
        lines.append(f"| `{arm}` | " + " | ".join(cells) + f" | {verdict} |")
    return "\n".join(lines)


def main(argv: list[str]) -> None:
    """Runs what is not done, then prints the table and draws the picture."""
    if not (CONFIG.value and ARMS.value and WORKDIR.value):
        raise app.UsageError("say --config, --arms and --workdir")
    if unknown := [arm for arm in ARMS.value if arm not in METHODS]:
        sys.exit(f"error: no methods {unknown}; have {', '.join(METHODS)}")
    files: dict[str, list[Path]] = {arm: [] for arm in ARMS.value}
    for seed in SEEDS.value:
        for arm in ARMS.value:
            files[arm].append(run(arm, seed, argv[1:]))
    text = table(files)
    grid = Path(WORKDIR.value)
    (grid / "table.md").write_text(text + "\n")
    learning_curves(files, grid / "learning_curves.png")
    print(text)
    print(f"\nthe table and its curves are {grid}/table.md and learning_curves.png")


if __name__ == "__main__":
    app.run(main)
