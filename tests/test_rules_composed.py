"""Rules that read texts: composed checks, relevance, driving; and Pareto fronts."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest
from oracle import apply

from rewardlab import build
from rewardlab.rules import derl, expression, relevance
from rewardlab.selection.pareto import nondominated
from rewardlab.testing import from_arrays

BOX = "\\boxed"


@pytest.mark.parametrize(
    ("text", "want"),
    {
        "so\n#### 42": "42",
        f"{BOX}{{1}} and {BOX}{{2}}": "2",
        f"{BOX}{{\\frac{{1}}{{2}}}}": "\\frac{1}{2}",
        f"{BOX}{{1": "",
        "  plain ": "plain",
        "": "",
    }.items(),
)
def test_what_is_taken_for_the_answer(text, want):
    """After ####, else the last box, else everything; an open box gives nothing."""
    assert derl.extract(text) == want


def test_checks_are_high_or_low():
    """Each check on its own; nothing passes without a text or a truth."""
    steps = f"1. add 2. divide {BOX}{{42}}"
    assert set(derl.checks(steps, "#### 42").values()) == {derl.HIGH}
    got = derl.checks("step 1, Step 2: 41", "#### 42")
    assert [v == derl.HIGH for v in got.values()] == [False, False, True, False]
    for text, truth in (("", "#### 42"), ("42", "")):
        assert set(derl.checks(text, truth).values()) == {derl.LOW}
    assert derl.checks("no", f"{BOX}{{4")["g4"] == derl.HIGH


G = {"g1": 2.0, "g2": 0.5, "g3": -1.0, "g4": 0.0}


@pytest.mark.parametrize(
    ("text", "want"),
    {
        "g1 + 2*g2 - g3/4": 3.25,
        "-(g1**2)": -4.0,
        "0.3": 0.3,
        "g1/g4": 0.0,
        "g3**0.5": 0.0,
        "9**9**9": 0.0,
        "g5": 0.0,
        "g1+(g2": 0.0,
        "": 0.0,
        "g1 if g2 else g3": 0.0,
        "__import__('os').system('false')": 0.0,
        "g1 and g2": 0.0,
        "True": 0.0,
        "1e308*10": 0.0,
        "(" * 300 + "g1" + ")" * 300: 0.0,
    }.items(),
)
def test_expressions_are_read_and_never_run(text, want):
    """What fails, or is outside the grammar, is 0."""
    assert derl.composed(text, G) == np.float32(want)


def test_what_a_meta_model_may_write():
    """It names a check and is finite where the checks are (1, 1, 1e-6, 1 + 1e-6)."""
    assert derl.meta_reward("g1*g4+0.5*g2") == 0
    for bad in ("0.3", "g1+(g2", "g1/(g2-g1)", "g5", "g1+g5"):
        assert derl.meta_reward(bad) == -1, bad


def test_the_word_and_the_rule_give_the_same():
    """`formula` on channels is `composed` on numbers."""
    text = "g1 + 0.5 * (g2 - 0.5 * (g3 - 0.5 * (g4 + 0.5)))"
    values = [
        dict(zip(G, v, strict=True)) for v in itertools.product((0.0, 1.0), repeat=4)
    ]
    signals = {k: np.array([v[k] for v in values]) for k in G}
    sources = " | ".join(f"outcome('{k}')" for k in G)
    transform = build(f"{sources} | formula({text!r})")
    rollout = from_arrays(np.ones((16, 1)), **signals)
    channels = apply(transform, rollout)
    want = [derl.composed(text, v) for v in values]
    np.testing.assert_allclose(channels["reward"].value[:, 0], want, rtol=1e-6)
    assert expression.names(text) == set(G)


def test_relevance_is_regularised():
    """10 words, trigrams abc bca cab abc bca cab abc bcd: 8 - 4 distinct = 4 of 8."""
    text = "a b c a b c a b c d"
    assert relevance.distinct_trigrams(text) == 4 / 8
    assert relevance.open_ended(0.8, text) == pytest.approx(0.8 * 0.1 * 0.5)
    assert relevance.closed_ended(0.8, text) == pytest.approx(0.4)
    assert relevance.distinct_trigrams("two words") == 0


def test_the_front_is_what_nothing_beats():
    """Against a loop over pairs, with ties, one row and rows that do not take part."""
    rng = np.random.default_rng(0)
    for n, k in ((1, 1), (7, 1), (12, 2), (12, 3)):
        rewards = rng.integers(0, 4, (n, k)).astype(float)
        there = rng.random(n) < 0.8
        want = [
            bool(there[i])
            and not any(
                there[j]
                and (rewards[j] >= rewards[i]).all()
                and (rewards[j] > rewards[i]).any()
                for j in range(n)
            )
            for i in range(n)
        ]
        assert np.asarray(nondominated(jnp.asarray(rewards), there)).tolist() == want
