"""The algebra: order, state, gates, schedules, and errors that say what to do."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rewardlab import (
    Reward,
    RewardTransform,
    Sum,
    build,
    chain,
    estimator,
    gate,
    named_chain,
    on,
    on_one,
    per_channel,
    place,
    probe,
    running,
    stateless,
    weighted_sum,
)
from rewardlab.testing import from_arrays, ragged
from rewardlab.transforms.baselines import center_by_group
from rewardlab.transforms.credit import returns_to_go
from rewardlab.transforms.shapers import clip_reward, standardize_by_history
from rewardlab.transforms.sources import outcome, process

ROLLOUT = ragged()


def run(transform, rollout=ROLLOUT):
    return transform.update({}, transform.init(rollout), rollout)


def test_chain_applies_in_order_and_keeps_each_state():
    """(1 - 2) ^ 2 is not 1 ^ 2 - 2; states stand in a tuple."""
    two = from_arrays(np.ones((2, 1)), a=[1.0, 3.0])
    square = per_channel(lambda r, _: r.with_value(r.value**2))
    minus = per_channel(lambda r, _: r.with_value(r.value - 2))
    first = run(chain(outcome("a"), minus, square), two)[0]["a"].value
    second = run(chain(outcome("a"), square, minus), two)[0]["a"].value
    assert first[:, 0].tolist() == [1, 1] and second[:, 0].tolist() == [-1, 7]
    state = run(chain(outcome("a"), standardize_by_history()), two)[1]
    assert state[0] == () and state[1].count == 2 and state[1].mean == 2


def test_named_chain_names_its_state():
    """The same rewards as `chain`, with a dict as the state."""
    parts = {"source": outcome("score"), "scale": standardize_by_history()}
    named, plain = named_chain(**parts), chain(*parts.values())
    (got, state), (want, _) = run(named), run(plain)
    np.testing.assert_array_equal(got["score"].value, want["score"].value)
    assert set(state) == {"source", "scale"} and state["scale"].count == 11


def test_a_gate_hides_rows_and_not_from_the_state():
    """Closed rows keep their reward; running statistics see them all the same."""
    rollout = ROLLOUT.with_signals(even=jnp.arange(12) % 2 == 0)
    closed = gate("even", standardize_by_history())
    by_function = gate(lambda r: r.signals["even"], standardize_by_history())
    whole, state = run(chain(outcome("score"), standardize_by_history()), rollout)
    before = run(outcome("score"), rollout)[0]["score"].value
    for t in (closed, by_function):
        after, seen = run(chain(outcome("score"), t), rollout)
        value = after["score"].value
        np.testing.assert_array_equal(value[::2], whole["score"].value[::2])
        np.testing.assert_array_equal(value[1::2], before[1::2])
        assert seen[1] == state[1]


def test_probe_measures_and_passes_through():
    """The last measurement is the state, a `Sum` under its name."""
    measure = probe("mass", lambda rewards, _: Sum(rewards["correct"].value.sum(), 2.0))
    rewards, state = run(chain(outcome("correct"), measure))
    assert state[1]["mass"].mean() == ROLLOUT.signals["correct"][:-1].sum() / 2
    assert set(rewards) == {"correct"}
    estimator(chain(outcome("correct"), measure))


def test_coefficients_may_be_schedules_traced_numbers_or_swept():
    """A weight that is a function reads the clock; vmap and grad go through others."""
    text = "outcome('correct') | weighted_sum(correct=w) | returns_to_go()"

    def total(w, rollout=ROLLOUT):
        return run(build(text, w=w), rollout)[0]["reward"].value.sum()

    unit = jax.jit(total)(1.0)
    fourth = dataclasses.replace(ROLLOUT, iteration=jnp.asarray(4))
    scheduled = jax.jit(lambda r: total(lambda i: 0.5 * i, r))(fourth)
    assert unit > 0 and scheduled == 2 * unit
    swept = jax.jit(jax.vmap(total))(jnp.arange(3.0))
    np.testing.assert_allclose(swept, unit * np.arange(3))
    np.testing.assert_allclose(jax.jit(jax.grad(total))(3.0), unit)


def test_an_estimator_stops_gradients_and_masks():
    """No gradient flows into an advantage, and nothing stands outside the mask."""
    closed = estimator(chain(outcome("score"), center_by_group(), returns_to_go()))

    @jax.jit
    def loss(score):
        rollout = ROLLOUT.with_signals(score=score)
        return closed.update({}, closed.init(rollout), rollout)[0].sum()

    assert not jax.grad(loss)(ROLLOUT.signals["score"]).any()
    advantage = jax.jit(closed.update)({}, closed.init(ROLLOUT), ROLLOUT)[0]
    assert advantage.any() and not advantage[~ROLLOUT.mask].any()


def test_place_drops_what_lies_elsewhere():
    """NaN outside the places is not kept, nor multiplied by anything."""
    where = jnp.array([[True, False]])
    reward = place(jnp.array([[1.0, jnp.nan]]), where)
    assert reward.value.tolist() == [[1.0, 0.0]]
    assert reward.with_value(jnp.array([[jnp.inf, jnp.nan]])).value[0, 1] == 0
    assert reward.has_value.tolist() == [True]


def grows(rewards, state, rollout):
    return rewards, (state, jnp.zeros(()))


def widens(rewards, state, rollout):
    return rewards, jnp.zeros(3)


SOURCE = outcome("correct")
ERRORS = {
    "begin the sentence with a source": center_by_group(),
    "begin the sentence with a source such": chain(returns_to_go()),
    "needs one channel and has ['correct', 'prm']": chain(
        SOURCE, process("prm"), returns_to_go()
    ),
    "put weighted_sum(...) before it": chain(SOURCE, process("prm")),
    "no channel 'prm'; have ['correct']": chain(SOURCE, weighted_sum(prm=1)),
    "no channel 'x'; have ['correct']": chain(SOURCE, on("x", clip_reward(0.0))),
    "'correct' is there already": chain(SOURCE, SOURCE),
    "no signal 'nobody'; have ['action'": outcome("nobody"),
    "no signal 'ready'; have": chain(SOURCE, gate("ready", clip_reward(0.0))),
    "write process('prm') or dense('prm')": outcome("prm"),
    "write outcome('score')": process("score"),
    "needs a value a token, (12, 12), and has shape (12,)": build("dense('score')"),
    "needs beliefs [N, turns] and has shape (12,)": build("information_gain('score')"),
    "'score' needs shape [N, references] and has (12,)": build(
        "outcome('score') | par('score')"
    ),
    "relative needs no state and has clip_by_history()": build(
        "outcome('score') | relative('ref_score', clip_by_history())"
    ),
    "changes the layout of its state": chain(
        SOURCE, RewardTransform(lambda r: jnp.zeros(()), grows)
    ),
    "<unnamed> changes the layout": chain(
        SOURCE, RewardTransform(lambda r: jnp.zeros(()), widens)
    ),
}


@pytest.mark.parametrize("message", ERRORS)
def test_errors_come_at_init_and_say_what_to_do(message):
    """Every misuse is one sentence, raised before anything is compiled."""
    with pytest.raises(ValueError) as error:
        estimator(ERRORS[message]).init(ROLLOUT)
    assert message in str(error.value)


def test_empty_combinators_are_refused():
    """What would do nothing is an error when it is built."""
    with pytest.raises(ValueError, match="weighted_sum\\(\\) adds nothing"):
        weighted_sum()
    with pytest.raises(ValueError, match="needs a gate, as in correct=0.5"):
        build("outcome('a') | gated_accumulation('a')")


def test_lifting_functions():
    """`stateless` sees all channels, `on_one` one, `running` one and a state."""
    double = stateless(
        lambda c, _: {k: r.with_value(2 * r.value) for k, r in c.items()}
    )
    half = on_one(lambda r, _: r.with_value(r.value / 2))
    count = running(lambda: jnp.zeros(()), lambda r, n, _: (r, n + 1))
    rewards, state = run(chain(SOURCE, double, half, count))
    np.testing.assert_array_equal(
        rewards["correct"].value, run(SOURCE)[0]["correct"].value
    )
    assert isinstance(rewards["correct"], Reward) and state[3] == 1
