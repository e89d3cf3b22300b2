"""What agents' methods and token weights are in special cases: plainer methods."""

import numpy as np
import pytest
from oracle import apply

from rewardlab import METHODS, build, estimator
from rewardlab.testing import from_arrays, ragged

pytestmark = pytest.mark.usefixtures("x64")


def advantage(sentence, rollout, **hp):
    closed = estimator(build(sentence, **hp))
    return np.asarray(apply(closed, rollout))


def of(method, rollout, **hp):
    closed = estimator(METHODS[method].build(**hp))
    return np.asarray(apply(closed, rollout))


def tree(parts, **signals):
    """Rows of one-token steps; `parts` names the node of each."""
    width = max(len(row) for row in parts)
    mask = np.arange(width) < np.array([len(row) for row in parts])[:, None]
    names = sorted({name for row in parts for name in row})
    node = [[names.index(x) for x in row] + [0] * (width - len(row)) for row in parts]
    step = np.where(mask, np.arange(width), -1)
    return from_arrays(mask, step=step, node=np.array(node), **signals)


TOTAL = "process('prm') | episode_return() | center_by_group()"
GRPO = f"{TOTAL} | scale_by_group_std() | broadcast_to_tokens()"


@pytest.mark.parametrize("anchor", ["weightless", "unique"])
def test_gigpo_without_states_is_grpo(anchor):
    """The states do not count, or no state is seen twice."""
    rollout = ragged().with_signals(anchor=np.arange(12 * 4).reshape(12, 4))
    w = 0.0 if anchor == "weightless" else 1.0
    np.testing.assert_allclose(
        of("gigpo", rollout, w=w), advantage(GRPO, rollout), rtol=1e-9
    )


def test_gigpo_and_verl_agent_agree_on_equal_lengths():
    """If all episodes have as many steps, each counts as often in both."""
    rng = np.random.default_rng(0)
    step = np.tile(np.arange(3), (4, 1))
    prm, anchor = rng.normal(size=(4, 3)), rng.integers(0, 2, (4, 3))
    rollout = from_arrays(np.ones((4, 3)), step=step, prm=prm, anchor=anchor)
    centred = [
        METHODS[name].reward.replace(" | scale_by_group_std(eps=eps)", "")
        for name in ("gigpo", "gigpo_like_verl_agent")
    ]
    hp = {"gamma": 0.9, "w": 1.0, "eps": 1e-6}
    one, other = (advantage(text, rollout, **hp) for text in centred)
    np.testing.assert_allclose(one, other, rtol=1e-9)


def test_toolpo_without_calls_is_dr_grpo():
    """And with equal answers only calls learn; both parts add up to 0 over a group."""
    rng = np.random.default_rng(0)
    calls = rng.random((4, 6)) < 0.5
    signals = {"correct": rng.normal(size=4), "action": rng.normal(size=4)}
    rollout = from_arrays(np.ones((4, 6)), is_call=calls, **signals)
    silent = rollout.with_signals(is_call=np.zeros((4, 6)))
    np.testing.assert_allclose(of("toolpo", silent), of("dr_grpo", silent))
    equal = rollout.with_signals(correct=np.full(4, 0.7))
    assert not of("toolpo", equal)[~calls].any()
    everywhere = of("toolpo", rollout.with_signals(is_call=np.ones((4, 6))))
    np.testing.assert_allclose(everywhere.sum(axis=0), 0, atol=1e-12)


def test_arpo_hard_adds_up_to_the_soft_form():
    """Over the rows that share a segment; without sharing they are the same."""
    parts = ["pqa", "pqb", "pc", "d"]
    correct = np.array([1.0, 0.0, 0.0, 1.0])
    rollout = tree(parts, correct=correct)
    hard, soft = of("arpo_hard", rollout), of("grpo", rollout)
    for rows, column in (([0, 1, 2], 0), ([0, 1], 1), ([0], 2), ([2], 1), ([3], 0)):
        mean = soft[rows, column].mean()
        np.testing.assert_allclose(hard[rows, column], mean, atol=1e-12)
    apart = tree(["abc", "def", "gh", "i"], correct=correct)
    np.testing.assert_array_equal(of("arpo_hard", apart), of("grpo", apart))


def test_portool_compares_siblings():
    """Children of the prompt: p is worth (1 + 0) / 2 and d 1; under p: a 1 and b 0."""
    rollout = tree(
        ["pa", "pb", "d"], correct=np.array([1.0, 0, 1]), prm=np.zeros((3, 2))
    )
    got = of("portool", rollout, w_row=0.0)
    want = [[-0.25, 0.5], [-0.25, -0.5], [0.25, 0]]
    np.testing.assert_allclose(got, want, atol=1e-12)
    rows = of("portool", rollout, w_fork=0.0)
    np.testing.assert_allclose(rows, of("dr_grpo", rollout), atol=1e-12)


def test_rlfr_without_flow_is_grpo():
    """And the flow of a token reaches those before it."""
    rollout = ragged()
    np.testing.assert_allclose(
        of("rlfr", rollout, coef=0.0), of("grpo", rollout, eps=1e-9), rtol=1e-9
    )
    flow = np.array([[1.0, 3.0, 2.0]])
    one = from_arrays(np.ones((1, 3)), flow=flow, correct=np.ones(1))
    np.testing.assert_allclose(of("rlfr", one), [[-0.01, -0.01, 0]], atol=1e-12)


def test_g_opd_without_extrapolation():
    """Scale 1 is distillation whatever the reference; so is a teacher that is it."""
    rollout = ragged()
    teacher, ref = rollout.signals["teacher_logp"], rollout.signals["ref_logp"]
    plain = np.where(rollout.mask, teacher - rollout.logp, 0)
    np.testing.assert_allclose(of("g_opd", rollout, scale=1.0), plain, atol=1e-12)
    same = rollout.with_signals(teacher_logp=ref)
    base = np.where(rollout.mask, ref - rollout.logp, 0)
    np.testing.assert_allclose(of("g_opd", same, scale=3.0), base, atol=1e-12)


def test_weights_that_are_off_are_grpo():
    """All tokens kept, no perplexity, no position, no bonus that is positive."""
    rollout = ragged()
    off = rollout.with_signals(rank_bonus=-np.ones(12))
    grpo = of("grpo", rollout)
    for got in (
        of("high_entropy_tokens", rollout, share=1.0),
        of("earl", rollout, share=1.0),
        of("ppl_shaping", rollout, alpha=0.0),
        of("position_shaping", rollout, scale=0.0),
        of("velocity_rank", off),
        of("steer", rollout),
    ):
        np.testing.assert_array_equal(got, grpo)
