"""Every row of METHODS trains: three iterations on the embedded task.

Rollouts are the task's own, sampled by a model of one layer and scored by one compiled
program; signals that it does not make are made up. Steps of equal loss and aggregation
share a program.
"""

import dataclasses
import functools
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from rewardlab import METHODS, default_config, estimator
from rewardlab.builders import build_objective
from rewardlab.learner import gradient_step
from rewardlab.models import lm
from rewardlab.prepare import prepare
from rewardlab.signals import made
from rewardlab.tasks.columns import take

PROMPTS, SAMPLES, STEPS = 4, 4, 3
SMALL = {"num_layers": 1, "width": 32, "num_heads": 2, "num_kv_heads": 2, "ffn": 64}


@functools.cache
def setting():
    """The task's rollouts, the policy and its first parameters."""
    config = default_config()
    config.update(
        {
            "rollout": {"num_prompts": PROMPTS, "num_generations": SAMPLES},
            "eval": {"num_generations": SAMPLES, "num_problems": PROMPTS},
            "task": {"difficulty": {"train": 64}},
            "mesh": {"devices": 1},
        }
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(lm.CONFIGS, "S", dataclasses.replace(lm.CONFIGS["S"], **SMALL))
        run = prepare(config, Path())
    params = run.driver.replicate(lm.init(run.program.model, jax.random.key(0)))
    columns = take(run.problems, np.arange(PROMPTS))
    return config, run.program, params, columns


@functools.cache
def stepper(surrogate, aggregation):
    """The compiled gradient step of a loss; `method` is any row that goes with it."""
    config, program, _, _ = setting()
    name = next(
        n
        for n, m in METHODS.items()
        if (m.surrogate, m.aggregation) == (surrogate, aggregation)
    )
    own = config.copy_and_resolve_references()
    own.reward = name
    optimizer = optax.sgd(0.05)
    step = gradient_step(program.policy, build_objective(own), optimizer)
    return optimizer, jax.jit(step)


@functools.cache
def made_up(i, shape):
    """Every signal there is, for the rollout of iteration i."""
    signals = made(np.random.default_rng(i), *shape, 4)
    return {name: jnp.asarray(x) for name, x in signals.items()}


@pytest.mark.parametrize("name", METHODS)
def test_a_row_trains(name):
    """Advantages are finite and not all 0, and every step moves the parameters."""
    _, program, params, columns = setting()
    method = METHODS[name]
    optimizer, step = stepper(method.surrogate, method.aggregation)
    closed = estimator(method.build())
    update, opt, state, felt = jax.jit(closed.update), optimizer.init(params), None, 0.0
    for i in range(STEPS):
        rollout = program.evaluate(
            params, columns, jax.random.key(0), jnp.asarray(i, jnp.int32)
        )
        rollout = rollout.with_signals(**made_up(i, rollout.mask.shape))
        state = closed.init(rollout) if state is None else state
        advantage, state = update({}, state, rollout)
        felt += float(jnp.sum(jnp.abs(advantage)))
        before = params
        params, opt, sums, _ = step(params, opt, rollout, advantage)
        assert np.isfinite(sums["loss"].mean()) and sums["skipped"].mean() == 0, i
    assert felt > 0 and np.isfinite(felt)
    moved = optax.tree.norm(jax.tree.map(lambda a, b: a - b, params, before))
    assert float(moved) > 0 or not jnp.any(advantage)
