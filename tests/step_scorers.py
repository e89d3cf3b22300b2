"""Iterations of scorers that learn, of rollouts that are given, without a policy."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
from test_scorers_words import SETTING, SMALL

from rewardlab.core.types import place
from rewardlab.data.batch import Batch
from rewardlab.learning.parallel import jit_driver
from rewardlab.learning.scoring import scoring
from rewardlab.models import lm
from rewardlab.scorers.given import played
from rewardlab.scorers.plan import Source, plan
from rewardlab.scorers.protocol import Context
from rewardlab.scorers.sentence import scorers_of
from rewardlab.testing import from_arrays

PROMPTS, SAMPLES, TOKENS, STEPS = 4, 3, 6, 4
N = PROMPTS * SAMPLES


def rollout_of(seed=0, **signals):
    """Rows of up to 6 tokens in steps of two; one is empty, one has no outcome."""
    rng = np.random.default_rng(seed)
    length = rng.integers(1, TOKENS + 1, N)
    length[5] = 0
    mask = np.arange(TOKENS) < length[:, None]
    given = {
        "correct": rng.integers(0, 2, N).astype(np.float32),
        "correct_valid": np.arange(N) != 2,
        "prm": rng.random((N, STEPS)).astype(np.float32),
        "step_correct": rng.integers(0, 2, (N, STEPS)).astype(np.float32),
    }
    made = from_arrays(
        mask,
        step=np.where(mask, np.arange(TOKENS) // 2, -1),
        group=np.repeat(np.arange(PROMPTS), SAMPLES),
        logp=np.where(mask, -rng.exponential(size=mask.shape), 0).astype(np.float32),
        **given | signals,
    )
    tokens = np.where(mask, rng.integers(0, 64, mask.shape), 0).astype(np.int32)
    return jax.tree.map(jnp.asarray, dataclasses.replace(made, tokens=tokens))


def there_of(rollout):
    """Which steps have tokens, [N, S]."""
    step = np.asarray(rollout.step)[:, None] == np.arange(STEPS)[:, None]
    return (step & np.asarray(rollout.mask)[:, None]).any(axis=2)


def planned(text, rollout, read):
    """The plan of what is read, and how its scorers are made."""
    sources = [Source("your", s) for s in scorers_of(text, SETTING)]
    names = [n for n in rollout.signals if not n.endswith("_valid")]
    sources.append(Source("the run's", played(names)))
    make = lambda hp: {s.name: s for _, s in sources}  # noqa: E731
    return plan({"the reward reads": [read]}, sources), make


@functools.cache
def context_of(iteration=0):
    """The context of an iteration."""
    params = {
        r: lm.init(SMALL, jax.random.key(i)) for i, r in enumerate(SETTING.models)
    }
    now = jnp.asarray(iteration, jnp.int32)
    return Context(jax.random.key(5 + iteration), now, params, {})


BATCH = Batch({"id": jnp.arange(PROMPTS)}, {})


def asked(text, rollout, read):
    """The rollout with all signals of the first iteration, and the scorers' states."""
    found, _ = planned(text, rollout, read)
    context, states = context_of(), {}
    for scorer in found.scorers:
        if scorer.place != "sample":
            states[scorer.name] = state = scorer.init(context, rollout)
            own = scorer.score(state, context, rollout, BATCH)
            rollout = rollout.with_signals(**own)
    return rollout, states


def slope(text, rollout, read, iteration=0, **state):
    """The last scorer's loss, its count and its gradient in the first iteration.

    `state` are numbers that all weights of a name are replaced by.
    """
    full, states = asked(text, rollout, read)
    scorer = scorers_of(text, SETTING)[-1]
    mine = {k: state.get(k, 0) + x for k, x in states[scorer.name].items()}

    def loss(mine):
        total, _ = scorer.fit.loss(mine, context_of(iteration), full, BATCH, None)
        return total.value, total.count

    (value, count), grad = jax.value_and_grad(loss, has_aux=True)(mine)
    return float(value), float(count), grad


def learnt(text, rollouts, read="contribution"):
    """Of each iteration what is scored, the states before and after, the metrics."""
    found, make = planned(text, rollouts[0], read)
    run = scoring(found, make, jit_driver(jax.devices()[:1]))
    full, _ = asked(text, rollouts[0], read)
    reward = place(jnp.zeros((N, TOKENS)), jnp.zeros((N, TOKENS), bool))
    states, history = run.init(context_of(), full), []
    for i, rollout in enumerate(rollouts):
        context = context_of(i)
        scored, _, _ = run.score(states, context, rollout, BATCH)
        before = jax.tree.map(np.array, states)
        states, means = run.fit(states, context, scored, BATCH, reward)
        states = run.step(states, context, scored)
        history.append((scored, before, jax.tree.map(np.array, states), means))
    return history
