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
# # Bring your own model, data and reward
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/rewardlab/rewardlab/blob/main/notebooks/model_and_data.ipynb)
#
# A JSONL file and a Python function are all that a run needs, and a Hugging Face folder if the model is to
# be yours. To be quick on a CPU, the model here is a small untrained one of one layer, whose tokens are
# characters. With `cfg.model.name = "path/of/a/folder"` it is the one in that folder, which takes
# `pip install 'rewardlab[hf]'`; all else stays as it is here.

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
# ## Data: a line of JSON for each problem
#
# A `prompt` and any other columns. Columns come to your reward by their names.

# %%
import json
import random
from pathlib import Path

random.seed(0)
folder = Path("runs/model_and_data")
folder.mkdir(parents=True, exist_ok=True)
words = ["red", "blue", "green", "grey", "pink"]
with open(folder / "problems.jsonl", "w") as file:
    for _ in range(400):
        asked = random.sample(words, 2)
        line = {"prompt": f"first of {asked[0]} {asked[1]}:", "answer": asked[0]}
        line["shown"] = random.choice(asked)
        file.write(json.dumps(line) + "\n")

# %% [markdown]
# ## Reward: a function in TRL's signature
#
# Lists in, a list out; `None` where it has no opinion. One that is called `correct` is what pass@k
# counts.


# %%
def correct(completions, answer, **columns):
    """Whether the answer is what was said, and nothing else."""
    return [float(said.strip() == right) for said, right in zip(completions, answer)]


def begins(completions, answer, **columns):
    """The share of the answer's letters that stand where they should."""
    return [
        sum(a == b for a, b in zip(said.strip(), right)) / len(right)
        for said, right in zip(completions, answer)
    ]


print(
    correct(["red", "red blue"], answer=["red", "red"]), begins(["rat"], answer=["red"])
)

# %% [markdown]
# ## The run
#
# An untrained policy writes nothing that could be rewarded, so it first imitates a column of the data,
# `data.demonstrations`, for `warmup.steps`. A model from a folder needs no warm-up and is read with its own
# tokenizer; `cfg.data.format = "chat"` then takes messages and uses its chat template.

# %%
import rewardlab

cfg = rewardlab.default_config("data")
cfg.data.update(
    {"path": str(folder / "problems.jsonl"), "held_out": 0.2, "demonstrations": "shown"}
)
cfg.model.update({"num_layers": 1, "width": 64, "num_heads": 2, "ffn": 128})
cfg.warmup.steps = 300
cfg.rollout.update({"num_prompts": 8, "max_completion_length": 8})
cfg.eval.update({"num_problems": 32, "every": 20})
cfg.optim.lr = 1e-3
cfg.train.max_steps = 60
reward = "outcome('correct') | outcome('begins') | weighted_sum(correct=1, begins=1)"
reward += " | center_by_group() | scale_by_group_std() | broadcast_to_tokens()"
result = rewardlab.train(cfg, folder / "run", reward=reward, scorers=[correct, begins])

# %%
for name, after in result.after.items():
    print(f"{name}: {result.before[name]} before, {after} after")

# %% [markdown]
# Half of the demonstrations were of the wrong word, so the base says either; which of the two is right
# it learned from the reward.
#
# ## Out again
#
# `rewardlab export runs/model_and_data/run --to my_model` writes a Hugging Face folder where the policy
# came from one.
