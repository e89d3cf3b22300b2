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
# # A sentence trains a small language model
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/rewardlab/rewardlab/blob/main/notebooks/quickstart.ipynb)
#
# The whole pipeline in ten lines. No accelerator is needed: a language model of two layers learns to
# do sums, in three or four minutes on two CPU cores.

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
# ## A method is a sentence
#
# It can be built, described and run on any rollout; here with `tau` = 0.2 in place of its own 0.1. Unknown
# names fail before anything is compiled.

# %%
import rewardlab

pure = rewardlab.resolve("pure", tau=0.2)
print(rewardlab.describe(pure))
print("reads", ", ".join(rewardlab.METHODS["pure"].reads))

# %% [markdown]
# ## A run is a config
#
# `cfg.update` refuses keys that do not exist. The model is first warmed up on demonstrations with
# mistakes in them, then it learns from its own samples and the reward alone.

# %%
cfg = rewardlab.load_config("quickstart")
cfg.update({"reward": "pure", "train": {"max_steps": 100}})
cfg.update({"warmup": {"steps": 400}})
result = rewardlab.train(cfg, "runs/notebook")

# %% [markdown]
# ## What came of it
#
# Shares of held-out problems that are solved, with Wilson's 95 % interval over the problems. One seed
# says nothing about whether a method is better than another: `rewardlab grid` runs several
# ([two rewards](two_rewards.ipynb)).

# %%
for name, after in result.after.items():
    print(f"{name}: {result.before[name]} before, {after} after")

# %%
from IPython.display import Image

Image(str(result.workdir / "learning_curves.png"))

# %% [markdown]
# One of its completions, and what every word of the sentence made of each step: hover over a token to see
# what it was paid. (GitHub leaves this page out; Jupyter and Colab show it.)

# %%
import html

from IPython.display import HTML

from rewardlab.show import page, read_episode

episode = page(read_episode(str(result.workdir), None, 0))
HTML(
    f'<div><iframe srcdoc="{html.escape(episode)}" width="100%" height="520" style="border:0"></iframe></div>'
)
