"""Scorers that learn, each in a run of its own: what their laws are proved with."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from test_scorers_words import SETTING as USUAL_SETTING
from test_scorers_words import SMALL

from rewardlab.core.types import Rollout, place
from rewardlab.data.batch import Batch
from rewardlab.learning.parallel import jit_driver
from rewardlab.learning.scoring import outline, scoring
from rewardlab.models import lm
from rewardlab.scorers import USUAL
from rewardlab.scorers.plan import Source, plan
from rewardlab.scorers.protocol import Context, Scorer
from rewardlab.scorers.sentence import scorers_of

PROMPTS, SAMPLES, TOKENS, STEPS = 8, 4, 6, 3
SETTING = USUAL_SETTING._replace(sizes={"B": PROMPTS})


class Word(NamedTuple):
    """A sentence of scorers, the signals read of it, and the name that learns."""

    text: str
    wanted: tuple[str, ...]
    name: str
    slow: bool = True  # whether only the slow suite proves all laws of it


WORDS = {
    "contributions": Word(
        "contributions()", ("contribution",), "contributions", slow=False
    ),
    "critic": Word("critic(width=8)", ("value",), "critic", slow=False),
    "double_critic": Word(
        "double_critic(width=8, epochs=2)", ("turn_advantage",), "double_critic"
    ),
    "step_critic": Word("step_critic(width=8)", ("step_value",), "step_critic"),
    "value_model": Word("value_model(lr=1e-3)", ("value",), "value_model"),
    "follow_ups": Word(
        "follow_ups(lr=1e-3)", ("praise_logp", "blame_logp"), "follow_ups"
    ),
    "implicit": Word("implicit(lr=1e-3)", ("prm_logp",), "implicit"),
    "implicit_dpo": Word("implicit_dpo(lr=1e-3)", ("prm_logp",), "implicit"),
    "judge": Word("judge()", ("judge",), "judge_judge"),
    "coalition_model": Word(
        "coalition_model(2)", ("score", "shapley"), "coalition_model"
    ),
    "coalition_model_drawn": Word(
        "coalition_model(4, orders=2)", ("score", "shapley"), "coalition_model"
    ),
    "prefix_model": Word(
        "prefix_model()", ("prefix_score", "prompt_score"), "prefix_model"
    ),
    "privileged_critic": Word(
        "privileged_critic(lr=1e-3)", ("turn_score",), "privileged_critic"
    ),
    "promise_model": Word(
        "promise_model(width=8)", ("turn_progress",), "promise_model", slow=False
    ),
    "rewarded": Word("rewarded(draws=2, warmup=0)", ("judge",), "rewarded_judge"),
    "latent_reward": Word(
        "step_facts() | latent_reward(width=8)", ("contribution",), "latent_reward"
    ),
    "step_lm": Word("step_labels('outcome') | step_lm(lr=1e-4)", ("prm",), "step_lm"),
    "step_model": Word(
        "step_labels('outcome') | step_model(lr=1e-4)", ("prm",), "step_model"
    ),
}


class Case(NamedTuple):
    """What a scorer is given in an iteration."""

    rollout: Rollout
    reward: object
    batch: Batch


@functools.cache
def case():
    """Ragged rows, one empty, steps of two tokens, a verdict of all but one row."""
    rng = np.random.default_rng(3)
    n = PROMPTS * SAMPLES
    length = rng.integers(1, TOKENS + 1, n)
    length[5] = 0
    mask = np.arange(TOKENS) < length[:, None]
    correct = (rng.random(n) < 0.5).astype(np.float32)
    correct[2] = np.nan
    signals = {"correct": correct, "correct_valid": ~np.isnan(correct)}
    rollout = Rollout(
        prompts=jnp.asarray(rng.integers(2, 60, (PROMPTS, 3)), jnp.int32),
        prompt_mask=jnp.ones((PROMPTS, 3), bool),
        group=jnp.repeat(jnp.arange(PROMPTS, dtype=jnp.int32), SAMPLES),
        tokens=jnp.asarray(
            np.where(mask, rng.integers(2, 60, mask.shape), 0), jnp.int32
        ),
        mask=jnp.asarray(mask),
        valid=jnp.asarray(mask),
        step=jnp.where(mask, jnp.arange(TOKENS) // 2, -1),
        logp=jnp.asarray(
            np.where(mask, -rng.exponential(size=mask.shape), 0), jnp.float32
        ),
        signals={k: jnp.asarray(x) for k, x in signals.items()},
        iteration=jnp.zeros((), jnp.int32),
    )
    truth = jnp.asarray(rng.integers(2, 60, (PROMPTS, 2)), jnp.int32)
    known = {"id": jnp.arange(PROMPTS), "truth": truth}
    known["truth_mask"] = jnp.asarray(np.arange(PROMPTS * 2).reshape(-1, 2) != 3)
    return Case(rollout, rewarded(rollout), Batch(known, {}))


def rewarded(rollout):
    """The verdict on the last token of each row that has one."""
    there = rollout.mask & rollout.signals["correct_valid"][:, None]
    last = jnp.max(
        jnp.where(rollout.mask, jnp.arange(rollout.mask.shape[1]), -1), axis=1
    )
    there &= jnp.arange(rollout.mask.shape[1]) == last[:, None]
    value = jnp.where(rollout.signals["correct_valid"], rollout.signals["correct"], 0)
    return place(value[:, None], there)


@functools.cache
def context():
    params = {
        r: lm.init(SMALL, jax.random.key(i)) for i, r in enumerate(SETTING.models)
    }
    return Context(jax.random.key(5), jnp.zeros((), jnp.int32), params, {})


def one_device():
    return jit_driver(jax.devices()[:1])


@functools.cache
def scorers(name):
    """Those of the sentence, and the usual ones that make what they read."""
    found = [Source("your", s) for s in scorers_of(WORDS[name].text, SETTING)]
    made = {x for _, s in found for x in s.provides}
    for signal, text in USUAL.items():
        if signal not in made:
            usual = scorers_of(text, SETTING)
            found += [Source("the usual", s) for s in usual]
            made |= {x for s in usual for x in s.provides}
    return [*found, Source("the task's", TASK)]


class Learning:
    """A scorer in a run of its own, without a policy that learns."""

    def __init__(self, name, driver=None, micro_batches=1, rollout=None):
        self.word, self.driver = WORDS[name], driver or one_device()
        sources, given = scorers(name), rollout or case().rollout
        found = plan({"the reward reads": self.word.wanted}, sources)
        make = lambda hp: {s.name: s for _, s in sources}  # noqa: E731
        self.run = scoring(found, make, self.driver, micro_batches)
        asked = context(), given, case().batch
        states = self.run.init(context(), jax.eval_shape(outline(found, make), *asked))
        self.states = self.driver.part(jax.tree.map(jnp.copy, states))

    def step(self, given, learns=None):
        """One iteration: the signals with the state as it was, and the metrics."""
        now, batch = context(), given.batch
        case = (self.states, now, given.rollout, batch)
        scored, self.states, _ = self.run.score(*case)
        told = (scored, batch, given.reward, learns)
        self.states, means = self.run.fit(self.states, now, *told)
        self.states = self.run.step(self.states, now, scored)
        return scored, {k: float(x) for k, x in means.items()}

    @property
    def state(self):
        """What the scorer has learned, on the host."""
        return jax.device_get(self.states[self.word.name])


def verdicts(state, context, rollout, batch):
    """What the rollout has already, as a task gives it."""
    return {name: rollout.signals[name] for name in ("correct", "correct_valid")}


TASK = Scorer("task", {"correct": "N", "correct_valid": "N"}, (), "batch", verdicts)


@functools.cache
def whole(name, steps=STEPS):
    """What one device learns in a few steps: signals, state and metrics of the last."""
    learning = Learning(name)
    for _ in range(steps):
        scored, means = learning.step(case())
    return scored, learning.state, means


def near(one, other, atol=2e-5):
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return (
        max(float(np.abs(np.asarray(x) - np.asarray(y)).max()) for x, y in pairs) < atol
    )


def same(one, other):
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return all(np.array_equal(x, y, equal_nan=True) for x, y in pairs)


def moved(name, learning):
    """Whether anything of what it learned is other than at first."""
    return not same(Learning(name).state.params, learning.state.params)


def in_float64(tree):
    """Its floats as float64, inside `jax.enable_x64`."""

    def wide(x):
        floats = jnp.issubdtype(x.dtype, jnp.floating)
        return jnp.asarray(np.asarray(x), jnp.float64) if floats else x

    return jax.tree.map(wide, tree)
