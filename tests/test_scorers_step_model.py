"""A learned process reward model: by hand, and what it must not learn from."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from step_scorers import (
    PROMPTS,
    STEPS,
    N,
    asked,
    learnt,
    rollout_of,
    slope,
    there_of,
)
from test_scorers_words import SETTING

from rewardlab.reward_models import step_scores
from rewardlab.scorers.sentence import scorers_of

FEATURES = "states_after() | step_states() | step_labels('formal')"
KEPT = "past('step_states', 'step_label', 'step_weight', batches=1)"
WORDS = f"{FEATURES} | {KEPT} | step_model(lr=0.01)"


def head_of(states):
    return {k: jnp.asarray(x) for k, x in states["step_model"].params.items()}


def by_hand(head, x, label, weight, loss="cross_entropy"):
    """The weighted mean of the loss over labels, in float64."""
    head = {k: np.asarray(v, np.float64) for k, v in head.items()}
    inner = x @ head["w1"] + head["b1"]
    inner = (
        inner * (1 + np.tanh(0.7978845608028654 * (inner + 0.044715 * inner**3))) / 2
    )
    logit = (inner @ head["w2"] + head["b2"])[..., 0]
    p = 1 / (1 + np.exp(-logit))
    each = -label * np.log(p) - (1 - label) * np.log(1 - p)
    each = each if loss == "cross_entropy" else (p - label) ** 2
    return np.sum(weight * each) / weight.sum(), p


@pytest.mark.parametrize(
    "loss", ["cross_entropy", pytest.param("squared", marks=pytest.mark.slow)]
)
def test_scores_loss_and_gradient_are_those_of_the_equation(loss):
    """With the last batch beside this one; the slope by differences in float64."""
    history = learnt(
        WORDS.replace("lr=0.01", f"lr=0.01, loss={loss!r}"),
        [rollout_of(seed) for seed in range(3)],
        read="prm",
    )
    for i, (scored, before, after, means) in enumerate(history):
        head, s = head_of(before), scored.signals
        old = [history[i - 1][0].signals] if i else []
        names = ("step_states", "step_label", "step_weight")
        parts = [
            np.concatenate([np.asarray(x[n], np.float64) for x in (s, *old)])
            for n in names
        ]
        want, _ = by_hand(head, *parts, loss)
        assert float(means["scorers/step_model/loss"]) == pytest.approx(want, rel=1e-4)
        x = np.asarray(s["step_states"], np.float64)
        _, p = by_hand(head, x, 1, np.ones(x.shape[:2]), loss)
        there = there_of(scored)
        np.testing.assert_allclose(s["prm"], np.where(there, p, 0), atol=1e-4)
        np.testing.assert_array_equal(s["prm_valid"], there)
        if i == 1:  # Adam's first step is over, so its direction says the slope's
            slope = _slope(head, parts, loss)
            norm = np.sqrt(sum(np.sum(g**2) for g in slope.values()))
            got = float(means["scorers/step_model/grad_norm"])
            assert got == pytest.approx(norm, rel=1e-3)
        assert not np.allclose(after["step_model"].params["b2"], head["b2"])


def _slope(head, parts, loss):
    """Central differences, one number at a time; w1's through a few directions."""
    found = {}
    for name in head:
        base = np.asarray(head[name], np.float64)
        slope = np.zeros(base.shape)
        for at in np.ndindex(base.shape):
            ends = []
            for sign in (1, -1):
                moved = base.copy()
                moved[at] += sign * 1e-5
                ends.append(by_hand({**head, name: moved}, *parts, loss)[0])
            slope[at] = (ends[0] - ends[1]) / 2e-5
        found[name] = slope
    return found


def test_two_logits_are_the_sigmoid_of_their_difference():
    rng = np.random.default_rng(0)
    two = jnp.asarray(rng.normal(size=(5, 3, 2)), jnp.float32)
    one = two[..., 1:] - two[..., :1]
    label = jnp.asarray(rng.random((5, 3)), jnp.float32)
    for f in (step_scores.probability, lambda x: step_scores.cross_entropy(x, label)):
        np.testing.assert_allclose(f(two), f(one), atol=1e-5)
    p = jax.nn.softmax(two)[..., 1]
    np.testing.assert_allclose(step_scores.probability(two), p, atol=1e-6)
    scored, states = asked(
        WORDS.replace("lr=0.01", "lr=0.01, logits=2"), rollout_of(), "prm"
    )
    assert states["step_model"]["w2"].shape[-1] == 2
    np.testing.assert_allclose(scored.signals["prm"][0, 0], 0.5)


def test_it_learns_and_what_it_tells_is_by_hand():
    """Right steps are those with a likely token; AUC by pairs of a prompt."""
    rollouts = []
    for seed in range(60):
        rollout = rollout_of(seed)
        rollouts.append(rollout.with_signals(step_correct=_likely(rollout)))
    scored, before, _, means = learnt(WORDS, rollouts, read="prm")[-1]
    right, there = np.asarray(_likely(rollouts[-1])) > 0.5, there_of(scored)
    prm = np.asarray(scored.signals["prm"])
    least = np.asarray(scored.signals["step_states"])[..., -1]
    for name, x in (("auc", prm), ("auc_of_logp", least)):
        got = float(means[f"scorers/step_model/{name}"])
        assert got == pytest.approx(_auc(x, right, there), abs=1e-5)
    assert float(means["scorers/step_model/auc"]) > 0.9
    hits = ((prm > 0.5) == right)[there]
    assert float(means["scorers/step_model/accuracy"]) == pytest.approx(hits.mean())


def _likely(rollout):
    step = rollout.step[:, None] == jnp.arange(STEPS)[:, None]
    least = jnp.min(jnp.where(step, rollout.logp[:, None], 0), axis=2)
    return (least > -1).astype(jnp.float32)


def _auc(score, right, there):
    pairs = above = 0
    rows = N // PROMPTS
    for b in range(PROMPTS):
        mine = [(i, k) for i in range(b * rows, b * rows + rows) for k in range(STEPS)]
        mine = [at for at in mine if there[at]]
        for one in (at for at in mine if right[at]):
            for other in (at for at in mine if not right[at]):
                pairs += 1
                above += (score[one] > score[other]) + (score[one] == score[other]) / 2
    return above / pairs


def test_labels_of_one_side_and_a_frozen_head_move_nothing():
    ones = rollout_of(step_correct=np.ones((N, STEPS), np.float32))
    _, count, grad = slope(WORDS, ones, "prm", w2=0.1)
    assert count == 0 and not any(jnp.any(x) for x in grad.values())
    frozen = WORDS.replace("lr=0.01", "lr=0.01, warmup=1, online=False")
    counts = [slope(frozen, rollout_of(), "prm", i, w2=0.1)[1] for i in range(3)]
    assert counts[0] > 0 and counts[1:] == [0, 0]


def test_numbers_of_whole_rows():
    score = jnp.array([[0.5, 0.9, 0.2], [0.7, 0.6, 9.0], [0.0, 0.0, 0.0]])
    mask = jnp.array([[1, 1, 1], [1, 1, 0], [0, 0, 0]], bool)
    want = {
        "minimum": (0.2, 0.6),
        "product": (0.09, 0.42),
        "last": (0.2, 0.6),
        "mean": (1.6 / 3, 0.65),
        "geometric": (0.09 ** (1 / 3), 0.42**0.5),
    }
    for how, rows in want.items():
        got = step_scores.AGGREGATES[how](score, mask)
        np.testing.assert_allclose(got[:2], rows, rtol=1e-5)
    assert want["minimum"][0] <= want["geometric"][0] <= want["mean"][0]
    rollout = rollout_of(prm_valid=np.asarray(there_of(rollout_of())))
    scored, _ = asked("aggregate_steps('mean')", rollout, "score")
    assert not scored.signals["score_valid"][5] and scored.signals["score"][5] == 0
    row = np.asarray(rollout.signals["prm"])[0][there_of(rollout)[0]]
    assert float(scored.signals["score"][0]) == pytest.approx(row.mean(), rel=1e-6)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("step_model(loss='hinge')", "no loss of step_model 'hinge'"),
        ("step_model(logits=3)", "logits=3 must be 1 or 2"),
        ("step_model(online=False)", "learns in its warm-up alone; write warmup=20"),
        ("aggregate_steps('min')", "no way to aggregate steps 'min'; did you mean"),
    ],
)
def test_what_it_cannot_be_is_said(text, said):
    with pytest.raises(ValueError, match=said):
        scorers_of(text, SETTING)
