"""What turns promise: labels, loss, progress and gradient, by loops in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from learning_scorers import Learning, case, context, in_float64, scorers
from test_scorers_double_critic import gelu, turns_of, wide

from rewardlab.reward_models import promise
from rewardlab.scorers.sentence import scorers_of

DISCOUNT, DECAY, BETA = 0.9, 0.7, 0.5
WORD = f"promise_model(discount={DISCOUNT}, decay={DECAY}, beta={BETA}, width=8)"
CORRECT, HEARD = (
    np.asarray(case().rollout.signals[name]) for name in ("correct", "correct_valid")
)


def labels(q, outcome, discount=DISCOUNT, decay=DECAY):
    """Q + A of a row's turns, A_k = delta_k + discount decay A_{k+1}."""
    found, later = [0.0] * len(q), 0.0
    for k in reversed(range(len(q))):
        last = k + 1 == len(q)
        ahead, reward = (0.0, outcome) if last else (q[k + 1], 0.0)
        later = reward + discount * ahead - q[k] + discount * decay * later
        found[k] = q[k] + later
    return found


def by_hand(head, scored, told):
    """Of what a head says: Q and progress {(row, turn): number}, and the mean loss with
    the labels that `told` numbers give."""
    q, errors, states = {}, [], np.asarray(scored.signals["step_states"], np.float64)
    for i in range(len(scored.mask)):
        for k, _ in turns_of(scored, i):
            inner = gelu(states[i, k] @ head["w1"] + head["b1"])
            q[i, k] = float((inner @ head["w2"] + head["b2"])[0])
        own = [k for k, _ in turns_of(scored, i)]
        if not own or not HEARD[i]:
            continue
        goal = labels([float(told[i, k]) for k in own], float(CORRECT[i]))
        for n, k in enumerate(own):
            error = (q[i, k] - goal[n]) ** 2
            if n:
                gap = q[i, k] - q[i, own[n - 1]] - (goal[n] - goal[n - 1])
                error += BETA * gap**2
            errors.append(error)
    progress, group = {}, np.asarray(scored.group)
    for i, k in q:
        begun = [
            q[j, 0] for j in range(len(group)) if group[j] == group[i] and (j, 0) in q
        ]
        alone = q[i, k] - sum(begun) / len(begun)
        progress[i, k] = q[i, k] - q[i, k - 1] if k else alone
    return q, progress, sum(errors) / len(errors)


@pytest.fixture(scope="module")
def learned():
    """A head after three iterations, and the rows that it has scored then."""
    learning = Learning("promise_model")
    for _ in range(3):
        learning.step(case())
    head = wide(learning.state.params)
    return head, learning.step(case())[0]


def test_promise_and_progress(learned):
    """Told of turns that there are, and of no others."""
    head, scored = learned
    told = np.asarray(scored.signals["promise"])
    q, progress, _ = by_hand(head, scored, told)
    there = np.zeros(told.shape, bool)
    there[tuple(np.transpose(list(q)))] = True
    for name, want in (("promise", q), ("turn_progress", progress)):
        got = np.asarray(scored.signals[name])
        np.testing.assert_array_equal(scored.signals[f"{name}_valid"], there)
        for place, x in want.items():
            assert got[place] == pytest.approx(x, abs=1e-5), (name, place)
        assert not np.any(got[~there]) and np.any(np.abs(got[there]) > 1e-3)


def test_loss_and_gradient_are_those_of_the_equation(learned):
    """By differences of the loop; labels are made of what was told before."""
    head, scored = learned
    told = np.asarray(scored.signals["promise"], np.float64)
    (scorer,) = scorers_of(WORD, None)
    with jax.enable_x64(True):
        rows = in_float64(scored)
        other = jax.tree.map(lambda x: x + 0.1, head)  # it has moved since then
        mean = lambda head: scorer.fit.loss(head, context(), rows, None, None)[0].mean()  # noqa: E731
        value, slope = jax.value_and_grad(mean)(other)
    assert float(value) == pytest.approx(by_hand(other, scored, told)[2], rel=1e-6)
    for name, at in (("w2", (3, 0)), ("w1", (5, 2)), ("b1", (4,)), ("b2", (0,))):
        two = []
        for move in (1e-5, -1e-5):
            moved = jax.tree.map(np.copy, other)
            moved[name][at] += move
            two.append(by_hand(moved, scored, told)[2])
        want = (two[0] - two[1]) / 2e-5
        assert float(slope[name][at]) == pytest.approx(want, rel=1e-4, abs=1e-8), name


EXAMPLE = np.array([[0.2, 0.6, 0.5], [0.4, 0.3, 9.0]])
THERE = np.array([[True, True, True], [True, True, False]])


def test_the_examples():
    """Those of the docstrings, of rows of two and three turns."""
    both = promise.td_labels(EXAMPLE, np.array([1.0, 0.0]), THERE, 1.0, 1.0)
    np.testing.assert_allclose(both, [[1, 1, 1], [0, 0, 0]], atol=1e-6)
    one = promise.td_labels(EXAMPLE, np.array([1.0, 0.0]), THERE, 1.0, 0.0)
    np.testing.assert_allclose(one, [[0.6, 0.5, 1], [0.3, 0, 0]], atol=1e-6)
    found = promise.progress_of(EXAMPLE, THERE, jnp.zeros(2, int), 1)
    np.testing.assert_allclose(found, [[-0.1, 0.4, -0.1], [0.1, -0.1, 0]], atol=1e-6)
    alone = promise.progress_of(EXAMPLE, THERE, jnp.arange(2), 2)
    np.testing.assert_allclose(alone[:, 0], [0, 0], atol=1e-7)


@pytest.mark.parametrize("decay", [0.0, 0.6, 1.0])
def test_at_the_fixed_point_nothing_is_lost(decay):
    """A promise that is the discounted outcome is its own label, whatever the decay."""
    left = np.array([[2, 1, 0], [1, 0, 0]])
    outcome = np.array([1.0, 0.25])
    value = outcome[:, None] * 0.9**left
    label = promise.td_labels(value, outcome, THERE, 0.9, decay)
    np.testing.assert_allclose(label, np.where(THERE, value, 0), atol=1e-6)
    assert np.abs(promise.promise_loss(value, label, THERE, 2.0)).max() < 1e-12
    wrong = promise.promise_loss(value + 0.1, label, THERE, 2.0)  # all by as much
    np.testing.assert_allclose(wrong, np.where(THERE, 0.01, 0), atol=1e-6)


def test_a_row_without_turns_or_outcome_teaches_nothing():
    none = np.zeros((2, 3), bool)
    assert not np.any(promise.td_labels(EXAMPLE, np.ones(2), none, 1.0, 1.0))
    assert not np.any(promise.promise_loss(EXAMPLE, EXAMPLE + 1, none, 1.0))
    assert not np.any(promise.progress_of(EXAMPLE, none, jnp.zeros(2, int), 1))


def test_bad_numbers_are_refused():
    for text in ("discount=1.5", "decay=-0.1", "beta=-1.0"):
        with pytest.raises(ValueError, match="promise_model"):
            scorers_of(f"promise_model({text})", None)


def test_it_learns_what_is_to_come():
    """Promises of right rows grow above those of others, more so at later turns."""
    learning = Learning("promise_model")
    for _ in range(60):
        scored, means = learning.step(case())
    q, there = (np.asarray(scored.signals[f"promise{x}"]) for x in ("", "_valid"))
    there = there & HEARD[:, None]
    right = there & (np.where(HEARD, CORRECT, 0) > 0.5)[:, None]
    assert q[right].mean() > q[there & ~right].mean() + 0.05
    assert means["scorers/promise_model/promise_error"] < 0.25
    assert [s.name for _, s in scorers("promise_model")].count("promise_model") == 1
