"""NaN in a signal: absent where it may be, else named, and never a group of NaN."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rewardlab import build, estimator
from rewardlab.core.signals.holes import abstaining
from rewardlab.learning.estimate import estimate_with
from rewardlab.learning.learner import Report
from rewardlab.methods.sentence import shaped_reward
from rewardlab.runs.stopping import hole
from rewardlab.testing import from_arrays, ragged

ROLLOUT = ragged()
MEAN = "{} | center_by_group() | broadcast_to_tokens()"


def holed(name, *where):
    """The rollout with NaN at one place of a signal."""
    value = np.array(ROLLOUT.signals[name])
    value[where] = np.nan
    return ROLLOUT.with_signals(**{name: jnp.asarray(value)})


def advantage(text, rollout):
    closed = estimator(build(text))
    return np.asarray(closed.update({}, closed.init(rollout), rollout)[0])


READERS = {
    "a number a row": (MEAN.format("outcome('similarity')"), "similarity", (3,)),
    "a condition": (
        MEAN.format("outcome('correct') | gate('similarity', tanh())"),
        "similarity",
        (3,),
    ),
    "a number a step": (MEAN.format("process('insight')"), "insight", (3, 0)),
    "a number a token": ("dense('flow')", "flow", (3, 0)),
    "references": (MEAN.format("outcome('correct') | par('ref_score')"), "ref_score")
    + ((3, 9),),
    "an argument of its own": (
        MEAN.format("outcome('correct') | weigh_by_duration()"),
        "duration",
        (3, 0),
    ),
}


@pytest.mark.parametrize("case", READERS)
def test_a_nan_is_an_error_that_names_the_signal_and_the_row(case):
    text, name, where = READERS[case]
    assert np.isfinite(advantage(text, ROLLOUT)).all()
    with pytest.raises(ValueError, match=f"the signal '{name}' is NaN in rows .3.;"):
        advantage(text, holed(name, *where))


def test_a_nan_that_nobody_reads_is_nothing():
    """In another signal, on padding, beyond a row's last step, or in an empty row."""
    empty = int(np.flatnonzero(~ROLLOUT.mask.any(axis=1))[0])
    short = int(np.argmin(ROLLOUT.step.max(axis=1) + 99 * (np.arange(12) == empty)))
    cases = (
        (MEAN.format("outcome('score')"), holed("similarity", 3)),
        ("dense('flow')", holed("flow", ~np.asarray(ROLLOUT.mask))),
        (MEAN.format("process('insight')"), holed("insight", short, 3)),
        (MEAN.format("outcome('similarity')"), holed("similarity", empty)),
    )
    for text, rollout in cases:
        np.testing.assert_array_equal(
            advantage(text, rollout), advantage(text, ROLLOUT)
        )


@pytest.mark.parametrize("name, where", [("thinking", (3,)), ("prm", (3, 0))])
def test_what_may_abstain_is_absent_where_it_is_nan(name, where):
    """As `name_valid` says it, for the row or for the step alone."""
    source = f"outcome('{name}')" if len(where) == 1 else f"process('{name}')"
    text, rollout = MEAN.format(source), holed(name, *where)
    there = np.ones(ROLLOUT.signals[name].shape, bool)
    there[where] = False
    said = ROLLOUT.with_signals(**{f"{name}_valid": jnp.asarray(there)})
    got = advantage(text, rollout)
    assert np.isfinite(got).all()
    np.testing.assert_array_equal(got, advantage(text, said))
    assert (got != advantage(text, ROLLOUT)).any()


def test_members_that_may_abstain_do_so_by_rows():
    rollout = abstaining(holed("members", 3, 0))
    assert rollout.signals["members_valid"].tolist() == [i != 3 for i in range(12)]
    assert abstaining(rollout).signals["members_valid"].shape == (12,)


def test_what_says_where_it_is_valid_is_believed():
    valid = jnp.arange(12) != 3
    rollout = holed("similarity", 3).with_signals(similarity_valid=valid)
    text = MEAN.format("outcome('similarity')")
    assert np.isfinite(advantage(text, rollout)).all()
    claimed = rollout.with_signals(similarity_valid=jnp.ones(12, bool))
    with pytest.raises(ValueError, match="the signal 'similarity' is NaN in rows .3.;"):
        advantage(text, claimed)
    steps = holed("prm", 3, 0).with_signals(prm_valid=jnp.ones(12, bool))
    with pytest.raises(ValueError, match="the signal 'prm' is NaN in rows .3.;"):
        advantage(MEAN.format("process('prm')"), steps)


def test_in_compiled_code_a_nan_is_reported_by_name():
    """The advantage counts as not finite, so that the step is skipped, and the host
    is told which signal and rows; also where the NaN itself would vanish."""
    text = "outcome('correct') | gate('similarity', tanh()) | broadcast_to_tokens()"
    transform = build(text)
    closed = estimator(transform)
    parts = SimpleNamespace(estimator=closed, reward=shaped_reward(transform))
    estimate = estimate_with(lambda hp: parts, lambda rollout: rollout)
    state = closed.init(ROLLOUT)
    whole, holes = (estimate(state, r, {}) for r in (ROLLOUT, holed("similarity", 3)))
    assert np.isfinite(whole.advantage).all() and np.isnan(holes.advantage).all()
    assert not any(rows.any() for rows in whole.holes.values())
    assert np.flatnonzero(holes.holes["similarity"]).tolist() == [3]

    report = Report({}, holes.advantage, holes.reward, jnp.zeros(12, bool), holes.holes)
    where = type("State", (), {"step": 5})()
    assert str(hole(where, report)).startswith(
        "step 5 was skipped: the signal 'similarity' is NaN in rows [3]; mend"
    )
    fine = report._replace(holes=whole.holes)
    assert hole(where, fine) is None


def test_many_rows_are_counted():
    rollout = from_arrays(np.ones((20, 2)), a=np.full(20, np.nan))
    with pytest.raises(ValueError, match=r"\[0, 1, 2, 3, 4, 5, 6, 7\] and 12 more"):
        advantage("outcome('a')", rollout)


def test_an_estimator_traced_alone_does_not_raise():
    closed = estimator(build(MEAN.format("outcome('similarity')")))
    rollout = holed("similarity", 3)
    made, _ = jax.jit(closed.update)({}, closed.init(rollout), rollout)
    assert np.isnan(made).any()
