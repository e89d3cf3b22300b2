"""Completions as text, and what a scorer makes of them."""

import string

import jax
import jax.numpy as jnp
import numpy as np

from rewardlab.core.types import Rollout
from rewardlab.data.batch import Batch
from rewardlab.scorers.protocol import Context, Setting
from rewardlab.text.tokenizers import CharTokenizer

TOKENIZER = CharTokenizer(string.printable)
SETTING = Setting({}, TOKENIZER, {})


def written(texts, group=None):
    """Rows of these texts, each with its end."""
    ids = [[*TOKENIZER.encode(text), TOKENIZER.eos_ids[0]] for text in texts]
    width = max(map(len, ids))
    valid = np.arange(width) < np.array([[len(row)] for row in ids])
    tokens = np.array([row + [0] * (width - len(row)) for row in ids])
    group = np.zeros(len(ids), int) if group is None else np.array(group)
    prompts = np.array([TOKENIZER.encode("q")] * (group.max() + 1))
    return Rollout(
        prompts=jnp.asarray(prompts, jnp.int32),
        prompt_mask=jnp.ones(prompts.shape, bool),
        group=jnp.asarray(group, jnp.int32),
        tokens=jnp.asarray(tokens, jnp.int32),
        mask=jnp.asarray(valid),
        valid=jnp.asarray(valid),
        step=jnp.where(valid, 0, -1),
        logp=jnp.zeros(tokens.shape),
        signals={},
        iteration=jnp.zeros((), jnp.int32),
    )


def made(maker, rollout, iteration=0, **facts):
    """What a scorer gives, as numpy."""
    groups, rows = rollout.prompts.shape[0], rollout.tokens.shape[0]
    scorer = maker(SETTING._replace(sizes={"N": rows, "B": groups}))
    arrays = {"prompts": rollout.prompts, "prompt_mask": rollout.prompt_mask}
    context = Context(jax.random.key(0), jnp.asarray(iteration), {}, {})
    found = scorer.score((), context, rollout, Batch(arrays, facts))
    assert set(found) == set(scorer.provides)
    return {name: np.asarray(x) for name, x in found.items()}
