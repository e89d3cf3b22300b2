"""Episodes without one of their agents: `solo` and `marginal`, row by row."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
from small import TINY
from test_scorers_words import SMALL

from rewardlab import default_config
from rewardlab.data.batch import Batch
from rewardlab.learning.parallel import DRIVERS
from rewardlab.models import lm
from rewardlab.rollouts import Sampling
from rewardlab.runs.greedy import drawing
from rewardlab.runs.switches import NOTHING_MORE
from rewardlab.tasks import TASKS

PARAMS = lm.init(SMALL, jax.random.key(0))
PROBLEMS, SAMPLES, LENGTH = 3, 4, 24


def verdict(rollout, columns):
    """Made up: ten times the problem's id, one more without the thinker, two more
    without the solver, and the parity of the first token as a half."""
    out = columns.get("absent", jnp.full(PROBLEMS, -1)) + 1
    known = (10 * columns["id"] + out)[rollout.group].astype(jnp.float32)
    return rollout.with_signals(correct=known + rollout.tokens[:, 0] % 2 / 2)


def drawn(read):
    config = default_config("think_solve")
    config.model.update(TINY)
    task = TASKS["think_solve"]._replace(score=verdict)
    case = config, task, DRIVERS["jit"](jax.devices()[:1]), SMALL
    options = Sampling(SAMPLES, LENGTH, (), task.tokenizer.pad_id, 1.0)
    plan = SimpleNamespace(wanted_of=lambda name: read)
    rng = np.random.default_rng(0)
    arrays = {
        "prompts": jnp.asarray(rng.integers(2, 60, (PROBLEMS, 4)), jnp.int32),
        "prompt_mask": jnp.ones((PROBLEMS, 4), bool),
        "id": jnp.arange(PROBLEMS, dtype=jnp.int32),
        "terms": jnp.full((PROBLEMS, 3), 7, jnp.int32),
        "answer": jnp.full(PROBLEMS, 21, jnp.int32),
    }
    draw = drawing(case, options, NOTHING_MORE, plan)
    zero = jnp.zeros((), jnp.int32)
    return draw(PARAMS, Batch(arrays, {}), jax.random.key(1), zero, 1.0)


def test_each_row_is_compared_with_episodes_of_its_problem():
    rollout = drawn({"marginal", "solo"})
    signals = {name: np.asarray(x) for name, x in rollout.signals.items()}
    agent, solo = signals["agent"], signals["solo"]
    assert agent.dtype == np.int32 and set(np.unique(agent)) == {0, 1}
    problem, half = np.divmod(solo - 1, 10)
    np.testing.assert_array_equal(problem, np.asarray(rollout.group))
    own = np.asarray(rollout.tokens)[:, 0] % 2 / 2
    assert set(np.unique(half)) == {0, 0.5} and (half != own).any()
    # own verdict - that without the agent: -1 without the thinker, -2 the solver
    there = signals["marginal_valid"]
    np.testing.assert_array_equal(there, signals["agent_valid"])
    rest = signals["marginal"] + 1 + agent
    assert set(np.unique(rest[there])) == {-0.5, 0.0, 0.5}
    first = there[:, 0]
    want = own - half  # turn 0 is the thinker's
    np.testing.assert_array_equal(rest[first, 0], want[first])


def test_nobody_is_left_out_for_nobody():
    signals = drawn({"agent"}).signals
    assert signals.keys().isdisjoint({"solo", "marginal"})
