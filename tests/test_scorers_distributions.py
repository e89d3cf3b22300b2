"""Whole distributions, a prompt cut short, ends, columns and greedy completions."""

import dataclasses
import functools
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small import TINY
from test_scorers_critic import case
from test_scorers_words import SETTING, SMALL

from rewardlab import default_config
from rewardlab.data.batch import Batch
from rewardlab.learning.parallel import DRIVERS
from rewardlab.models import lm
from rewardlab.rollouts import Sampling
from rewardlab.runs.generate import NOTHING_MORE
from rewardlab.runs.greedy import drawing
from rewardlab.scorers.protocol import Context
from rewardlab.scorers.sentence import scorers_of
from rewardlab.tasks import TASKS

PARAMS = lm.init(SMALL, jax.random.key(0))


def rows():
    """Ragged rows of some prompts, one of which is padded on its left."""
    rollout = case()[0]
    mask = rollout.prompt_mask.at[0, 0].set(False)
    return dataclasses.replace(rollout, prompt_mask=mask)


def asked(text, rollout, arrays=None):
    (scorer,) = scorers_of(text, SETTING)
    context = Context(jax.random.key(0), jnp.zeros((), int), {"policy": PARAMS}, {})
    return scorer.score((), context, rollout, Batch(arrays or {}, {}))


@functools.cache
def known():
    """`predictions` of `rows`."""
    return predictions(rows())


def predictions(rollout):
    """p of each valid token's distribution, at 0.7: what it has read is a prompt."""
    group, valid = np.asarray(rollout.group), np.asarray(rollout.valid)
    places = [tuple(map(int, at)) for at in np.argwhere(valid)]
    width = rollout.prompts.shape[1] + valid.shape[1]
    read, mask = np.zeros((2, len(places), width), np.int32)
    for row, (n, t) in enumerate(places):
        seen = np.asarray(rollout.prompt_mask)[group[n]]
        prompt = np.asarray(rollout.prompts)[group[n]][seen]
        before = np.concatenate([prompt, np.asarray(rollout.tokens)[n, :t]])
        read[row, width - len(before) :], mask[row, width - len(before) :] = before, 1
    nothing = jnp.zeros((len(places), 1), jnp.int32)
    states = jax.jit(lm.states, static_argnums=0)(
        SMALL, PARAMS, read, mask > 0, nothing, nothing > 0
    )
    x = np.asarray(states[:, 0] @ lm.head(SMALL, PARAMS), np.float64) / 0.7
    p = np.exp(x - x.max(axis=1, keepdims=True))
    return dict(zip(places, p / p.sum(axis=1, keepdims=True), strict=True))


def test_numbers_of_whole_distributions():
    rollout = rows()
    squares = np.asarray(asked("sum_pi_squared()", rollout)["sum_pi_squared"])
    certain = np.asarray(asked("certainty()", rollout)["certainty"])
    for at, p in known().items():
        assert squares[at] == pytest.approx(sum(x * x for x in p), rel=1e-4)
        size = len(p)
        away = sum(x * np.log(x * size) for x in p) / size
        assert certain[at] == pytest.approx(away, rel=1e-3, abs=1e-6)
    padding = ~np.asarray(rollout.valid)
    assert (squares[padding] == 0).all() and (certain[padding] == 0).all()


def test_without_the_question_one_token_of_it_is_left():
    rollout = rows()
    got = np.asarray(asked("blind()", rollout)["blind_logp"])
    short = dataclasses.replace(
        rollout,
        prompts=rollout.prompts[:, -1:],
        prompt_mask=rollout.prompt_mask[:, -1:],
    )
    for (n, t), p in predictions(short).items():
        token = int(rollout.tokens[n, t])
        assert got[n, t] == pytest.approx(np.log(p[token]), rel=1e-4)


def test_ends_and_columns():
    rollout, end = rows(), SETTING.tokenizer.eos_ids[0]
    tokens = jnp.where(rollout.tokens == end, end + 1, rollout.tokens)
    tokens = tokens.at[0, 0].set(end).at[5, 0].set(end)  # row 5 is empty
    rollout = dataclasses.replace(rollout, tokens=tokens)
    ended = asked("finished()", rollout)["finished"].tolist()
    assert ended == [float(n == 0) for n in range(len(ended))]
    level = {"level": np.array([0.5, 1, 2, 3])}
    told = asked("column('level')", rollout, level)["level"]
    np.testing.assert_array_equal(told, level["level"][np.asarray(rollout.group)])


def test_greedy_is_the_verdict_on_the_likeliest_completion():
    """A made-up verdict: whether the sum of a completion's tokens is even."""

    def score(rollout, columns):
        total = jnp.sum(jnp.where(rollout.valid, rollout.tokens, 0), axis=1)
        return rollout.with_signals(correct=(total % 2 == 0).astype(jnp.float32))

    config = default_config("arithmetic")
    config.model.update(TINY)
    task = TASKS["arithmetic"]._replace(score=score)
    driver = DRIVERS["jit"](jax.devices()[:1])
    options = Sampling(3, 8, task.tokenizer.eos_ids, task.tokenizer.pad_id, 1.0)
    rng = np.random.default_rng(0)
    arrays = {
        "prompts": jnp.asarray(rng.integers(2, 60, (6, 4)), jnp.int32),
        "prompt_mask": jnp.ones((6, 4), bool),
        "id": jnp.arange(6, dtype=jnp.int32),
    }
    plan = SimpleNamespace(wanted_of=lambda name: {"greedy"})
    step = jnp.zeros((), jnp.int32)
    key, batch = jax.random.key(1), Batch(arrays, {})

    def draw(options):
        whole = (config, task, driver, SMALL)
        draws = drawing(whole, options, NOTHING_MORE, plan)
        return draws(PARAMS, batch, key, step, 1.0)

    rollout = draw(options)
    greedy = rollout.signals["greedy"].reshape(6, 3)
    assert (greedy == greedy[:, :1]).all() and 0 < greedy.mean() < 1
    likeliest = draw(dataclasses.replace(options, top_k=1))
    verdict = score(likeliest, {}).signals["correct"].reshape(6, 3)
    np.testing.assert_array_equal(greedy, verdict)


def test_more_numbers_of_distributions():
    rollout = rows()
    names = "self_certainty", "mean_logp", "varentropy", "top_margin"
    names = (*names, "gradient_norm_squared")
    got = {name: np.asarray(asked(f"{name}()", rollout)[name]) for name in names}
    for at, p in known().items():
        logp, top = np.log(p), np.sort(p)
        want = {
            "self_certainty": -logp.mean() - np.log(len(p)),
            "mean_logp": logp.mean(),
            "varentropy": np.sum(p * logp**2) - np.sum(p * logp) ** 2,
            "top_margin": top[-1] - top[-2],
            "gradient_norm_squared": 1 - 2 * p[rollout.tokens[at]] + np.sum(p**2),
        }
        for name, value in want.items():
            assert got[name][at] == pytest.approx(value, rel=1e-3, abs=1e-5), name
