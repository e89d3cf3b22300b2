"""Reward models: losses by loops in float64, where pairs come from, who is frozen."""

import itertools

import jax
import numpy as np
import pytest
from reward_cases import (
    EMPTY,
    SAMPLES,
    TABLES,
    UNJUDGED,
    WIDE,
    N,
    case,
    head_of,
    loss_of,
    made,
    sigma,
    soft,
    told,
)

from rewardlab.scorers.preferences import orders


def known_pairs(label):
    """(chosen, rejected) of every prompt, by loops."""
    return [
        (i, j)
        for i, j in itertools.permutations(range(N), 2)
        if i // SAMPLES == j // SAMPLES and EMPTY not in (i, j)
        if not np.isnan(label[i]) and not np.isnan(label[j]) and label[i] > label[j]
    ]


def by_hand(state, term):
    """Mean of `term(r_chosen, r_rejected)` and its gradient to the head, float64.

    `term` gives (loss, d loss / d chosen, d loss / d rejected).
    """
    rollout, context, _ = case()
    ends = _ends(rollout, context)
    w1, b1, w2, b2 = (
        np.asarray(state["heads"][k][0], np.float64) for k in ("w1", "b1", "w2", "b2")
    )
    c = np.sqrt(2 / np.pi)
    x = ends @ w1 + b1
    bend = np.tanh(c * (x + 0.044715 * x**3))
    a = x * (1 + bend) / 2
    score = (a @ w2 + b2)[:, 0]
    slope = (1 + bend) / 2 + x * (1 - bend**2) / 2 * c * (1 + 3 * 0.044715 * x**2)
    by_row, loss = np.zeros(N), 0.0
    pairs = known_pairs(np.asarray(rollout.signals["correct"], np.float64))
    for i, j in pairs:
        value, up, down = term(score[i], score[j])
        loss, by_row[i], by_row[j] = loss + value, by_row[i] + up, by_row[j] + down
    by_row /= len(pairs)
    grads = {
        "w2": np.stack([a.T @ by_row, 0 * b1], axis=1),
        "b2": np.array([by_row.sum(), 0]),
        "w1": ends.T @ (by_row[:, None] * w2[:, 0] * slope),
        "b1": (by_row[:, None] * w2[:, 0] * slope).sum(axis=0),
    }
    return score, loss / len(pairs), grads, len(pairs)


def _ends(rollout, context):
    """The state at each row's last token, its log-prob, the row's sum and least."""
    model, params = TABLES.models["reference"], context.params["reference"]
    states = np.asarray(model.states(params, rollout, after=True), np.float64)
    logp = np.asarray(model.log_probs(params, rollout, 0.7).logp, np.float64)
    out = np.zeros((N, states.shape[-1] + 3))
    for i in range(N):
        length = int(np.sum(rollout.mask[i]))
        if length:
            own = logp[i, :length]
            out[i] = [*states[i, length - 1], own[-1], own.sum(), own.min()]
    return out


def plain(c, r):
    return soft(r - c), -sigma(r - c), sigma(r - c)


def smooth_and_centred(c, r):
    """0.9 of the pair, 0.1 of it the other way round, 0.05 (c + r)^2."""
    loss = 0.9 * soft(r - c) + 0.1 * soft(c - r) + 0.05 * (c + r) ** 2
    slope = -0.9 * sigma(r - c) + 0.1 * sigma(c - r)
    return loss, slope + 0.1 * (c + r), -slope + 0.1 * (c + r)


def squared(c, r):
    loss, up, down = plain(c, r)
    return loss + 0.1 * (c**2 + r**2), up + 0.2 * c, down + 0.2 * r


@pytest.mark.parametrize(
    ("loss", "term"),
    [
        ("bradley_terry()", plain),
        ("bradley_terry(smoothing=0.1) | centring(0.05)", smooth_and_centred),
        ("bradley_terry() | squares(0.2)", squared),
    ],
)
def test_the_loss_and_its_gradient_are_those_of_the_equation(loss, term):
    scorer = made(f"reward_model(loss={loss}, {WIDE})")
    state = head_of(scorer)
    score, want, grads, count = by_hand(state, term)
    rows = told(scorer, state)
    np.testing.assert_allclose(rows.signals["score"], score, atol=1e-5)
    total, means = loss_of(scorer, state)
    assert float(total.count) == count == float(means["pairs"].mean())
    assert float(total.mean()) == pytest.approx(want, rel=1e-5)
    got = jax.grad(lambda s: loss_of(scorer, s)[0].mean())(state)["heads"]
    for name, gradient in grads.items():
        np.testing.assert_allclose(
            got[name][0], gradient, rtol=1e-4, atol=2e-5, err_msg=name
        )


def test_accuracy_and_confidence_are_of_pairs():
    scorer = made(f"reward_model({WIDE})")
    state = head_of(scorer)
    rollout = told(scorer, state)
    r = np.asarray(rollout.signals["score"])
    pairs = known_pairs(np.asarray(rollout.signals["correct"], np.float64))
    _, means = loss_of(scorer, state)
    right = np.mean([float(r[i] > r[j]) for i, j in pairs])
    sure = np.mean([sigma(abs(r[i] - r[j])) for i, j in pairs])
    assert float(means["accuracy"].mean()) == pytest.approx(right)
    assert float(means["confidence"].mean()) == pytest.approx(sure, rel=1e-5)
    assert "truth" not in means
    hacked = made(f"reward_model(pairs=sampled('prm'), {WIDE})")
    found = loss_of(hacked, head_of(hacked))[1]
    assert float(found["truth"].mean()) == pytest.approx(right)


def test_labels_of_steps_add_up_and_ties_are_broken_by_another():
    rollout, *_ = case()
    sums = np.where(rollout.signals["prm_valid"], rollout.signals["prm"], 0).sum(axis=1)
    order = np.asarray(orders(("prm",), rollout))
    both = np.asarray(orders(("correct", "prm"), rollout))
    verdict = np.asarray(rollout.signals["correct"])
    for b, i, j in np.ndindex(order.shape):
        x, y = b * SAMPLES + i, b * SAMPLES + j
        lead = 0 if EMPTY in (x, y) else np.sign(sums[x] - sums[y])
        assert order[b, i, j] == lead
        if UNJUDGED in (x, y):
            assert both[b, i, j] == 0
        elif EMPTY not in (x, y):
            first = np.sign(verdict[x] - verdict[y])
            assert both[b, i, j] == (first or lead)


def test_who_is_preferred_can_be_the_wrong_way_round():
    """All of them at a share of 1, none at 0, and always both rows of a pair."""
    state = head_of(made(f"reward_model({WIDE})"))
    grads = [
        jax.grad(lambda s, x=x: loss_of(x, s)[0].value)(state)["heads"]["w2"]
        for x in (
            made(f"reward_model(pairs=sampled(flips={flips}), {WIDE})")
            for flips in ("0.0", "1.0", "0.5")
        )
    ]
    half = float(
        loss_of(made(f"reward_model(pairs=sampled(flips=0.5), {WIDE})"), state)[0].count
    )
    assert half == len(known_pairs(np.asarray(case()[0].signals["correct"])))
    assert not np.allclose(grads[0], grads[1]) and not np.allclose(grads[0], grads[2])
