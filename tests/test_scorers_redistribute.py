"""Contributions: what they learn by hand, and that they add up to the outcome."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from step_scorers import (
    STEPS,
    TOKENS,
    N,
    asked,
    learnt,
    rollout_of,
    slope,
    there_of,
)
from test_scorers_words import SETTING

from rewardlab.scorers.sentence import scorers_of

ALL = "states_after() | step_states() | contributions(lr=0.01)"
FACTS = (
    "step_facts('prm', 'step_correct') | past('step_facts', 'correct', batches=2)"
    " | latent_reward(lr=0.01, width=8)"
)


def test_step_states_by_hand():
    rollout = rollout_of()
    scored, _ = asked(ALL, rollout, "contribution")
    got = np.asarray(scored.signals["step_states"])
    hidden, logp = scored.signals["hidden_after"], np.asarray(rollout.logp, np.float64)
    want = np.zeros(got.shape)
    for i in range(N):
        for k in range(STEPS):
            own = [t for t in range(TOKENS) if rollout.mask[i, t] and t // 2 == k]
            if own:
                row = logp[i, : own[-1] + 1]
                numbers = [logp[i, own].sum(), logp[i, own].min(), row.sum(), row.min()]
                want[i, k] = [1, *np.asarray(hidden[i, own[-1]]), *numbers]
    np.testing.assert_allclose(got, want, atol=1e-5)


def test_the_head_learns_the_equation():
    """Values, the loss and Adam's step of its gradient, in float64."""
    rollouts = [rollout_of(seed) for seed in range(3)]
    optimizer, opt = optax.adam(0.01), None
    for scored, before, after, means in learnt(ALL, rollouts):
        net = before["contributions"].params
        x = np.asarray(scored.signals["step_states"], np.float64)
        given = np.where(x[..., 0] > 0, x @ net["w"] + net["b"], 0)
        np.testing.assert_allclose(scored.signals["contribution"], given, atol=1e-4)
        error = given.sum(axis=1) - np.asarray(scored.signals["correct"])
        keep = np.asarray(scored.signals["correct_valid"]) & x[..., 0].any(axis=1)
        assert float(means["scorers/contributions/loss"]) == pytest.approx(
            np.mean(error[keep] ** 2), rel=1e-4
        )
        grads = {
            "b": np.mean((2 * error * x[..., 0].sum(axis=1))[keep]),
            "w": np.mean((2 * error[:, None] * x.sum(axis=1))[keep], axis=0),
        }
        grads = {k: jnp.asarray(g, jnp.float32) for k, g in grads.items()}
        opt = optimizer.init(net) if opt is None else opt
        updates, opt = optimizer.update(grads, opt, net)
        want = optax.apply_updates(net, updates)
        got = after["contributions"].params
        np.testing.assert_allclose(got["w"], want["w"], atol=3e-4)
        np.testing.assert_allclose(got["b"], want["b"], atol=3e-4)


def test_before_training_nobody_contributes_and_after_it_sums_are_outcomes():
    """On one batch again and again, with as many numbers as rows."""
    history = learnt(ALL.replace("0.01", "0.05"), [rollout_of()] * 400)
    assert not np.any(history[0][0].signals["contribution"])
    off = [float(row[3]["scorers/contributions/off"]) for row in history]
    assert off[0] > 0.3 and off[-1] < 0.02


OTHERS = ("subset", "unbiased_subset", "sum")


@pytest.mark.parametrize(
    "loss", ["mean", *(pytest.param(x, marks=pytest.mark.slow) for x in OTHERS)]
)
def test_factors_that_hold_the_truth_are_found(loss):
    """R is the number of right steps; every loss finds which those are."""
    rollouts = []
    for seed in range(120):
        rollout = rollout_of(seed)
        right = rollout.signals["step_correct"] * there_of(rollout)
        rollouts.append(rollout.with_signals(correct=right.sum(axis=1)))
    text = FACTS.replace("width=8", f"width=16, loss={loss!r}")
    scored, *_ = learnt(text, rollouts)[-1]
    there = np.asarray(scored.signals["step_facts"])[..., 0] > 0
    given = np.asarray(scored.signals["contribution"])
    assert not given[~there].any()
    truth = np.asarray(scored.signals["step_correct"])
    assert np.corrcoef(given[there], truth[there])[0, 1] > 0.95


def test_the_past_is_learned_from_and_begins_with_nothing():
    """The newest first; a first batch learns as one without a past would."""
    rollouts = [rollout_of(seed) for seed in range(4)]
    history = learnt(FACTS, rollouts)
    assert not np.any(history[0][0].signals["past_step_facts"])
    last = history[3][0].signals
    for age, seed in ((0, 2), (1, 1)):
        want = history[seed][0].signals
        np.testing.assert_array_equal(last["past_correct"][:, age], want["correct"])
        np.testing.assert_array_equal(
            last["past_step_facts"][:, age], want["step_facts"]
        )
    batches = [float(row[3]["scorers/latent_reward/loss"]) for row in history]
    assert np.isfinite(batches).all()


@pytest.mark.parametrize(("text", "last"), [(ALL, {"w": 0.1}), (FACTS, {"w3": 0.1})])
def test_rows_that_abstain_teach_nothing(text, last):
    """NaN there changes nothing; with none left there is nothing to learn from."""
    rollout = rollout_of()
    nan = rollout.signals["correct"].at[2].set(jnp.nan)
    case = lambda **signals: slope(  # noqa: E731
        text, rollout.with_signals(**signals), "contribution", **last
    )
    one, other = case(), case(correct=nan)
    assert one[:2] == other[:2] and one[1] == N - 2  # nor does the empty row
    jax.tree.map(np.testing.assert_array_equal, one[2], other[2])
    _, count, grad = case(correct_valid=jnp.zeros(N, bool))
    assert count == 0 and not any(jnp.any(x) for x in grad.values())


@pytest.mark.parametrize("loss", ["mean", "subset", "sum"])
def test_a_row_learns_the_same_beside_any_others(loss):
    """Also the steps that are drawn of it: the gradient is a sum over rows."""
    text = FACTS.replace("width=8", f"width=8, loss={loss!r}")
    rollout = rollout_of()
    whole = slope(text, rollout, "contribution", w3=0.1)
    heard = np.asarray(rollout.signals["correct_valid"])
    parts = [
        slope(
            text,
            rollout.with_signals(correct_valid=heard & part),
            "contribution",
            w3=0.1,
        )
        for part in (np.arange(N) < 5, np.arange(N) >= 5)
    ]
    assert whole[0] == pytest.approx(parts[0][0] + parts[1][0], rel=1e-5)
    for name, x in whole[2].items():
        np.testing.assert_allclose(
            x, parts[0][2][name] + parts[1][2][name], rtol=1e-4, atol=1e-5
        )


def test_differences_of_prefixes_add_up_exactly():
    rollout = rollout_of()
    there = there_of(rollout)
    rollout = rollout.with_signals(prm_valid=jnp.asarray(there))
    for beta in (1.0, 0.25, 0.0):
        text = f"prefix_differences('prm', start=0.5, beta={beta})"
        scored, _ = asked(text, rollout, "contribution")
        got = np.asarray(scored.signals["contribution"])
        for i in range(N):
            row = np.asarray(rollout.signals["prm"])[i][there[i]]
            whole = beta * (row[-1] - 0.5) + (1 - beta) * row[-1] if len(row) else 0
            assert got[i].sum() == pytest.approx(whole, abs=1e-6)
            assert not got[i, len(row) :].any()


def test_what_is_no_loss_or_no_fact_is_said():
    with pytest.raises(ValueError, match="no loss of contributions 'sums'; did you"):
        scorers_of("contributions(loss='sums')", SETTING)
    with pytest.raises(ValueError, match=r"step_facts\('correct'\) needs one value a"):
        asked("step_facts('correct')", rollout_of(), "step_facts")
