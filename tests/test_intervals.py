"""Numbers without a meaning are refused by functions of arrays, too."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rewardlab import build
from rewardlab.core.intervals import need
from rewardlab.reward_models import flow, general_preference, pal, uncertainty
from rewardlab.rules import boxes, ngrams, relevance
from rewardlab.selection import curriculum, groups, replay
from rewardlab.testing import from_arrays

ROWS, GROUP = jnp.arange(4.0), jnp.zeros(4, int)


@pytest.mark.parametrize(
    ("interval", "good", "bad"),
    [
        ("[0, 1)", (0, 0.999, np.float32(0.5)), (-1e-9, 1, math.nan, math.inf)),
        ("(0, inf)", (1e-300, 5), (0, -1, math.inf, math.nan)),
        ("[1, inf]", (1, math.inf), (0.999, -math.inf)),
    ],
)
def test_need(interval, good, bad):
    for number in good:
        need("f", interval, x=number)
    for number in bad:
        with pytest.raises(ValueError, match="f has no meaning with x=.*; give x in"):
            need("f", interval, x=number)
    need("f", interval, x=lambda step: -7, y=jnp.asarray(-7))  # not known yet


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: groups.greatest_share(ROWS, -0.5), "share"),
        (lambda: groups.greatest_share(ROWS, 1.5), "share"),
        (lambda: groups.informative(ROWS, GROUP, 1, min_std=-1), "min_std"),
        (lambda: groups.first_kept(ROWS > 0, -1), "size"),
        (lambda: groups.solved(ROWS, at=0), "at"),
        (lambda: curriculum.easiest_last(ROWS, temperature=0), "temperature"),
        (lambda: replay.fresh(GROUP, 3, most=-1), "most"),
        (lambda: flow.velocity_score(max, *[ROWS] * 3, time=1.0), "time"),
        (lambda: general_preference.preference_loss(ROWS, tau=0), "tau"),
        (lambda: pal.ideal_point(ROWS, jnp.eye(4), temperature=0), "temperature"),
        (lambda: uncertainty.ramp(1, 0), "steps"),
        (lambda: boxes.corners((0, 0, 1, 1), (0, 0, 1, 1), 0, 5), "width"),
        (lambda: ngrams.repetition("a b", 0), "n"),
        (lambda: relevance.length_share("a b", 0), "words"),
    ],
)
def test_functions_of_arrays_and_texts(call, name):
    with pytest.raises(ValueError, match=f"has no meaning with {name}="):
        call()


@pytest.mark.parametrize(
    "words",
    [
        *("keep_top(-1)", "length_penalty(rate=-1)"),
        *("masked_importance(min_weight=-1)", "truncated_importance(max_weight=0)"),
        *("minus_reference_normal_quantile('r', quantile=1)",),
        "bonus_while_rare('b', below=2)",
    ],
)
def test_words_that_would_do_nothing_or_the_opposite(words):
    with pytest.raises(ValueError, match=r"^[a-z_]+: [a-z_]+=.* must be "):
        build(f"outcome('a') | {words}")


def test_a_prior_over_nothing():
    rollout = from_arrays(np.ones((3, 1)), score=np.ones((3, 2)))
    word = build("budget_returns('score', prior=(0.0, 0.0))")
    with pytest.raises(ValueError, match="give shares above 0"):
        word.update({}, (), rollout)


def test_a_store_with_fewer_rows_than_asked_for():
    """What does not exist is said so, where a plain top-k fails."""
    right, group = jnp.ones(2, bool), jnp.zeros(2, int)
    stored = jnp.zeros(1, bool), jnp.zeros(1, int)
    index, there = replay.opposite(jax.random.key(0), right, group, *stored, 1, size=3)
    assert index.shape == there.shape == (1, 3)
    assert there.tolist() == [[True, False, False]] and index[0, 0] == 0
