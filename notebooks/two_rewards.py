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
# # Train and compare two rewards in five minutes
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/rewardlab/rewardlab/blob/main/notebooks/two_rewards.ipynb)
#
# A small language model writes out sums in steps, `3+4+5=` → `3+4=7;7+5=12;#12`. Besides the verdict on its
# answer, `correct`, there is a process reward, `prm`: 0.9 for each step that holds by itself, 0.1 for each
# that does not. Does it matter how the two are put together? Two sentences, three seeds each, a table with
# intervals, and a look at what the policies write.

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
# ## Two rewards
#
# A reward is a sentence. The first adds up what the steps are paid. The second (Clip and Delta,
# [arXiv 2410.15115](https://arxiv.org/abs/2410.15115)) pays for how a step compares with the next one, so
# that more good steps pay nothing.

# %%
import rewardlab

for arm in ("process_sum", "clip_delta"):
    print(f"{arm:12} {rewardlab.METHODS[arm].reward}")

# %% [markdown]
# ## A grid
#
# Arms × seeds. Arms of a seed begin with the same base policy and see the same problems with the same
# noise of sampling, so they are compared pair by pair. Batches and training are a quarter as long as the quick
# start's: all six runs, compiling and warm-up included, took 296 s of processor time, which two idle cores share.
# (The machine had much else to do, so the times below are longer.)
#
# The cell does what `rewardlab grid --config=quickstart --arm=process_sum --arm=clip_delta ...` does in a
# terminal. Run it again and it takes seconds: what is done is not done twice.

# %%
from rewardlab.launch.grid import main as grid

options = {
    "rollout.num_prompts": 8,
    "train.max_steps": 100,
    "eval.every": 20,
    "mesh.devices": 1,
}
grid(
    ["--config=quickstart", "--arm=process_sum", "--arm=clip_delta", "--seeds=0,1,2"]
    + ["--workdir=runs/two_rewards", "--"]
    + [f"--config.{key}={value}" for key, value in options.items()]
)

# %% [markdown]
# ## What may be said
#
# Held-out problems, after training. A mean over three seeds has Student's interval, which is wide, as it
# should be; an arm is named the winner only where the interval of the differences between seeds excludes zero.

# %%
from IPython.display import Image, Markdown, display

display(Markdown(filename="runs/two_rewards/table.md"))
display(Image("runs/two_rewards/learning_curves.png"))

# %% [markdown]
# `clip_delta` is higher, and three seeds are enough to say so: it ends at 0.868 and `process_sum` at 0.001, and the
# interval of the differences is far from zero. Between arms that lie closer three seeds see little; the notebook on
# [reading a grid](read_a_grid.ipynb) shows how to tell.
#
# What can be seen without any statistics is in the first two panels. The number that `process_sum` is trained
# on goes up all the time while the share that is right falls to nothing: its own reward curve warns of nothing.
# The truth must be measured beside it.
#
# ## What they write
#
# Completions of the last step, one character a token. Blue tokens are made likelier, red ones less likely,
# by as much as they are deep.

# %%
import matplotlib.pyplot as plt
import numpy as np

from rewardlab.show import read_step


def draw(axis, arm, rows=8):
    """The first completions of a run's last step, each token on its advantage."""
    step = read_step(f"runs/two_rewards/{arm}-0")
    shown = np.full((rows, 32), np.nan)  # as many tokens as a completion may have
    lines = step.lines[:rows]
    for n, line in enumerate(lines):
        for t, (text, paid) in enumerate(zip(line["texts"], line["advantage"])):
            shown[n, t] = paid
            axis.text(t, n, text, ha="center", va="center", family="monospace")
    peak = max(step.peak, 1e-9)
    axis.imshow(shown, cmap="RdBu", vmin=-2 * peak, vmax=2 * peak, aspect="auto")
    names = [f"{row.mark} {line['prompt']}" for row, line in zip(step.rows, lines)]
    axis.set_yticks(range(len(names)), names, family="monospace")
    axis.set_xticks([])
    axis.set_title(f"{arm}, step {step.step}", loc="left")


figure, axes = plt.subplots(2, 1, figsize=(9, 5))
for axis, arm in zip(axes, ("process_sum", "clip_delta")):
    draw(axis, arm)
figure.tight_layout()

# %% [markdown]
# `process_sum` is paid for steps, so it writes steps: it has found that `0+0=0` always holds, repeats it up to the
# limit of 32 tokens and never gets to an answer. `clip_delta` writes solutions. In the group that is shown all are
# right and alike, so there is nothing to learn from it: every advantage is zero.
#
# So what would you run next? The question that a reviewer asks: is `clip_delta` any better than the outcome
# alone? Add `--arm=grpo` and more seeds, and give all arms one loss, as in
# `--config.loss="clipped(epsilon=0.2) | token_mean()"`, because the row `grpo` brings a KL of its own. With
# `--config=quickstart` as it comes (twice the rows, 240 steps) five seeds say: it is not, on this task
# ([RESULTS](../experiments/RESULTS.md#a-hackable-process-reward)).
