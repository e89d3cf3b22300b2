"""The language: what is read, what is refused, and that it reads back."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracle import apply

from rewardlab import (
    METHODS,
    build,
    describe,
    estimator,
    hyperparameters,
    reads,
    resolve,
    weighted_sum,
)
from rewardlab.contrib import tanh
from rewardlab.methods.sentence import shaped_reward
from rewardlab.testing import from_arrays, ragged
from rewardlab.transforms.baselines import center_by_group
from rewardlab.transforms.shapers import relative
from rewardlab.transforms.sources import outcome

GRPO = "outcome('correct') | center_by_group() | scale_by_group_std(eps=1e-6)"


def advantage(transform, rollout=None):
    rollout = ragged() if rollout is None else rollout
    closed = estimator(transform)
    return np.asarray(apply(closed, rollout))


def test_every_sentence_is_described_as_it_reads():
    for method in METHODS.values():
        text = describe(method.build())
        assert describe(build(text)) == text


def program(transform):
    """The operations of a transform, and the arrays that it holds."""
    rollout = ragged()
    jaxpr = jax.make_jaxpr(transform.update)({}, transform.init(rollout), rollout)
    return re.sub("0x[0-9a-f]+", "", str(jaxpr)), jaxpr.consts


@pytest.mark.parametrize("name", METHODS)
def test_a_sentence_reads_back(name):
    """`build(describe(t))` computes as t does, operation by operation."""
    transform = METHODS[name].build()
    (again, held), (first, meant) = map(
        program, (build(describe(transform)), transform)
    )
    assert again == first
    jax.tree.map(np.testing.assert_array_equal, held, meant)


def test_programs_tell_sentences_apart():
    """Of the test above: another argument is another program."""
    one, other = (build(f"outcome('correct') | cap({tau})") for tau in (0.5, 0.25))
    assert program(one)[0] == program(one)[0] != program(other)[0]


def test_a_transform_remembers_how_it_was_written():
    """Made in Python or read from text, the sentence is the same."""
    assert outcome("a").sentence == "outcome('a')"
    assert center_by_group(leave_one_out=True).sentence == (
        "center_by_group(leave_one_out=True)"
    )
    nested = relative("ref", tanh(), num_references=3)
    assert nested.sentence == "relative('ref', tanh(), num_references=3)"
    assert build(nested.sentence).sentence == nested.sentence
    assert weighted_sum(a=lambda i: i).sentence == "weighted_sum(a=function)"
    assert build("outcome('a') | on('a', clip_reward(tau))", tau=0.5).sentence == (
        "outcome('a') | on('a', clip_reward(0.5))"
    )


def test_pipes_inside_calls_are_chains():
    """An argument may be a sentence itself."""
    text = "process('prm') | on('prm', clip_reward(0.5) | delta()) | returns_to_go()"
    flat = "process('prm') | clip_reward(0.5) | delta() | returns_to_go()"
    np.testing.assert_array_equal(advantage(build(text)), advantage(build(flat)))


def test_a_bare_name_is_a_hyperparameter_of_any_kind():
    """Numbers, arrays and schedules; a signal's name too."""
    text = "outcome(name) | weighted_sum(correct=w) | returns_to_go()"
    assert hyperparameters(text) == {"name", "w"}
    want = advantage(build(text, name="correct", w=2.0))
    for w in (jnp.asarray(2.0), lambda iteration: iteration + 2.0):
        np.testing.assert_array_equal(advantage(build(text, name="correct", w=w)), want)


def test_signals_are_known_before_anything_runs():
    """Names, references and conditions; channels are not signals."""
    text = "outcome('score') | par(ref='ref_score') | gate('ready', cap(1))"
    text += " | kl_penalty(0.1) | on('score', tanh()) | weighted_sum(score=1, kl=1)"
    assert reads(build(text)) == {"score", "ref_score", "ready", "ref_logp"}
    assert reads(build("outcome(x)", x="correct")) == {"correct"}


REFUSED = {
    "outcome('correct'": "this is not a sentence",
    "outcome('correct') |": "this is not a sentence",
    "": "this is not a sentence",
    "outcome('correct') + center_by_group()": "a sentence is calls joined by |",
    "outcome": "'outcome' is not a transform",
    "outcomes('correct')": "unknown transform 'outcomes', did you mean 'outcome'?",
    "zzz()": "unknown transform 'zzz'; have ",
    "outcome('a', 'b')": "takes 1 positional argument but 2 were given",
    "clip_reward(eta=tau)": "no value for the hyperparameter 'tau'; have []",
    "clip_reward(eta=[x for x in y])": "is not a name, a literal or a transform",
    "__import__('os').system('true')": "is not a transform",
    "clip_reward(__import__('os'))": "unknown transform '__import__'",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_not_a_sentence_is_refused(text):
    """In one sentence, and nothing is ever evaluated."""
    with pytest.raises(ValueError) as error:
        build(text)
    assert REFUSED[text] in str(error.value)
    assert "\n" not in str(error.value)


def test_unused_hyperparameters_are_refused():
    """A value that nobody reads is an error, not a surprise."""
    with pytest.raises(
        ValueError, match="hyperparameters \\['beta'\\] are not used by"
    ):
        build(GRPO, beta=1.0)


def test_resolve_takes_a_name_or_a_sentence():
    """A method's own values can be replaced; other names are refused with a hint."""
    grpo = resolve("grpo", eps=1e-4)
    assert "scale_by_group_std(eps=0.0001)" in describe(grpo)
    assert describe(resolve(GRPO)) == describe(build(GRPO))
    with pytest.raises(ValueError, match="no method 'grpoo'; did you mean 'grpo'"):
        resolve("grpoo")
    with pytest.raises(ValueError, match="no method 'zzz'; have grpo, dr_grpo"):
        resolve("zzz")
    with pytest.raises(ValueError, match="are not used by"):
        resolve("rloo", eps=1.0)


@pytest.mark.parametrize("name", METHODS)
def test_every_row_has_a_reward_to_log(name):
    """One channel [N, T], by shapes alone: a run reads it at every step."""
    transform, rollout = METHODS[name].build(), ragged()
    state = transform.init(rollout)
    found = jax.eval_shape(shaped_reward(transform), state, rollout)
    assert found.value.shape == found.placed.shape == rollout.mask.shape


@pytest.mark.parametrize("words", ["whiten()", "center_by_batch() | whiten()"])
def test_channels_with_goals_are_joined_in_the_reward_to_log(words):
    """(C - sum m) R_base + sum m R_c of the raw channels; m = sigmoid(0) = 1/2."""
    text = f"constrained_sum('score', {words}, correct=0.5, style=1.0)"
    transform = build(
        f"outcome('score') | outcome('correct') | outcome('style') | {text}"
    )
    signals = {
        k: np.array([1.0, 2, 4]) * 10**i
        for i, k in enumerate(("score", "correct", "style"))
    }
    rollout = from_arrays(np.ones((3, 1)), **signals)
    got = shaped_reward(transform)(transform.init(rollout), rollout)
    want = [[1 + 5 + 50], [2 + 10 + 100], [4 + 20 + 200]]
    np.testing.assert_allclose(got.value, want)
