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
# A grid leaves a folder for each run. This notebook makes a small one, two rewards with three seeds, and
# reads it: which runs there are, what may be said of their difference, what the policies learned to
# write, and the report that one sends to a co-author.

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
# The process reward pays a right step more than a wrong one. `sum` adds up what its steps were paid,
# `grpo` is paid for the answer alone. Runs that are complete are not done again.

# %%
from rewardlab.launch.grid import main as grid

SUM = "process('prm') | returns_to_go() | center_by_group()"
options = "rollout.num_prompts=8 train.max_steps=60 warmup.steps=300 eval.every=20 mesh.devices=1"
grid(
    ["--config=quickstart", "--arm=grpo", f"--arm=sum={SUM}", "--seeds=0,1,2"]
    + ["--jobs=2", "--workdir=runs/read_a_grid", "--"]
    + [f"--config.{option}" for option in options.split()]
)

# %% [markdown]
# ## Which runs there are
#
# A grid that is half done can be read too: a run that waits has no rows, one that failed has an error.

# %%
from rewardlab.results.reading import read_results

results = read_results("runs/read_a_grid")
for run in results.runs:
    row = run.evaluations[-1]
    said = f"step {row['step']}: {row['eval/pass@1']:.3f}"
    print(f"{run.label:5} seed {run.seed}  {run.state}  held-out pass@1 at {said}")

# %% [markdown]
# ## What may be said
#
# Three seeds, so intervals are Student's. Runs of one seed share problems and sampling noise: what they
# have in common cancels in their difference, and that is the number to look at. No winner is named while
# zero lies inside the interval.

# %%
import numpy as np

from rewardlab.analysis.statistics import SHARE, compare, student


solved = {
    arm: np.array([run.evaluations[-1]["eval/pass@1"] for run in runs.values()])
    for arm, runs in results.cells.items()
}
for arm, values in solved.items():
    print(f"{arm:5}", values.round(3), student(values, within=SHARE))
print(compare(solved["sum"], solved["grpo"], ("sum", "grpo"), SHARE).verdict)

# %% [markdown]
# ## What is paid and what is true
#
# Both rewards go up. Look at the truth beside them: a reward that goes up while accuracy goes down is
# being exploited.

# %%
from matplotlib import pyplot

figure, (paid, true) = pyplot.subplots(1, 2, figsize=(9, 3))
for arm, colour in zip(results.cells, ("#0072B2", "#D55E00"), strict=True):
    for run in results.cells[arm].values():
        rows = [row for row in run.rows if row["step"]]
        steps = [row["step"] for row in rows]
        paid.plot(steps, [row["reward/mean"] for row in rows], color=colour, lw=1)
        share = [row["rewards/correct/mean"] for row in rows]
        true.plot(steps, share, color=colour, lw=1, label=arm if not run.seed else None)
paid.set(title="trained on", xlabel="step")
true.set(title="truly right", xlabel="step", ylim=(0, 1))
legend = true.legend(frameon=False)

# %% [markdown]
# ## What the policies write
#
# The completion that says most is the wrong one that is paid best: the policy will write more of it.

# %%
from rewardlab.show import read_step
from rewardlab.show.report.extremes import extremes

for arm, runs in results.cells.items():
    step = read_step(runs[0].folder)
    for kind, (_, row) in extremes([(step, row) for row in step.rows]).items():
        prompt = step.lines[row.row]["prompt"]
        print(f"{arm:5} {kind:19} {row.reward:6.2f}  {row.mark} {prompt}{row.text}")

# %% [markdown]
# ## The report
#
# One page with all of it: the table, curves, coloured completions, configs, the command. It needs no
# other file: send it. In a terminal: `rewardlab report runs/read_a_grid --question="..."`.

# %%
import rewardlab

page = rewardlab.report("runs/read_a_grid", question="Does summing step rewards help?")
print(page, f"{page.stat().st_size // 1000} kB")
