"""The table of methods: complete, honest about what it reads, equal to its peers."""

import dataclasses
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracle import apply

from rewardlab import (
    LAWS,
    METHODS,
    Method,
    chain,
    estimator,
    objectives,
)
from rewardlab.core.signatures import bound_of
from rewardlab.methods import IDEAS
from rewardlab.models.logprobs import TokenStats
from rewardlab.runs.builders import build_objective, updates_of
from rewardlab.runs.config import default_config
from rewardlab.selection import select_rows
from rewardlab.show.catalogue import loss_text
from rewardlab.testing import from_arrays, ragged
from rewardlab.transforms import BASELINES, CREDIT


@pytest.mark.parametrize("name", METHODS)
def test_a_row_reads_what_it_says(name):
    """With these signals and no others it runs; without any one of them it does not."""
    method, full = METHODS[name], ragged()
    signals = {k: full.signals[k] for k in method.reads}
    select = select_rows(method.select) or (lambda rollout: rollout)
    closed, loss = estimator(method.build()), objectives.build_loss(method.said("loss"))

    def run(signals):
        rollout = select(dataclasses.replace(full, signals=signals))
        closed.init(rollout)
        among = full.signals["top_logp"]
        stats = TokenStats(rollout.logp, jnp.zeros(rollout.mask.shape), among=among)
        jax.eval_shape(loss, stats, rollout, rollout.logp)

    run(signals)
    for lost in signals:
        with pytest.raises(ValueError, match=f"no signal '{lost}'"):
            run({k: v for k, v in signals.items() if k != lost})


VERIFIED = ("code", "paper", "secondary", "abstract", "guess", "")


@pytest.mark.parametrize("name", METHODS)
def test_a_row_is_whole(name):
    """Its own values fill its sentence; laws, aggregation and paper have their form."""
    method = METHODS[name]
    assert isinstance(method, Method)
    assert set(method.hp) == method.names
    assert set(method.laws) <= set(LAWS) and len(set(method.laws)) == len(method.laws)
    assert 3 <= len(method.believes.split()) <= 12, "believes: about eight words"
    assert method.verified in VERIFIED
    assert re.fullmatch(r"\d{4}\.\d{5}", method.arxiv) or not method.arxiv
    assert any(f"{word}(" in method.reward for word in {**BASELINES, **CREDIT})


def test_a_name_stands_in_one_table():
    """Else the later table would hide a row of the earlier."""
    assert sum(map(len, IDEAS.values())) == len(METHODS)


@pytest.mark.parametrize("name", METHODS)
def test_the_loss_of_a_row_can_be_made(name):
    """Its words are in the table, and each has arguments that it takes."""
    config = default_config()
    config.reward = name
    build_objective(config)
    assert updates_of(config).steps >= 1


@pytest.mark.parametrize("name", ["grpo", "clip_cov", "sapo", "steer", "medix_r1"])
def test_the_page_has_every_number_of_a_loss(name):
    """What the row sets and what it leaves to the policy loss; not what is off."""
    text, tree = loss_text(METHODS[name]), METHODS[name].tree("loss")
    for word in tree.parts:
        bound = bound_of(word.make, word.args, word.kwargs)
        bound.apply_defaults()
        for option, number in bound.arguments.items():
            if isinstance(number, float):
                assert f"{option}={number!r}" in text
    assert "None" not in text and ("kl(" in text) == (name == "grpo")


WINNER = {
    "grpo_like_verl": 1.5 / (1 + 2e-6),
    "grpo_like_verl_vectorized": 1.5 / (1 + 2e-6),
    "grpo_like_tunix": 1.5 / (1 + 2e-6),
    "grpo_like_trl": 1.5 / (1 + 2e-4),
    "grpo_like_easydel": 3**0.5 / (1 + 1e-4 / (3 / 16) ** 0.5),
    "rloo_like_verl": 1.0,
    "dr_grpo_like_verl": 0.75,
}


@pytest.mark.parametrize("name", WINNER)
def test_presets_give_the_winner_what_their_library_gives(name, x64):
    """Rewards (1, 0, 0, 0): mean 1/4, variance 3/16 (n) or 1/4 (n - 1), so std 1/2.

    3/4 over (1/2 + eps) is 1.5 / (1 + 2 eps); over sqrt(3)/4 it is sqrt(3).
    """
    rollout = from_arrays(np.ones((4, 1)), correct=np.array([1.0, 0, 0, 0]))
    closed = estimator(METHODS[name].build())
    got = apply(closed, rollout)
    np.testing.assert_allclose(got[0, 0], WINNER[name], rtol=1e-12)


SINGLE = {"grpo_like_verl": 5 / (1 + 1e-6), "rloo_like_verl": 5.0, "grpo": 0.0}


@pytest.mark.parametrize("name", SINGLE)
def test_a_group_of_one(name, x64):
    """verl keeps its reward; by default it has no baseline and gets 0."""
    rollout = from_arrays(np.ones((1, 1)), correct=np.array([5.0]))
    closed = estimator(METHODS[name].build())
    got = apply(closed, rollout)
    np.testing.assert_allclose(got[0, 0], SINGLE[name], rtol=1e-12)


USELESS = {"process_sum": 6.0, "clip": 0.0, "delta": 0.0, "clip_delta": 0.0}


@pytest.mark.parametrize("name", USELESS)
def test_useless_steps_pay_only_in_the_plain_sum(name, x64):
    """Two right answers; one has six more steps, of score 1, after the two of 0.5.

    The return of the first token before any baseline. Sum: 1 + 1 and 7 + 1. Clip at
    0.9: -0.8 + 1 in both. Delta: 0.5 + 1 in both, and after clipping -0.4 + 1 in both.
    """
    prm = np.ones((2, 8))
    prm[:, :2] = 0.5
    mask = np.arange(8) < np.array([2, 8])[:, None]
    step = np.where(mask, np.arange(8), -1)
    rollout = from_arrays(mask, step=step, prm=prm, correct=np.ones(2))
    before = chain(*METHODS[name].build().parts[:-1])
    (to_go,) = apply(before, rollout).values()
    gain = float(to_go.value[1, 0] - to_go.value[0, 0])
    assert gain == pytest.approx(USELESS[name], abs=1e-12)
