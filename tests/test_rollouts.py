"""What is no rollout is refused by the estimator, which names the field."""

import dataclasses
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rewardlab import build, estimator
from rewardlab.core.shapes import check_rollout
from rewardlab.testing import ragged

GOOD = ragged()  # 3 prompts of 3 tokens, 12 rows of 12 tokens
CLOSED = estimator(build("outcome('score') | center_by_group() | returns_to_go()"))


def other(**fields):
    return dataclasses.replace(GOOD, **fields)


def signal(**signals):
    return GOOD.with_signals(**signals)


BAD = {
    "mask as float": (
        other(mask=GOOD.mask.astype(np.float32)),
        "rollout.mask must be True and False, [N, T], and is float32 of shape (12, 12)",
    ),
    "mask as integers": (
        other(mask=GOOD.mask.astype(int)),
        "rollout.mask must be True",
    ),
    "tokens as float": (
        other(tokens=GOOD.tokens * 1.0),
        "rollout.tokens must be integers, [N, T], and is float",
    ),
    "logp as integers": (other(logp=GOOD.tokens), "rollout.logp must be floats"),
    "a token short": (
        other(mask=GOOD.mask[:, 1:]),
        "rollout.mask has shape (12, 11) and must have (12, 12), as rollout.tokens has",
    ),
    "log-probs a token short": (
        other(logp=GOOD.logp[:, 1:]),
        "rollout.logp has shape (12, 11) and must have (12, 12)",
    ),
    "tokens a token short": (other(tokens=GOOD.tokens[:, 1:]), "must have (12, 11)"),
    "a row short": (other(step=GOOD.step[1:]), "rollout.step has shape (11, 12) and"),
    "groups short": (other(group=GOOD.group[1:]), "rollout.group has shape (11,) and"),
    "groups as a column": (
        other(group=GOOD.group[:, None]),
        "rollout.group must be integers, [N], and is int32 of shape (12, 1)",
    ),
    "groups as float": (
        other(group=GOOD.group * 1.0),
        "rollout.group must be integers",
    ),
    "a group too many": (
        other(group=np.where(np.arange(12) == 5, 3, GOOD.group)),
        "rollout.group of row 5 is 3 and there are 3 prompts; number them from 0",
    ),
    "a group below 0": (other(group=GOOD.group - 1), "rollout.group of row 0 is -1"),
    "a flat mask of prompts": (
        other(prompt_mask=GOOD.prompt_mask[0]),
        "rollout.prompt_mask must be True and False, [B, P], and is bool of shape (3,)",
    ),
    "flat": (other(tokens=GOOD.tokens[0]), "rollout.tokens must be integers, [N, T]"),
    "mask as a list": (other(mask=GOOD.mask.tolist()), "rollout.mask is a list; give"),
    "no mask": (other(mask=None), "rollout.mask is a NoneType; give an array"),
    "iterations": (other(iteration=np.arange(2)), "rollout.iteration must be integers"),
    "a signal as a list": (
        signal(score=[1.0] * 12),
        "rollout.signals['score'] is a list; give an array, as jnp.asarray makes it",
    ),
    "a signal as a number": (signal(score=1.0), "signals['score'] is a float; give"),
    "a signal of no axis": (
        signal(score=np.asarray(1.0)),
        "the signal 'score' has shape () and must have 12 rows first",
    ),
    "a signal a row short": (
        signal(score=np.ones(11)),
        "the signal 'score' has shape (11,) and must have 12 rows first",
    ),
    "a signal of prompts": (signal(score=np.ones(3)), "has shape (3,) and must have"),
    "a signal a token short": (
        signal(ref_logp=np.ones((12, 11))),
        "the signal 'ref_logp' has shape (12, 11) and must have (12, 12), as rollout",
    ),
    "a signal as text": (
        signal(score=np.array(["a"] * 12)),
        "the signal 'score' must be numbers, or True and False, and is <U1",
    ),
    "a signal of objects": (signal(score=np.array([None] * 12)), "and is object"),
    "a complex signal": (signal(score=np.ones(12) * 1j), "and is complex128"),
    "validity as float": (
        signal(score=np.ones(12), score_valid=np.ones(12)),
        "the signal 'score_valid' must be True and False and is float64",
    ),
    "validity of tokens": (
        signal(score=np.ones(12), score_valid=np.ones((12, 12), bool)),
        "the signal 'score_valid' must be of shape (12,) and has (12, 12)",
    ),
    "no rows": (
        jax.tree.map(lambda x: x[:0] if np.ndim(x) else x, GOOD),
        "rollout.tokens has shape (0, 12); give it at least one row of one token",
    ),
    "signals as a list": (
        other(signals=[1]),
        "rollout.signals must be a dict of arrays",
    ),
    "a name": (other(signals={3: np.ones(12)}), "the name 3, which is no text"),
    "no rollout": ({"tokens": 1}, "this is no Rollout but dict"),
    "nothing": (None, "this is no Rollout but NoneType"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_rollout_is_one_sentence(case):
    rollout, message = BAD[case]
    state = CLOSED.init(GOOD)
    for door in (CLOSED.init, lambda rollout: CLOSED.update({}, state, rollout)):
        with pytest.raises(ValueError, match=re.escape(message)) as error:
            door(rollout)
        assert "\n" not in str(error.value)


def test_shapes_are_checked_under_a_trace_too():
    """And values are not, which costs compiled code nothing."""
    short = other(logp=GOOD.logp[:, 1:])
    with pytest.raises(ValueError, match="rollout.logp has shape"):
        jax.eval_shape(lambda r: CLOSED.update({}, (), r), short)
    with pytest.raises(ValueError, match="rollout.logp has shape"):
        check_rollout(jax.eval_shape(lambda: short))
    wrong = other(group=GOOD.group + 9)
    traced = jax.make_jaxpr(lambda r: check_rollout(r) or r.group)(wrong)
    assert not traced.eqns


def test_what_is_a_rollout_passes():
    """Of NumPy or JAX, in either precision, with the clock as an int, and shapes."""
    check_rollout(GOOD)
    check_rollout(jax.tree.map(jnp.asarray, GOOD))
    check_rollout(other(iteration=3))
    check_rollout(other(logp=jnp.asarray(GOOD.logp, jnp.bfloat16)))
    check_rollout(jax.eval_shape(lambda: GOOD))
    check_rollout(signal(mine=np.ones((12, 3, 2)), flags=np.ones(12, bool)))


def test_what_does_not_fit_inside_a_word_is_one_sentence():
    """A shape that no word asks for is said by the sentence that fails on it."""
    closed = estimator(build("outcome('correct') | weigh_by_unlikeness('wide')"))
    with pytest.raises(
        ValueError, match="weigh_by_unlikeness.* does not fit this roll"
    ):
        closed.init(signal(wide=np.ones((12, 5))))
