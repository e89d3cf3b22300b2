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
# # Write your own transform and check it
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/rewardlab/rewardlab/blob/main/notebooks/your_own_word.ipynb)
#
# A reward shaping of your own in five lines, and the laws that it keeps. Nothing is trained.

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
# ## The word
#
# A word is a function that gives a transform. `per_channel` makes one of a function of a reward
# `[N, T]` and the rollout. This one takes the square root of what is paid, with its sign: large rewards
# are worth less than they say.

# %%
import jax.numpy as jnp

import rewardlab


def root(power: float = 0.5):
    """sign(r) |r|^power: r = 4, power = 0.5 -> 2"""

    def shape(reward, rollout):
        return reward.with_value(
            jnp.sign(reward.value) * jnp.abs(reward.value) ** power
        )

    return rewardlab.per_channel(shape)


# %% [markdown]
# ## In a sentence
#
# A module of words would be named in `--config.words`; in a notebook they are handed over.

# %%
SENTENCE = "process('prm') | root(power=0.5) | returns_to_go() | center_by_group()"
with rewardlab.words_at_hand({"root": root}):
    mine = rewardlab.resolve(SENTENCE)
print(rewardlab.describe(mine))

# %% [markdown]
# ## Which laws does it keep?
#
# `check` runs it on made-up rollouts: ragged rows, environment tokens, groups of one, rows without a
# verdict. What must hold for every reward (no NaN, nothing outside the mask, the order of rows does not
# matter, ...) and what may (scaling the reward changes nothing, ...) are told apart.

# %%
with rewardlab.words_at_hand({"root": root}):
    print(rewardlab.check(SENTENCE))

# %% [markdown]
# A word with a mistake in it. It divides by the spread of the batch, and one day all rewards of a batch
# are equal.


# %%
def careless():
    """r / (standard deviation of the rows' rewards)"""

    def shape(reward, rollout):
        rows = jnp.sum(jnp.where(reward.placed, reward.value, 0), axis=1)
        return reward.with_value(reward.value / jnp.std(rows))

    return rewardlab.per_channel(shape)


with rewardlab.words_at_hand({"careless": careless}):
    found = rewardlab.check("outcome('correct') | careless() | broadcast_to_tokens()")
print("passed" if found.passed else "refused")
for law, finding in found.findings.items():
    if finding.broken:
        print(f"{law}: {finding.why}")

# %% [markdown]
# ## In a run
#
# The same sentence trains: `rewardlab.train(cfg, "runs/root", reward=mine, words={"root": root})`.
