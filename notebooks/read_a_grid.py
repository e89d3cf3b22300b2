# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Read a results grid
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/rewardlab/rewardlab/blob/main/notebooks/read_a_grid.ipynb)
#
# A grid is a folder of files. This notebook makes a small one, with a model so small that it learns next to
# nothing, and reads it: the files, what may be said of the differences, a swept coefficient, figures, alarms
# and the report. All of it took 163 s of processor time, compiling included. With a grid of your own, leave out
# the cell that makes one and set `folder` to yours.

# %%
import importlib.metadata
import importlib.util
import subprocess
import sys

if not importlib.util.find_spec("rewardlab"):  # as on Colab, whose JAX stays as it is
    kept = [f"{name}=={importlib.metadata.version(name)}" for name in ("jax", "jaxlib")]
    wanted = "rewardlab @ git+https://github.com/rewardlab/rewardlab"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", wanted, *kept], check=True
    )

# %% [markdown]
# ## A small grid
#
# Three rewards, of which one has its limit `eta` at two values, with three seeds: twelve runs. They share
# base policies and compiled programs, so most of them take seconds: 335 s of processor time in all. (The times
# below are of a machine that had much else to do.)

# %%
from rewardlab.launch.grid import main as grid

options = {
    "rollout.num_prompts": 8,
    "train.max_steps": 60,
    "eval.every": 20,
    "mesh.devices": 1,
}
grid(
    ["--config=quickstart", "--arm=grpo", "--arm=process_sum", "--arm=clip_delta"]
    + ["--axis", "hp.eta=0.5,0.9", "--seeds=0,1,2", "--workdir=runs/read_a_grid"]
    + ["--question=Does it matter how step rewards are added up?", "--"]
    + [f"--config.{key}={value}" for key, value in options.items()]
)

# %% [markdown]
# ## The files
#
# `grid.json` is the plan: the command, the commit, the arms, the seeds, a line for each run. A run's folder
# has `run.json` (its state and the hash of its config), `config.json` (the config as it ran) and
# `metrics.jsonl`, a line a step.

# %%
import json
from pathlib import Path

folder = Path("runs/read_a_grid")
plan = json.loads((folder / "grid.json").read_text())
print(plan["config"], "seeds", plan["seeds"], "axes", plan["axes"])
for file in sorted((folder / "grpo-0").iterdir()):
    print(f"grpo-0/{file.name}")
print((folder / "grpo-0/run.json").read_text())

# %%
last = json.loads((folder / "grpo-0/metrics.jsonl").read_text().splitlines()[-1])
for name in ("step", "reward/mean", "rewards/correct/mean", "eval/pass@1", "entropy"):
    print(f"{name:21} {last[name]:.3f}")

# %% [markdown]
# `read_results` reads all of it. A grid that is half done is read too: a run that waits has no rows, one
# that failed has an error.

# %%
from rewardlab.results.reading import read_results

results = read_results(folder)
for run in results.runs:
    row = run.evaluations[-1]
    print(
        f"{run.label:24} seed {run.seed}  {run.state}  step {row['step']}  held-out pass@1 {row['eval/pass@1']:.3f}"
    )

# %% [markdown]
# ## What may be said
#
# The table that the grid printed, with all that is known in `table.csv`. One line of it:

# %%
import csv

from rewardlab.results.tables import markdown, table_of

table = table_of(results)
print(markdown(table))

# %%
with open(folder / "table.csv") as file:
    lines = list(csv.DictReader(file))
for name, value in lines[3].items():
    print(f"{name:26} {value}")

# %% [markdown]
# How these numbers come about:
#
# - **Pairs.** Arms of one seed share their base policy, problems and noise. What they have in common
#   cancels in the difference, which is therefore less noisy than either.
# - **Student's interval.** With three seeds t is 4.3, not 1.96; a bootstrap of three values is far too narrow.
# - **Holm's correction.** Of three comparisons one may look like a difference by chance. `holm_p` is the p
#   value that counts.
# - **Probability of improvement** is the share of pairs of runs, over all seeds, in which the one is better.
#
# By hand:

# %%
import numpy as np

from rewardlab.analysis.resampled import bootstrap, probability_of_improvement
from rewardlab.analysis.statistics import SHARE, compare, holm, seeds_needed

solved = {label: cell["pass@1"] for label, cell in table.numbers.items()}
first, *others = solved
found = [
    compare(solved[x], solved[first], (x, first), SHARE, len(others)) for x in others
]
for label, one, p in zip(others, found, holm(np.array([one.p for one in found]))):
    between = solved[label] - solved[first]
    print(f"{label} - {first}, by seed: {between.round(3)}")
    print(f"    Student's    {one.difference}   bootstrap {bootstrap(between)}")
    print(f"    p = {one.p:.3f}, Holm's {p:.3f}")
    print(
        f"    improvement  {probability_of_improvement(solved[label], solved[first])}"
    )

# %% [markdown]
# "No winner" says how blind it is. With the deviation between seeds found here, that many seeds would be
# needed to see a true difference of so much in four cases of five.

# %%
deviation = np.std(solved[others[-1]] - solved[first], ddof=1)
for difference in (0.2, 0.1, 0.05, 0.02):
    print(f"a difference of {difference}: {seeds_needed(difference, deviation)} seeds")

# %% [markdown]
# ## The swept coefficient
#
# A table over the values of each axis, a row an arm.

# %%
from rewardlab.results.sweeps import over, sweeps

for sweep in sweeps(results, table):
    print(over(sweep, table))

# %% [markdown]
# ## Alarms
#
# What the metrics of each run say went wrong, and since which step. An alarm is no verdict; it says where
# to look. `saturation`, for one, says that a limit acts on all rewards or on none, so that other values of it
# might change nothing.

# %%
from rewardlab.runs.alarms import alarms_of

for run in results.runs:
    if run.seed == 0:
        for alarm in alarms_of(run.rows):
            print(f"{run.label}, step {alarm.step}: {alarm.name}: {alarm.said}")

# %% [markdown]
# ## The report
#
# One page with all of it, which needs no other file: send it to a co-author. In a terminal it is
# `rewardlab report runs/read_a_grid`. Beside it lie the table as CSV and LaTeX, and the figures as PDF, SVG
# and PNG.

# %%
import rewardlab

page = rewardlab.report(folder)
for file in sorted(page.parent.rglob("*.*")):
    print(file, f"{file.stat().st_size / 1000:.0f} kB")

# %%
from IPython.display import Image, display

for name in ("curves", "last", "sweep_hp_eta"):
    display(Image(str(page.parent / "figures" / f"{name}.png")))
