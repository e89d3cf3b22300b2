"""Rows train on what a run makes; made-up signals stand in for what nobody makes yet.

Rollouts are those of a task's own iterations, sampled by a model of one layer, with
every signal that the sampler, the task and the scorers of its rows make. Only for rows
that wait for somebody to make a signal (`makers.making`, in docs/signals.md) numbers
are made up, and for none of their other signals. Steps of equal losses share a program.
"""

import collections
import functools
from pathlib import Path
from typing import NamedTuple

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
from rewardlab.runs.base import warmed
from rewardlab.runs.builders import build_objective
from rewardlab.runs.prepare import prepare
from rewardlab.scorers import USUAL
from rewardlab.scorers.makers import NEEDS, SETTING, counts, made_on, making, usual
from rewardlab.scorers.sentence import brought_by, scorers_of, tree_of
from rewardlab.selection import select_rows
from rewardlab.show.catalogue import loss_text
from rewardlab.tasks import TASKS

PROMPTS, SAMPLES, STEPS = 4, 4, 3
TAUGHT = 100  # steps on demonstrations of these prompts: some answers are right then
MORE = ("demonstration_model", "prefix_model", "coalition_model")
READS_ALL = {
    "arithmetic": "outcome('correct') | center_by_signal('greedy')"
    " | broadcast_to_tokens() | keep_high_entropy(share=0.5)"
    " | truncated_importance(max_weight=2.0)",
    "search": "outcome('correct') | process('belief') | weighted_sum(correct=1,"
    " belief=1) | returns_to_go() | center_by_group()"
    " | truncated_importance(max_weight=2.0)",
    "chain_sum": "outcome('correct') | center_by_group() | broadcast_to_tokens()"
    " | keep_high_entropy(share=0.5) | truncated_importance(max_weight=2.0)",
}


class Home(NamedTuple):
    """Where a row trains: the task, and whether its episodes share prefixes."""

    task: str
    trees: bool = False
    own: str = ""  # scorers that no other row's may stand for


def home(name):
    """The first task on which all is made that the row reads."""
    made = making(METHODS[name])
    if made.way == "trees":
        return Home(made.tasks[0], True)
    text = METHODS[name].scorers  # their `score` comes with more of the same model
    own = text if any(word in text for word in MORE) else ""
    return Home((made.tasks or ["arithmetic"])[0], own=own)


def brought(at):
    """The words that make what the rows of that home read."""
    rows = [METHODS[name] for name in METHODS if home(name) == at]
    texts = [brought_by(m) for m in rows if making(m).way in ("alone", "trees")]
    texts += [USUAL[x] for m in rows for x in m.reads if x in USUAL]
    words, seen, found = [], set(), []
    for text in texts:
        found += zip(scorers_of(text, SETTING), parts_of(text), strict=True)
    # Rows have one scorer with several numbers: the first of those that give most
    # stands for all.
    for scorer, part in sorted(found, key=lambda x: -len(x[0].provides)):
        if seen.isdisjoint([scorer.name, *scorer.provides]):
            seen |= {scorer.name, *scorer.provides}
            words.append(str(part))
    return " | ".join(words)


def parts_of(text):
    """The words of a sentence of scorers."""
    return tree_of(text).parts if text else ()


def settings(at):
    """A config of a few prompts; reward and loss read all that the sampler can make."""
    config = default_config(at.task)
    known = TASKS[at.task]
    like = "arithmetic" if "answer_id" in known.signals else "chain_sum"
    reward = READS_ALL["search" if known.environment else like]
    more = {"step_value": "process"} if at.trees else {}
    more |= {"marginal": "process", "solo": "outcome"} if known.agents else {}
    for name, word in more.items():
        reward = f"{word}('{name}') | {reward}".replace(
            "weighted_sum(", f"weighted_sum({name}=1, "
        )
    config.rollout.branching.roots = SAMPLES // 2 if at.trees else 0
    config.update(
        {
            "reward": reward,
            "model": TINY,
            "rollout": {"num_prompts": PROMPTS, "num_generations": SAMPLES},
            "eval": {"num_generations": SAMPLES, "num_problems": PROMPTS},
            "task": {"difficulty": {"train": PROMPTS}},
            "warmup": {"batch_size": PROMPTS},
            "mesh": {"devices": 1},
            "scorers": brought(at),
            "loss": "dppo_top_k(k=20) | kl(0.01) | token_mean()",
        }
    )
    return config


@functools.cache
def lived(at):
    """The config, the policy, its first parameters and the rollouts of iterations."""
    config = settings(at)
    run = prepare(config, Path())
    *_, (_, base, _) = warmed(run, TAUGHT)
    batch, hp = run.problems.take(np.arange(PROMPTS)), run.program.hp
    batch = batch.on_device if run.program.fused else batch
    shapes = run.program.shapes(base, batch, hp)
    models = {
        name: run.driver.replicate(lm.init(role.model, jax.random.key(i)))
        for i, (name, role) in enumerate(run.program.frozen.roles.items())
    }
    state, rollouts = run.program.init(base, shapes, run.key, hp, models), []
    for i in range(STEPS):
        step = jnp.asarray(i, jnp.int32)
        case = (state, {"reference": base, **models}, batch, run.key, step, hp)
        state, _, rollout = run.program.iterate(*case)
        rollouts.append(rollout)
    return config, run.program.policy, base, rollouts


@functools.cache
def stepper(at, loss):
    """The compiled gradient step of a loss, of any row that goes with it."""
    config, policy, *_ = lived(at)
    own = config.copy_and_resolve_references()
    own.reward = next(n for n in METHODS if loss_text(METHODS[n]) == loss)
    own.loss = ""
    optimizer = optax.sgd(0.05)
    return optimizer, jax.jit(gradient_step(policy, build_objective(own), optimizer))


def with_what_is_missing(rollout, name, i):
    """The rollout with made-up numbers for those signals alone that nobody makes."""
    method = METHODS[name]
    if making(method).way in ("alone", "trees"):
        return rollout
    absent = set(method.reads) - made_on(home(name).task) - set(rollout.signals)
    drawn = made(np.random.default_rng(i), *rollout.mask.shape, 4)
    names = [n for n in drawn if n.removesuffix("_valid") in absent]
    return rollout.with_signals(**{n: jnp.asarray(drawn[n]) for n in names})


RESTS = {
    "cream": "its earlier policy still is its reference, and ranks no rows",
    "regularized_relevance": "sums have one word, and no trigrams to count",
}


# Those that wait for a maker of a signal are formulas here, as in the laws: by hand.
def rests(name):
    """Whether the slow suite trains it: it waits for a maker, is a row of another
    library beside the paper's own, or has a home that is compiled for two rows or
    fewer."""
    copied = "_like_" in name or name.endswith(("_verl", "_released"))
    return copied or making(METHODS[name]).way == "needs" or HOMES[home(name)] < 3


HOMES = collections.Counter(map(home, METHODS))


MARKS = ([], [pytest.mark.slow])
ROWS = [pytest.param(name, marks=MARKS[rests(name)]) for name in METHODS]


@pytest.mark.parametrize("name", ROWS)
def test_a_row_trains(name):
    """Losses are finite, and the parameters move in one step of three at least."""
    method, at = METHODS[name], home(name)
    _, _, params, rollouts = lived(at)
    optimizer, step = stepper(at, loss_text(method))
    closed = estimator(method.build())
    select = select_rows(method.select) or (lambda rollout: rollout)
    update, opt, state = jax.jit(closed.update), optimizer.init(params), None
    distances = []
    for i, rollout in enumerate(rollouts):
        rollout = select(with_what_is_missing(rollout, name, i))
        state = closed.init(rollout) if state is None else state
        advantage, state = update({}, state, rollout)
        before = params
        params, opt, sums, _ = step(params, opt, rollout, advantage)
        assert np.isfinite(sums["loss"].mean()) and sums["skipped"].mean() == 0, i
        moved = optax.tree.norm(jax.tree.map(lambda a, b: a - b, params, before))
        distances.append(float(moved))
    assert (max(distances) > 0) == (name not in RESTS)


@pytest.mark.parametrize("task", ["arithmetic", "calculator", "think_solve"])
def test_a_run_makes_what_the_table_says(task):
    """Its rollouts have what its rows read, no more of the shapes that they read."""
    *_, rollouts = lived(Home(task))
    there = {n for n in rollouts[0].signals if not n.endswith(("_valid", "_error"))}
    rows = [METHODS[name] for name in METHODS if home(name) == Home(task)]
    alone = [m for m in rows if making(m).way == "alone"]
    optional = {"greedy", "sampler_logp", "hidden"}  # made if they are read, as these:
    optional |= {x for scorer in usual() for x in scorer.provides}
    assert set().union(*(m.reads for m in alone)) <= there
    brings = scorers_of(brought(Home(task)), SETTING)
    private = {x for scorer in (*brings, *usual()) for x in scorer.private}
    known = made_on(task, False, brings) - private
    assert known - optional <= there and {"ref_logp", "sampler_logp"} <= there
    for name in there - known - optional:
        assert rollouts[0].signals[name].ndim != len(SIGNALS[name].shape), name


def test_made_up_numbers_are_for_rows_that_wait():
    """What a row that needs nothing reads is there; others lack what the table says."""
    for name, method in METHODS.items():
        way, tasks, lacks = making(method)
        if way == "alone":
            brings = scorers_of(brought_by(method), SETTING)
            assert set(method.reads) <= made_on(tasks[0], False, brings), name
        if way == "needs":
            assert lacks and set(lacks) <= set(method.reads), name
            assert set(lacks) <= set(NEEDS), name


def test_the_page_counts_the_rows():
    docs = Path(__file__).parents[1] / "docs"
    alone = counts()["alone"]
    text = (docs / "methods.md").read_text().replace("\n", " ")
    assert f"{alone} of {len(METHODS)} rows train by their name alone" in text
    assert (
        f"- **{alone}** train by their name alone" in (docs / "signals.md").read_text()
    )
    assert alone >= 89 and sum(counts().values()) == len(METHODS)


def test_each_reason_is_a_rows():
    assert set(NEEDS) <= {x for m in METHODS.values() for x in m.reads}
