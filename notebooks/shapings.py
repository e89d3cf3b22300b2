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
# # What each shaping does to one rollout
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/rewardlab/rewardlab/blob/main/notebooks/shapings.ipynb)
#
# Four completions of one prompt, and what six sentences pay their tokens. Nothing is trained here:
# a sentence is a function from signals to advantages, and that function is all there is to look at.

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

# %%
import jax.numpy as jnp
import numpy as np

import rewardlab

# %% [markdown]
# ## The rollout
#
# A `Rollout` is arrays. Four completions of twelve tokens, in four steps of three tokens each. The
# first and the third are right. `prm` is what a process reward model says of each step: it likes the
# fourth completion, which repeats what is true and never gets to an answer.

# %%
ROWS, TOKENS, PER_STEP = 4, 12, 3
NAMES = [
    "right, one bad step",
    "wrong, good until the end",
    "right",
    "wrong, says little, well",
]
correct = jnp.array([1.0, 0.0, 1.0, 0.0])
prm = jnp.array(
    [
        [0.9, 0.2, 0.8, 0.9],
        [0.9, 0.9, 0.8, 0.1],
        [0.8, 0.9, 0.9, 0.9],
        [0.95, 0.95, 0.95, 0.95],
    ]
)
rollout = rewardlab.Rollout(
    prompts=jnp.zeros((1, 1), jnp.int32),
    prompt_mask=jnp.ones((1, 1), bool),
    group=jnp.zeros(ROWS, jnp.int32),
    tokens=jnp.zeros((ROWS, TOKENS), jnp.int32),
    mask=jnp.ones((ROWS, TOKENS), bool),
    valid=jnp.ones((ROWS, TOKENS), bool),
    step=jnp.tile(jnp.arange(TOKENS, dtype=jnp.int32) // PER_STEP, (ROWS, 1)),
    logp=jnp.full((ROWS, TOKENS), -0.5),
    signals={"correct": correct, "prm": prm},
    iteration=jnp.zeros((), jnp.int32),
)

# %% [markdown]
# ## Six sentences

# %%
SENTENCES = {
    "outcome": "outcome('correct') | center_by_group() | broadcast_to_tokens()",
    "sum of steps": "process('prm') | returns_to_go() | center_by_group()",
    "clip": "process('prm') | clip_reward(eta=0.9) | returns_to_go() | center_by_group()",
    "delta": "process('prm') | delta() | returns_to_go() | center_by_group()",
    "clip and delta": "process('prm') | clip_reward(eta=0.9) | delta() | outcome('correct')"
    " | weighted_sum(prm=1, correct=1) | returns_to_go() | center_by_group()",
    "the least step (PURE)": "pure",
}


def advantages(sentence, rollout=rollout):
    """[N, T]: what the policy gradient multiplies each token's log-probability by."""
    advantage = rewardlab.estimator(rewardlab.resolve(sentence))
    return np.asarray(advantage.update({}, advantage.init(rollout), rollout)[0])


found = {name: advantages(sentence) for name, sentence in SENTENCES.items()}

# %%
import matplotlib.pyplot as plt


def draw(found):
    """A strip for each sentence: its rows are completions, its columns tokens."""
    figure, axes = plt.subplots(
        len(found),
        1,
        figsize=(8.5, 0.55 + 1.35 * len(found)),
        sharex=True,
        squeeze=False,
    )
    for axis, (name, advantage) in zip(axes[:, 0], found.items()):
        peak = np.abs(advantage).max() or 1.0
        axis.imshow(advantage, cmap="RdBu", vmin=-peak, vmax=peak, aspect="auto")
        axis.set_title(f"{name}: at most {peak:.2f}", loc="left", fontsize=10)
        axis.set_yticks(range(ROWS), NAMES, fontsize=8)
        for edge in range(PER_STEP, TOKENS, PER_STEP):
            axis.axvline(edge - 0.5, color="white", linewidth=2)
    axes[-1, 0].set_xticks(range(TOKENS))
    axes[-1, 0].set_xlabel(
        "token; blue is made likelier, red less likely, by as much as it is deep"
    )
    figure.tight_layout()


draw(found)

# %% [markdown]
# What to see:
#
# - **outcome** pays every token of a row the same: it cannot tell the bad step of the first row.
# - **sum of steps** puts the fourth row first, though it is wrong: many steps that look right are worth
#   more than an answer. This is the reward that gets hacked.
# - **clip** takes `eta` off and cuts what is left at zero, so a step can only cost what it lacks. Rows with
#   fewer steps lose less: on its own it pays for saying little.
# - **delta** pays a step for being better than the one after it. A row's sum telescopes: repeating a good
#   step earns nothing.
# - **clip and delta** with the outcome ranks rows by the answer and puts blame on the step that fell.
# - **PURE** looks at the worst step to come: the future of a row is as good as its weakest point.
#
# ## One word at a time
#
# `trace` gives what each word of a sentence leaves behind; here for the first completion, at the last token
# of each of its steps. A dot is no reward, which is not the same as a reward of 0.

# %%
from rewardlab.core.stages import trace, words

sentence = rewardlab.resolve(SENTENCES["clip and delta"])
stages = trace(sentence)({}, sentence.init(rollout), rollout)
for word, channels in zip(words(sentence), stages):
    for name, reward in channels.items():
        paid = np.where(reward.placed, np.asarray(reward.value), np.nan)[0]
        ends = paid[PER_STEP - 1 :: PER_STEP]
        told = "  ".join("    ·" if np.isnan(x) else f"{x:5.2f}" for x in ends)
        print(f"{word[:34]:34} {name:8} {told}")

# %% [markdown]
# ## One coefficient
#
# What the first step of each completion is worth under `clip`, for limits from 0.3 to 1.

# %%
figure, axis = plt.subplots(figsize=(6, 2.8))
etas = np.linspace(0.3, 1.0, 15)
for row, name in enumerate(NAMES):
    of = [
        advantages(SENTENCES["clip"].replace("0.9", f"{eta:.3f}"))[row, 0]
        for eta in etas
    ]
    axis.plot(etas, of, label=name)
axis.axhline(0, color="0.6", linewidth=0.8)
axis.set_xlabel("eta of clip_reward")
axis.set_ylabel("advantage of the first step")
axis.legend(fontsize=8, frameon=False)
figure.tight_layout()

# %% [markdown]
# ## Move it yourself
#
# In Jupyter or Colab this cell has handles (on the web it shows nothing): choose a sentence, and move
# the limit of `clip_reward`, the score of the second step of the first completion, and whether its answer is right.

# %%
import ipywidgets


def move(sentence="clip and delta", eta=0.9, second_step=0.2, right=True):
    said = {"correct": correct.at[0].set(right), "prm": prm.at[0, 1].set(second_step)}
    limit = SENTENCES[sentence].replace("eta=0.9", f"eta={eta}")
    draw({sentence: advantages(limit, rollout.replace(signals=said))})
    plt.show()


handles = ipywidgets.interact(
    move,
    sentence=list(SENTENCES),
    eta=(0.3, 1.0, 0.05),
    second_step=(0.0, 1.0, 0.05),
)
