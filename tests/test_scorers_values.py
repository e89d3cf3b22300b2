"""What critics are fitted to, and that a good one leaves an advantage no noise."""

import dataclasses
import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from oracle import apply, run
from test_scorers_critic import case, learnt, one_device
from test_scorers_words import SETTING

from rewardlab import METHODS, build, estimator
from rewardlab.core import masked
from rewardlab.core.types import place
from rewardlab.learning.fit import fit_step
from rewardlab.methods.sentence import expected_reward, shaped_reward
from rewardlab.scorers.sentence import scorers_of
from rewardlab.scorers.values import Goal
from rewardlab.testing import from_arrays

ROWS = np.array(list(itertools.product([0, 1], repeat=3)))  # all of three tokens
WON = np.array([0, 0, 1, 0, 0, 1, 1, 1.0])
EXACT = np.array(
    [[WON[(ROWS[:, :t] == r[:t]).all(1)].mean() for t in (0, 1, 2)] for r in ROWS]
)
WORDS = ["gae('value', 1.0, {})", "length_adaptive_gae('value', 1.0, {})"]


def fair(**signals):
    """Every row of a fair policy of two tokens, with the outcome of each."""
    rollout = from_arrays(np.ones((8, 3)), correct=WON, **signals)
    logp = np.log(np.full((8, 3), 0.5, np.float32))
    return dataclasses.replace(rollout, logp=logp, tokens=ROWS.astype(np.int32))


def prefixes():
    """One-hot states before each token: which of the seven prefixes it follows."""
    number = [
        [2**t - 1 + int("0" + "".join(map(str, r[:t])), 2) for t in range(3)]
        for r in ROWS
    ]
    return np.eye(7, dtype=np.float32)[np.array(number)]


@pytest.mark.parametrize("decay", [0.0, 0.3, 0.95, 1.0])
@pytest.mark.parametrize("word", WORDS)
def test_an_exact_critic_of_a_deterministic_process_leaves_nothing(word, decay):
    """Each error is 0, so is every advantage at any decay; with holes, discounted."""
    rng = np.random.default_rng(0)
    mask = rng.random((6, 9)) < 0.7
    reward = np.where(mask, rng.normal(size=mask.shape), 0)
    value, ahead = np.zeros(mask.shape), np.zeros(6)
    for t in reversed(range(9)):
        ahead = np.where(mask[:, t], reward[:, t] + 0.9 * ahead, ahead)
        value[:, t] = np.where(
            mask[:, t], ahead, 5
        )  # what stands off the mask is not read
    rollout = from_arrays(mask, r=reward, value=value)
    text = word.format(decay or 0.01).replace("1.0,", "0.9,")
    found = run(f"dense('r') | {text}", rollout)
    assert max(map(abs, found.values())) < 1e-6


@pytest.mark.parametrize("decay", [0.0, 0.5, 1.0])
def test_an_exact_critic_is_right_on_average_and_at_decay_0_for_every_row(decay):
    """E[A | state, token] = Q - V for any decay; its spread grows with the decay."""
    closed = estimator(build(f"outcome('correct') | gae('value', 1.0, {decay})"))
    found = np.asarray(apply(closed, fair(value=EXACT)))
    after = np.concatenate([EXACT[:, 1:], WON[:, None]], axis=1)
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-6)
    for t in range(3):
        for prefix in {tuple(r[: t + 1]) for r in ROWS}:
            same = (ROWS[:, : t + 1] == prefix).all(axis=1)
            want = (after - EXACT)[same, t]
            assert found[same, t].mean() == pytest.approx(want.mean(), abs=1e-6)
            if decay == 0:
                np.testing.assert_allclose(found[same, t], want, atol=1e-6)


@functools.cache
def fitted(text, seed=None, steps=600):
    """The values of a critic fitted to all rows, or to 1,000 that a seed draws."""
    rows = np.arange(8)
    if seed is not None:
        rows = np.random.default_rng(seed).integers(0, 8, 1000)
    take = lambda x: x[rows] if x.shape[:1] == (8,) else x  # noqa: E731
    rollout = jax.tree.map(take, fair(value=np.zeros((8, 3)), hidden=prefixes()))
    rollout = jax.tree.map(jnp.asarray, rollout)
    (scorer,), (_, _, context, _) = scorers_of(text, SETTING), case()
    won = jnp.broadcast_to(rollout.signal("correct")[:, None], rollout.mask.shape)
    reward = place(won, masked.last(rollout.mask))

    def loss(head, rollout, rows):
        return *scorer.fit.loss(head, context, rollout, None, reward), ()

    step = fit_step(loss, optax.adam(0.03))
    head = scorer.init(context, rollout)

    @jax.jit
    def train(head):
        def one(carry, _):
            head, opt, sums, _ = step(*carry, rollout, ())
            return (head, opt), sums["loss"].mean()

        carry = (head, optax.adam(0.03).init(head))
        (head, _), losses = jax.lax.scan(one, carry, None, steps)
        return scorer.score(head, context, rollout, None)["value"], losses

    value, _ = train(head)
    return np.asarray(value), WON[rows]


@pytest.mark.parametrize("width", [0, 16])
def test_a_critic_that_learned_comes_near_the_exact_one(width):
    """Its advantages, too: at decay 0 within 0.05 of those of the exact one."""
    value, _ = fitted(f"critic(width={width}, epsilon=None)")
    np.testing.assert_allclose(value, EXACT, atol=0.02)
    closed = estimator(build("outcome('correct') | gae('value', 1.0, 0.0)"))
    mine, best = (np.asarray(apply(closed, fair(value=x))) for x in (value, EXACT))
    np.testing.assert_allclose(mine, best, atol=0.05)


def test_before_the_first_token_it_says_how_often_the_prompt_succeeds():
    """Of 1,000 rows, to two standard errors of their mean; p = 1/2."""
    value, won = fitted("critic(width=0, epsilon=None)", seed=1)
    p = WON.mean()
    assert np.ptp(value[:, 0]) < 1e-6
    assert abs(value[0, 0] - p) < 2 * np.sqrt(p * (1 - p) / len(won))
    assert value[0, 0] == pytest.approx(won.mean(), abs=0.02)


@pytest.mark.parametrize("decay", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("discount", [1.0, 0.9, 0.0])
def test_the_goal_is_the_advantage_and_the_value_it_was_made_of(discount, decay):
    """By a loop; with decay 1 it does not know of the value, to the bit."""
    rng = np.random.default_rng(2)
    mask = rng.random((5, 7)) < 0.7
    paid, old, other = rng.normal(size=(3, 5, 7)).astype(np.float32)
    goal = Goal(discount, decay, None)
    found = np.asarray(goal.returns(old, paid, jnp.asarray(mask)))
    for i, row in enumerate(mask):
        later = ahead = 0.0
        for t in np.flatnonzero(row)[::-1]:
            later = paid[i, t] + discount * ahead - old[i, t] + discount * decay * later
            ahead = old[i, t]
            assert found[i, t] == pytest.approx(later + old[i, t], abs=1e-5)
    assert not found[~mask].any()
    again = np.asarray(goal.returns(other, paid, jnp.asarray(mask)))
    assert np.array_equal(found, again) == (decay == 1 or discount == 0)


def test_the_goal_of_steps():
    """Values stand at first tokens, what a step is paid is its sum, and environment
    tokens are in no step: (1 + 2, 4) with decay 0.5 and V = (0.5, 1) -> (5.5, 4)."""
    mask, step = np.array([[1, 1, 0, 1]], bool), np.array([[0, 0, 0, 1]])
    hidden = np.array([[[0.5], [9.0], [9.0], [1.0]]], np.float32)
    rollout = from_arrays(mask, step=step, valid=np.ones((1, 4), bool), hidden=hidden)
    rollout = dataclasses.replace(rollout, logp=np.zeros((1, 4), np.float32))
    rollout = jax.tree.map(jnp.asarray, rollout)
    (scorer,) = scorers_of("step_critic(width=0, decay=0.5, epsilon=None)", SETTING)
    head = {"w2": jnp.asarray([[1.0], [0.0], [0.0], [0.0]]), "b2": jnp.zeros(1)}
    value = scorer.score(head, None, rollout, None)["step_value"]
    np.testing.assert_allclose(value[0, :2], [0.5, 1.0])
    reward = place(jnp.asarray([[1.0, 2.0, 7.0, 4.0]]), rollout.mask)
    scored = rollout.with_signals(step_value=value)
    total, sums = scorer.fit.loss(head, None, scored, None, reward)
    goals = np.array([3 + 0.5 * 1 + 0.5 * 4, 4.0])
    assert float(total.count) == 2
    want = np.sum((goals - [0.5, 1.0]) ** 2) / 2
    assert float(total.value) == pytest.approx(want, rel=1e-6)
    assert float(sums["return"].value) == pytest.approx(goals.sum(), rel=1e-6)


def test_a_model_of_its_own_learns_and_its_states_are_its_own():
    """It begins at 0 as the policy, all of it moves, and its loss falls."""
    context = case()[2]
    text = "value_model(lr=0.003)"
    history = learnt(one_device(), text=text, steps=4, name="value_model")
    _, first, _, told = history[0]
    began = jax.tree.map(np.asarray, context.params["policy"])
    jax.tree.map(np.testing.assert_array_equal, first["model"], began)
    last = history[-1]
    moved = jax.tree.map(lambda a, b: np.any(a != b), last[1]["model"], began)
    assert all(jax.tree.leaves({k: x for k, x in moved.items() if k != "head"}))
    key = "scorers/value_model/loss"
    assert float(last[3][key]) < float(told[key])
    assert not np.any(history[0][0].signals["value"])


def test_what_a_critic_expects_is_what_reaches_the_word_that_reads_it():
    """Of several horizons the sum of returns; before `gae` the reward as it is placed;
    without such a word what is trained on."""
    rng = np.random.default_rng(0)
    value = rng.normal(size=(4, 5))
    rollout = from_arrays(
        np.ones((4, 5)), correct=np.array([1.0, 0, 1, 1]), value=value
    )
    several = METHODS["multi_discount"].build(
        size=2, price=-1.0, repetition_discount=0.5
    )
    goal = expected_reward(several, "value")(several.init(rollout), rollout)
    found = np.asarray(apply(estimator(several), rollout))
    np.testing.assert_allclose(goal.value, found + value, atol=1e-6)
    text = "outcome('correct') | center_by_group() | gae('value') | whiten()"
    for words, name in (
        (text, "value"),
        (text.replace("gae('value') | ", ""), "value"),
    ):
        transform = build(words)
        goal = expected_reward(transform, name)(transform.init(rollout), rollout)
        centred = "gae" in words
        want = (
            np.array([0.25, -0.75, 0.25, 0.25]) if centred else np.array([1.0, 0, 1, 1])
        )
        np.testing.assert_allclose(goal.total, want, atol=1e-6)
    plain = build("outcome('correct') | gae('value')")
    one, other = (
        f(plain.init(rollout), rollout)
        for f in (expected_reward(plain, "value"), shaped_reward(plain))
    )
    np.testing.assert_array_equal(one.value, other.value)


def test_right_rows_have_the_tokens_of_the_batch_between_them():
    """7 tokens of the policy, 3 of right rows; 0 if nobody is, or for a NaN verdict."""
    (scorer,) = scorers_of("positive()", SETTING)
    mask = np.arange(4) < np.array([3, 1, 2, 1])[:, None]
    correct = np.array([0.0, 1, 1, np.nan])
    heard = np.array([True, True, True, False])
    rollout = from_arrays(mask, correct=correct, correct_valid=heard)
    found = scorer.score((), None, rollout, None)["positive"]
    np.testing.assert_allclose(found, [0, 7 / 3, 7 / 3, 0], rtol=1e-6)
    rollout = from_arrays(mask, correct=0 * np.ones(4))
    assert not np.any(scorer.score((), None, rollout, None)["positive"])
