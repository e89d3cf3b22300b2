"""A sentence in other trainers: what goes in is mapped, and the advantages are ours."""

import sys
import types

import jax
import numpy as np
import pytest

from rewardlab import estimator, resolve
from rewardlab.adapters import Advantage, Rows
from rewardlab.adapters.arrays import numbered, span, to_numpy, turns
from rewardlab.adapters.verl import advantage_of, register
from rewardlab.testing import ragged

MADE = ragged(3)
NAMED = {0: "a-7", 1: "b", 2: "zz"}  # as verl's uids
STATEFUL = "outcome('score') | standardize_by_history() | broadcast_to_tokens()"


def rows_of(rollout, shift=0, **fields):
    """The rollout as a trainer has it, with `shift` columns of padding on the left."""
    pad = lambda x, fill: np.pad(x, ((0, 0), (shift, 0)), constant_values=fill)  # noqa: E731
    return Rows(
        pad(rollout.mask, False),
        group=np.array([NAMED[g] for g in rollout.group.tolist()], object),
        step=pad(rollout.step, -1),
        valid=pad(rollout.valid, False),
        logp=pad(rollout.logp, np.nan),
    )._replace(**fields)


def ours(sentence, *rollouts):
    """The advantages of each, one after another."""
    made = estimator(resolve(sentence))
    state, found = made.init(rollouts[0]), []
    for rollout in rollouts:
        advantage, state = made.update({}, state, rollout)
        found.append(np.asarray(advantage))
    return found


@pytest.mark.parametrize("sentence", ["rloo", "gigpo", "prime"])
@pytest.mark.parametrize("shift", [0, 5])
def test_the_advantages_are_ours(sentence, shift):
    """Uneven groups under names, holes, an empty row, padding on either side."""
    rollout = MADE
    advantage = Advantage(sentence)
    signals = {name: rollout.signals[name] for name in advantage.reads}
    for name, x in signals.items():
        if x.shape == rollout.mask.shape:
            signals[name] = np.pad(x, ((0, 0), (shift, 0)))
    found = advantage(rows_of(rollout, shift), signals)
    (want,) = ours(sentence, rollout)
    assert found.dtype == np.float32 and found.shape[1] == want.shape[1] + shift
    np.testing.assert_allclose(found[:, shift:], want, rtol=1e-6, atol=1e-6)
    assert not found[:, :shift].any()


def test_the_state_goes_on_and_is_kept():
    """From call to call, not in evaluation, and through a checkpoint."""
    one, other = ragged(1), ragged(2)
    want = ours(STATEFUL, one, other)
    asked = [(rows_of(x), {"score": x.signals["score"]}) for x in (one, other)]
    first = Advantage(STATEFUL)
    np.testing.assert_allclose(first(*asked[0]), want[0], atol=1e-6)
    saved = first.state_dict()
    looked = first(*asked[1], learn=False)
    np.testing.assert_array_equal(first(*asked[1]), looked)
    np.testing.assert_allclose(looked, want[1], atol=1e-6)
    again = Advantage(STATEFUL)
    again.load_state_dict(saved)
    assert again.state_dict().keys() == saved.keys() and again.calls == 1
    np.testing.assert_array_equal(again(*asked[1]), looked)
    foreign = Advantage("rloo")
    foreign.load_state_dict(saved)
    with pytest.raises(ValueError, match="that of another sentence"):
        foreign(asked[0][0], {"correct": one.signals["correct"]})


def test_schedules_read_how_often_it_has_learned():
    halves = "outcome('correct') | weighted_sum(correct=linear(1, 0, 2))"
    advantage = Advantage(halves)
    paid = [advantage(Rows([[1]]), {"correct": [1.0]}).item() for _ in range(3)]
    assert paid == [1.0, 0.5, 0.0]


def test_what_is_ragged_or_missing_abstains():
    """Lists of lists with None, and what None is to a group: not a zero."""
    mask = [[1, 1, 0, 1], [1, 0, 0, 0], [1, 1, 1, 1]]
    made = Advantage("outcome('correct') | center_by_group() | broadcast_to_tokens()")
    found = made(Rows(mask), {"correct": [1.0, None, 0.0]})
    assert found.tolist() == [[0.5, 0.5, 0, 0.5], [0] * 4, [-0.5] * 4]
    steps = Advantage("process('prm')")
    found = steps(Rows(mask), {"prm": [[0.25, None], [0.5], [1.0]]})
    assert found.tolist() == [[0, 0.25, 0, 0], [0.5, 0, 0, 0], [0, 0, 0, 1.0]]


@pytest.mark.parametrize(
    "rows, signals, said",
    [
        (Rows([1, 0]), {"correct": [1.0]}, "the mask has shape"),
        (Rows([[1, 0]], group=["a", "b"]), {"correct": [1.0]}, "2 group ids and 1"),
        (Rows([[1, 0]], step=[[0]]), {"correct": [1.0]}, "step has shape"),
        (Rows([[1, 0]]), {"score": [1.0]}, "no signal 'correct'"),
        (Rows([[1, 0]]), {"correct": [1.0, 2.0]}, "must have 1 rows first"),
    ],
)
def test_what_does_not_fit_is_one_sentence(rows, signals, said):
    with pytest.raises(ValueError, match=said):
        Advantage("rloo")(rows, signals)


def test_step_scores_must_reach_the_last_step():
    with pytest.raises(ValueError, match="'prm' has 1 numbers a row and needs 2"):
        Advantage("process('prm')")(Rows([[1, 0, 1]]), {"prm": [[1.0]]})


def test_log_probs_that_are_not_there_are_missed():
    """Not taken for zeros."""
    with pytest.raises(ValueError, match="does it read log-probs"):
        Advantage("kl_penalty(0.1)")(Rows([[1], [1]]), {"ref_logp": [[-1.0], [-2.0]]})


def test_arrays_are_mapped():
    assert numbered(["b", "a", "b"], 3).tolist() == [0, 1, 0]
    assert (
        numbered(np.array([7, 7]), 2).tolist() == [0, 0] == numbered(None, 2).tolist()
    )
    mask = np.array([[0, 1, 0, 1, 0], [0, 0, 0, 0, 0]], bool)
    assert span(mask).astype(int).tolist() == [[0, 1, 1, 1, 0], [0] * 5]
    assert turns(mask)[0].tolist() == [0, 0, 0, 1, 1]
    assert to_numpy(jax.numpy.ones(2)).tolist() == [1, 1]
    assert np.isnan(to_numpy([[1.0], [2.0, 3.0]])).tolist() == [[0, 1], [0, 0]]


def test_nothing_of_torch_is_imported():
    assert "torch" not in sys.modules and "trl" not in sys.modules


def verls(rollout):
    """What verl hands to an advantage function, of one outcome a row."""
    n = len(rollout.mask)
    rewards = np.zeros(rollout.mask.shape, np.float32)
    last = rollout.mask.shape[1] - 1 - np.argmax(rollout.mask[:, ::-1], axis=1)
    rewards[np.arange(n), last] = rollout.signals["correct"]
    return {
        "token_level_rewards": np.where(rollout.mask, rewards, 0),
        "response_mask": rollout.mask.astype(np.int64),
        "config": None,
        "index": np.array([NAMED[g] for g in rollout.group.tolist()], object),
    }


def test_verl_calls_it_as_its_own(monkeypatch):
    """Registered under a name, with the arguments that its trainer gives."""
    known = {}
    module = types.ModuleType("verl.trainer.ppo.core_algos")
    module.register_adv_est = lambda name: lambda f: known.setdefault(name, f)
    for name in ("verl", "verl.trainer", "verl.trainer.ppo"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    with pytest.warns(UserWarning, match="verl takes"):
        register("rloo_of_ours", "rloo")
    advantages, returns = known["rloo_of_ours"](**verls(MADE))
    (want,) = ours("rloo", MADE)
    np.testing.assert_allclose(advantages, want, atol=1e-6)
    np.testing.assert_array_equal(returns, advantages)


def test_verl_hands_on_more_than_the_outcome():
    """Facts of rows, and log-probs of tokens, where a trainer gives its batch."""
    sentence = (
        "outcome('correct') | outcome('format') | weighted_sum(correct=1, format=2)"
    )
    handed = {**verls(MADE), "non_tensor_batch": {"form": MADE.signals["format"]}}
    compute = advantage_of(sentence, signals={"format": "form"})
    made, _ = compute(**handed)
    total = MADE.signals["correct"] + 2 * MADE.signals["format"]
    np.testing.assert_allclose(
        made.sum(axis=1), np.where(MADE.mask.any(axis=1), total, 0), atol=1e-6
    )
    with pytest.raises(ValueError, match="no 'form' for the signal 'format'"):
        compute(**verls(MADE))
    likely = advantage_of("kl_penalty(0.1) | returns_to_go()")
    batch = {"old_log_probs": MADE.logp, "ref_log_prob": MADE.signals["ref_logp"]}
    made, _ = likely(**verls(MADE), batch=batch)
    np.testing.assert_allclose(
        made, ours("kl_penalty(0.1) | returns_to_go()", MADE)[0], atol=1e-6
    )


def test_what_stays_behind_is_said():
    with pytest.warns(UserWarning, match="verl takes the advantages of 'dapo' and"):
        advantage_of("dapo")
