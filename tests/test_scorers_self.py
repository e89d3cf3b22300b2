"""The policy's own verdict after the end: read, and taught."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from judged import SMALL, context, rows, setting

from rewardlab.models.logprobs import TokenStats
from rewardlab.models.model import Model
from rewardlab.objectives import build_loss, verdict_token
from rewardlab.objectives.self_verdict import self_verdict
from rewardlab.objectives.words import loss_tree
from rewardlab.scorers import asking
from rewardlab.scorers.sentence import scorers_of


def test_it_is_read_after_the_end_of_each_row():
    """As if the token stood behind question and completion; the policy's step reads
    the same number, and its own log-probs stay as they are."""
    rollout, at = rows(), context()
    model, params = Model(SMALL), at.params["policy"]
    prompt = asking.joined(asking.question(rollout), asking.completion(rollout))
    case = asking.put(prompt, jnp.zeros((8, 1), jnp.int32))
    want = np.asarray(model.log_probs(params, case).logp)[:, 0]
    both = model.log_probs_to_end(params, rollout, 0, 1.0, whole=True)
    np.testing.assert_allclose(both.end, want, atol=1e-5)
    plain = model.log_probs(params, rollout, 1.0, whole=True)
    np.testing.assert_allclose(both.logp, plain.logp, atol=1e-5)
    np.testing.assert_allclose(both.entropy, plain.entropy, atol=1e-5)
    (scorer,) = scorers_of("self_score(baseline=-9)", setting(model))
    got = scorer.score((), at, rollout, None)["self_score"]
    by_hand = np.clip(0.1 * (want + 9), 0, 1)
    by_hand[3] = 0  # an empty row
    np.testing.assert_allclose(got, by_hand, atol=1e-6)


def test_its_loss_and_gradient():
    """0.2 (s - r)^2 on every token of rows that ended; nothing of the others."""
    rollout = rows()
    end = jnp.linspace(-30, -10, 8)
    known = jnp.arange(8) != 5
    rollout = rollout.with_signals(
        correct=jnp.where(known, rollout.signal("correct"), jnp.nan),
        correct_valid=known,
    )
    zeros = jnp.zeros(rollout.mask.shape)

    def total(end):
        stats = TokenStats(zeros, zeros, end)
        per_token, told = self_verdict(0.2, baseline=-20.0)(stats, rollout, zeros)
        return jnp.sum(per_token), told

    (value, told), slope = jax.value_and_grad(total, has_aux=True)(end)
    score = 0.1 * (np.asarray(end, float) + 20)
    counts = np.array([True, True, False, False, True, False, True, True])
    counts &= ~np.asarray(rollout.mask)[:, -1]
    counts[2] = not bool(rollout.mask[2, -1])
    right = np.where(known, np.asarray(rollout.signal("correct")), 0)
    length = np.asarray(rollout.mask).sum(1)
    squares = np.where(counts, (score - right) ** 2, 0)
    assert float(value) == pytest.approx(0.2 * np.sum(length * squares), rel=1e-5)
    want = np.where(counts, 0.2 * length * 2 * (score - right) * 0.1, 0)
    np.testing.assert_allclose(slope, want, atol=1e-5)
    assert float(told["self_verdict"].count) == counts.sum()


def test_the_loss_says_which_token_it_reads():
    text = "clipped(0.2) | self_verdict(token=7) | token_mean()"
    assert verdict_token(loss_tree(text)) == 7
    assert verdict_token(loss_tree("clipped(0.2) | token_mean()")) is None
    rollout = rows()
    stats = TokenStats(rollout.logp, rollout.logp, jnp.full(8, -18.0))
    _, told = build_loss(text)(stats, rollout, jnp.zeros(rollout.mask.shape))
    assert "self_accuracy" in told
