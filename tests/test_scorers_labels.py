"""Labels of steps: by hand, and what holds of every kind."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest
from step_scorers import STEPS, N, asked, context_of, rollout_of, there_of
from test_scorers_words import SETTING

from rewardlab.reward_models import step_labels as pure
from rewardlab.scorers.labels import READS, SAMPLED
from rewardlab.scorers.sentence import scorers_of

CHANCES = np.array([0, 0.25, 0.5, 1])


def case(seed=0, **more):
    """Chances of success in quarters before each step and after the last."""
    rng = np.random.default_rng(seed)
    chance = CHANCES[rng.integers(0, 4, (N, STEPS + 1))].astype(np.float32)
    valid = np.arange(N) != 3
    return rollout_of(seed, **{"success": chance, "success_valid": valid} | more)


def labelled(words, rollout):
    """The label, where it is valid, its weight and what else there is."""
    scored, _ = asked(f"step_labels({words})", rollout, "step_label")
    return {k: np.asarray(x) for k, x in scored.signals.items()}


def searched(mc):
    """The shares that a binary search for the first error asks for."""
    row, left, right = [None] * len(mc), 0, len(mc) - 1
    while left <= right:
        at = (left + right) // 2
        row[at] = mc[at]
        left, right = (at + 1, right) if mc[at] > 0 else (left, at - 1)
    return row


def by_hand(kind, rollout):
    """The labels of each row as a list, None where there is none."""
    success, right = (
        np.asarray(rollout.signals[name], np.float64)
        for name in ("success", "step_correct")
    )
    outcome, found = np.asarray(rollout.signals["correct"]), []
    for i, there in enumerate(there_of(rollout)):
        k = int(there.sum())  # steps of these rows come first
        sc, mc = success[i, 0], list(success[i, 1 : k + 1])
        first = next((j for j in range(k) if mc[j] == 0), None)
        last = k if first is None else first
        row = {
            "formal": list(right[i, :k]),
            "outcome": [outcome[i]] * k,
            "last": [None] * (k - 1) + [outcome[i]] * (k > 0),
            "hard": [float(x > 0) for x in mc],
            "soft": mc,
            "reachable": [float(max(mc[j:]) > 0) for j in range(k)],
            "first_error": [float(j < last) if j <= last else None for j in range(k)],
            "search": searched(mc),
            "relative": [
                float(was > 0 and x / was >= 0.8)
                for x, was in zip(mc, [sc, *mc], strict=False)
            ],
            "tolerant": [
                0.0
                if j >= last
                else min(mc[j] / sc, 1)
                if sc and j == first - 1
                else 1.0
                for j in range(k)
            ]
            if first is not None
            else [1.0] * k,
        }[kind]
        if kind == "tolerant":
            row = [1.0] * k if outcome[i] else row
            row = row if sc > 0 else [None] * k
        unheard = i == 3 if kind in SAMPLED else i == 2 and kind != "formal"
        found.append([None] * k if unheard else row)
    return found


@pytest.mark.parametrize("kind", READS)
def test_a_kind_of_labels_by_hand(kind):
    for seed in range(3):
        rollout = case(seed)
        got = labelled(f"{kind!r}, balance=False", rollout)
        valid, label = got["step_label_valid"], got["step_label"]
        for i, row in enumerate(by_hand(kind, rollout)):
            row += [None] * (STEPS - len(row))
            assert [x is not None for x in row] == valid[i].tolist(), (kind, seed, i)
            want = [x or 0 for x in row]
            np.testing.assert_allclose(label[i], want, atol=1e-6, err_msg=f"{kind} {i}")
        np.testing.assert_array_equal(got["step_weight"], valid)


def test_sides_weigh_the_same_or_nothing():
    got = labelled("'formal'", case())
    high, valid = got["step_label"] > 0.5, got["step_label_valid"]
    sides = [got["step_weight"][valid & side].sum() for side in (high, ~high)]
    assert sides[0] == pytest.approx(sides[1]) == pytest.approx(valid.sum() / 2)
    ones = case(step_correct=np.ones((N, STEPS), np.float32))
    assert not labelled("'formal'", ones)["step_weight"].any()


def test_noise_turns_over_a_share_of_labels():
    rollout = case()
    clean = labelled("'formal', balance=False", rollout)
    noisy = labelled("'formal', balance=False, noise=0.3", rollout)
    valid = clean["step_label_valid"]
    turned = (clean["step_label"] != noisy["step_label"])[valid]
    assert 0.1 < turned.mean() < 0.5
    np.testing.assert_array_equal(noisy["step_label_valid"], valid)
    everything = labelled("'formal', balance=False, noise=1.0", rollout)
    np.testing.assert_array_equal(
        everything["step_label"][valid], 1 - clean["step_label"][valid]
    )


def test_held_out_problems_have_no_continuations_and_no_labels():
    rollout = rollout_of()
    (scorer,) = scorers_of("step_labels('hard')", SETTING)
    found = scorer.score((), context_of(), rollout, None)
    assert not found["step_label_valid"].any() and (found["first_error"] == -1).all()


def test_search_finds_what_a_scan_finds_if_success_never_comes_back():
    """And asks at most ceil(log2(S + 1)) prefixes."""
    for width in range(1, 7):
        right = np.array([[k < f for k in range(width)] for f in range(width + 1)])
        mask = np.ones(right.shape, bool)
        first, asked = pure.search(jnp.asarray(right, jnp.float32), jnp.asarray(mask))
        scan = pure.first_error(jnp.asarray(right), jnp.asarray(mask))
        np.testing.assert_array_equal(first, scan)
        assert (np.asarray(asked) >= 0).sum(axis=1).max() <= np.ceil(np.log2(width + 1))


def test_what_holds_of_labels():
    """Soft in [0, 1] and below hard; one step of first-error labels, from 1 to 0; a
    constant success is no progress lost; a later tolerance only softens."""
    values = np.array(list(itertools.product(CHANCES, repeat=3)), np.float32)
    mask = jnp.ones(values.shape, bool)
    success = jnp.asarray(values)
    assert (np.asarray(pure.hard(success)) >= values).all()
    first = pure.first_error(success > 0, mask)
    before = np.asarray(pure.before_error(first, mask), int)
    assert (np.diff(before, axis=1) <= 0).all()
    constant = jnp.full(values.shape, 0.5)
    np.testing.assert_array_equal(pure.relative_progress(constant, constant), 1)
    sure = jnp.full(len(values), 0.5)
    soft = [np.asarray(pure.tolerant(success, sure, first, mask, d)) for d in range(3)]
    assert (soft[0] >= soft[1]).all() and (soft[1] >= soft[2]).all()
    np.testing.assert_array_equal(soft[0], before)


def test_a_hard_label_of_a_right_prefix_is_wrong_with_probability_1_less_q_to_the_k():
    rng, q = np.random.default_rng(0), 0.42
    for k, share in ((2, 0.336), (4, 0.113), (8, 0.0128)):
        wins = rng.binomial(k, q, (20_000, 1)) / k
        label = pure.hard(jnp.asarray(wins, jnp.float32))
        assert float(jnp.mean(1 - label)) == pytest.approx(share, abs=0.01)


def test_what_is_no_kind_is_said():
    with pytest.raises(ValueError, match="no kind of step labels 'hart'; did you mean"):
        labelled("'hart'", case())
