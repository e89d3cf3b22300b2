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
# # Write your own transform, check it and audit it
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/rewardlab/rewardlab/blob/main/notebooks/your_own_word.ipynb)
#
# A reward shaping of your own in five lines, the laws that it keeps, and how far its gradient is from the true
# one. Nothing is trained.

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
# The words are read from left to right: what each step is paid, its root, the sum from each token on, less the
# mean of the group ([what they do to a rollout](shapings.ipynb)). A module of words would be named in
# `--config.words`; in a notebook they are handed over.

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
# ## Does it teach the right thing?
#
# Laws do not say. `audit` puts a sentence on a decision process of four turns that is so small that every
# episode can be listed: the gradient of the chance of success and the advantage Q - V of every action are known
# exactly, and the sentence's gradient and credit are set beside them. `rloo` has no bias and stands beside ours.

# %%
from rewardlab.audits.table import table

with rewardlab.words_at_hand({"root": root}):
    print(table([rewardlab.audit("rloo"), rewardlab.audit(SENTENCE)]))

# %% [markdown]
# What to read there, first of all:
#
# - **bias**: with more and more rows `rloo` comes to point where the true gradient points. Ours never does: a
#   sine of 0.471 is an angle of 28°.
# - **variance** and **SNR**: it is steadier, though. One batch's gradient has half the variance, so that with 32
#   batches (*at budget*) both point about equally well.
# - The second table: turn 0 decides nothing, and ours pays it nearly as much as the fork in turn 3.
# - **optimum**: the policy that is best for our sentence is best in truth too.
#
# `rewardlab audit` prints the same in a terminal, and other worlds are named there ([the lab's
# page](../docs/lab.md#audit)).
#
# ## In a run
#
# The same sentence trains: `rewardlab.train(cfg, "runs/root", reward=mine, words={"root": root})`.
