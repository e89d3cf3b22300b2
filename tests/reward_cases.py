"""Rows, labels and a table in the place of a language model, for reward models."""

import functools
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
from test_scorers_words import SETTING

from rewardlab.core.types import Rollout
from rewardlab.data.batch import Batch
from rewardlab.scorers.protocol import Context
from rewardlab.scorers.sentence import scorers_of

PROMPTS, SAMPLES, TOKENS = 4, 3, 6
N = PROMPTS * SAMPLES
EMPTY, UNJUDGED = 5, 7
WIDTH = 8


class Table:
    """A language model that is a table: what it says of a token hangs on that alone."""

    config = SimpleNamespace(width=WIDTH)

    def states(self, params, rollout, after):
        assert after
        return params["states"][rollout.tokens]

    def log_probs(self, params, rollout, temperature):
        logp = jnp.where(rollout.valid, params["logp"][rollout.tokens], 0)
        return SimpleNamespace(logp=logp)


TABLES = SETTING._replace(
    models=dict.fromkeys(("policy", "reference"), Table()), sizes={"B": PROMPTS}
)
WIDE = "trunk=base_trunk(width=8, lr=0.01)"


@functools.cache
def case():
    """Ragged rows, one empty, one whose verdict is unknown (NaN)."""
    rng = np.random.default_rng(3)
    length = rng.integers(2, TOKENS + 1, N)
    length[EMPTY] = 0
    mask = jnp.arange(TOKENS) < length[:, None]
    correct = np.array([1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1], np.float32)
    valid = np.arange(N) != UNJUDGED
    correct[UNJUDGED] = np.nan
    rollout = Rollout(
        prompts=jnp.asarray(rng.integers(0, 64, (PROMPTS, 3)), jnp.int32),
        prompt_mask=jnp.ones((PROMPTS, 3), bool),
        group=jnp.repeat(jnp.arange(PROMPTS, dtype=jnp.int32), SAMPLES),
        tokens=jnp.asarray(rng.integers(2, 12, (N, TOKENS)), jnp.int32),
        mask=mask,
        valid=mask,
        step=jnp.where(mask, 0, -1),
        logp=jnp.zeros((N, TOKENS)),
        signals={
            "correct": jnp.asarray(correct),
            "correct_valid": jnp.asarray(valid),
            "prm": jnp.asarray(rng.random((N, 2)), jnp.float32),
            "prm_valid": jnp.asarray(rng.random((N, 2)) < 0.7),
            "is_answer": 1.0 * mask,
        },
        iteration=jnp.zeros((), jnp.int32),
    )
    params = {
        role: {
            "states": jnp.asarray(rng.normal(size=(64, WIDTH)), jnp.float32),
            "logp": jnp.asarray(-rng.random(64), jnp.float32),
        }
        for role in TABLES.models
    }
    context = Context(jax.random.key(5), jnp.zeros((), jnp.int32), params, {})
    return rollout, context, Batch({"id": jnp.arange(PROMPTS)}, {})


def made(text, setting=TABLES):
    (scorer,) = scorers_of(text, setting)
    return scorer


def head_of(scorer, context=None):
    """A state whose last layer is not 0."""
    rollout, usual, _ = case()
    context = usual if context is None else context
    state = scorer.init(context, rollout)
    keys = iter(jax.random.split(jax.random.key(0), 20))
    drawn = lambda x: 0.2 * jax.random.normal(next(keys), x.shape)  # noqa: E731
    return {**state, "heads": jax.tree.map(drawn, state["heads"])}


def told(scorer, state, rollout=None, **signals):
    """The rollout with what the scorer says of it."""
    usual, context, batch = case()
    rollout = (usual if rollout is None else rollout).with_signals(**signals)
    return rollout.with_signals(**scorer.score(state, context, rollout, batch))


def loss_of(scorer, state, rollout=None, iteration=0):
    _, context, batch = case()
    now = context._replace(iteration=jnp.asarray(iteration))
    return scorer.fit.loss(state, now, told(scorer, state, rollout), batch, None)


def soft(x):
    return np.logaddexp(0, x)


def sigma(x):
    return 1 / (1 + np.exp(-x))
