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
# Does a process reward help? Two rewards, two seeds, one table with intervals. Two seeds are too few
# to say more than "this is broken", which is what the table will say of one of them.

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
# A grid is arms times seeds. Arms of a seed begin from the same base policy and draw the same problems,
# so they are compared pair by pair. What is complete is not done again: run the cell twice and it is
# quick. In a terminal the same is `rewardlab grid --config=quickstart --arm=... --seeds=0,1`.

# %%
from rewardlab.launch.grid import main as grid

SUM = "process('prm') | returns_to_go() | center_by_group()"
options = "rollout.num_prompts=8 train.max_steps=80 warmup.steps=300 eval.every=40 mesh.devices=1"
grid(
    ["--config=quickstart", "--arm=grpo", f"--arm=sum={SUM}", "--seeds=0,1", "--jobs=2"]
    + ["--workdir=runs/two_rewards", "--"]
    + [f"--config.{option}" for option in options.split()]
)

# %%
from IPython.display import Image

Image("runs/two_rewards/learning_curves.png")

# %% [markdown]
# The sum's own reward goes up and the truth goes down: it is paid for steps, so it writes steps. Look at
# one of its last completions: every step is right, and there is no answer.

# %%
import json
from pathlib import Path

last = sorted(Path("runs/two_rewards/sum-0/completions").glob("*.jsonl"))[-1]
for line in last.read_text().splitlines()[:4]:
    row = json.loads(line)
    print(
        f"reward {row['reward']:5.2f}  right {row['signals']['correct']:.0f}  {row['prompt']}{row['completion']}"
    )
