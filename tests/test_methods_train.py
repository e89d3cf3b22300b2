"""Rows train on what a run makes; made-up signals stand in for what nobody makes yet.

Rollouts are those of a task's own iterations, sampled by a model of one layer, with
every signal that the sampler and the task make. Only signals that the row reads and no
task makes (`makers.missing`, in docs/methods.md) are made up. Steps of equal losses
share a program.
"""

import functools
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from small import TINY

from rewardlab import METHODS, default_config, estimator
from rewardlab.core.signals import SIGNALS, made
from rewardlab.learning.learner import gradient_step
from rewardlab.models import lm
from rewardlab.runs.builders import build_objective, select_of
from rewardlab.runs.prepare import prepare
from rewardlab.scorers.makers import SAMPLER, made_on, missing, reads_of, tasks_for
from rewardlab.selection import select_rows
from rewardlab.show.catalogue import loss_text
from rewardlab.tasks import TASKS

PROMPTS, SAMPLES, STEPS = 4, 4, 3
READS_ALL = {
    "arithmetic": "outcome('correct') | center_by_group() | broadcast_to_tokens()"
    " | keep_high_entropy(share=0.5) | truncated_importance(max_weight=2.0)",
    "search": "outcome('correct') | process('belief') | weighted_sum(correct=1,"
    " belief=1) | returns_to_go() | center_by_group()"
    " | truncated_importance(max_weight=2.0)",
}


def home(name):
    """The task on which a row trains: the first that makes all that it reads."""
    return (tasks_for(reads_of(METHODS[name])) or ["arithmetic"])[0]


def settings(task):
    """A config of a few prompts whose reward reads all that the sampler can make."""
    config = default_config(task)
    config.update(
        {
            "reward": READS_ALL["arithmetic" if task == "arithmetic" else "search"],
            "model": TINY,
            "rollout": {"num_prompts": PROMPTS, "num_generations": SAMPLES},
            "eval": {"num_generations": SAMPLES, "num_problems": PROMPTS},
            "task": {"difficulty": {"train": 64}},
            "mesh": {"devices": 1},
            "scorers": "critic()",
            "loss": "clipped() | kl(0.01) | token_mean()",
        }
    )
    return config


@functools.cache
def lived(task):
    """The config, the policy, its first parameters and the rollouts of iterations."""
    config = settings(task)
    run = prepare(config, Path())
    base = run.driver.replicate(lm.init(run.program.model, jax.random.key(0)))
    batch, hp = run.problems.take(np.arange(PROMPTS)).on_device, run.program.hp
    shapes = run.program.shapes(base, batch, hp)
    state, rollouts = run.program.init(base, shapes, run.key, hp), []
    for i in range(STEPS):
        step = jnp.asarray(i, jnp.int32)
        case = (state, base, batch, run.key, step, hp)
        state, _, rollout = run.program.iterate(*case)
        rollouts.append(rollout)
    return config, run.program.policy, base, rollouts


@functools.cache
def stepper(task, loss):
    """The compiled gradient step of a loss, of any row that goes with it."""
    config, policy, *_ = lived(task)
    own = config.copy_and_resolve_references()
    own.reward = next(n for n in METHODS if loss_text(METHODS[n]) == loss)
    own.loss = ""
    optimizer = optax.sgd(0.05)
    return optimizer, jax.jit(gradient_step(policy, build_objective(own), optimizer))


def with_what_is_missing(rollout, name, i):
    """The rollout with made-up numbers for those signals alone that nobody makes."""
    absent = reads_of(METHODS[name]) - made_on(home(name))
    if not absent:
        return rollout
    assert not tasks_for(reads_of(METHODS[name])), (name, absent)
    drawn = made(np.random.default_rng(i), *rollout.mask.shape, 4)
    names = [n for n in drawn if n.removesuffix("_valid") in absent]
    return rollout.with_signals(**{n: jnp.asarray(drawn[n]) for n in names})


# Those that wait for a maker of a signal are formulas here, as in the laws: by hand.
ROWS = [
    pytest.param(
        name, marks=[pytest.mark.slow] if missing(reads_of(METHODS[name])) else []
    )
    for name in METHODS
]


@pytest.mark.parametrize("name", ROWS)
def test_a_row_trains(name):
    """Advantages are finite and every step that has some moves the parameters."""
    method, task = METHODS[name], home(name)
    _, _, params, rollouts = lived(task)
    optimizer, step = stepper(task, loss_text(method))
    closed = estimator(method.build())
    select = select_rows(method.select) or (lambda rollout: rollout)
    update, opt, state = jax.jit(closed.update), optimizer.init(params), None
    for i, rollout in enumerate(rollouts):
        rollout = select(with_what_is_missing(rollout, name, i))
        state = closed.init(rollout) if state is None else state
        advantage, state = update({}, state, rollout)
        before = params
        params, opt, sums, _ = step(params, opt, rollout, advantage)
        assert np.isfinite(sums["loss"].mean()) and sums["skipped"].mean() == 0, i
        moved = optax.tree.norm(jax.tree.map(lambda a, b: a - b, params, before))
        assert float(moved) > 0 or not jnp.any(advantage), i


@pytest.mark.parametrize("task", ["arithmetic", "search", "calculator"])
def test_a_run_makes_what_the_table_says(task):
    """The task's rollouts have them, and no other of the shape that rows read."""
    *_, rollouts = lived(task)
    there = {n for n in rollouts[0].signals if not n.endswith("_valid")}
    optional = {*SAMPLER}  # made if they are read
    assert made_on(task) - optional <= there - optional
    other_shape = there - optional - made_on(task)
    assert all(
        rollouts[0].signals[n].ndim != len(SIGNALS[n].shape) for n in other_shape
    )
    assert {"ref_logp", "sampler_logp", "value"} <= there


def test_what_nobody_makes_is_counted():
    """The rows that wait for a maker are those that docs/methods.md lists."""
    waiting = [n for n, m in METHODS.items() if missing(reads_of(m))]
    alone = [n for n, m in METHODS.items() if tasks_for(reads_of(m))]
    assert not set(waiting) & set(alone)
    page = (Path(__file__).parents[1] / "docs" / "methods.md").read_text()
    assert f"{len(alone)} of {len(METHODS)} rows train by their name alone" in page
    assert select_of(settings("search")) == "" and set(TASKS) >= {
        home(n) for n in alone
    }
