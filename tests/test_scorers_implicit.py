"""Implicit reward models: their losses by loops, and the laws that they keep."""

import dataclasses
import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from bigram import Bigram

from rewardlab.learning.fit import fit_step
from rewardlab.reward_models.implicit import vanilla_kto
from rewardlab.runs.step_metrics import auc
from rewardlab.scorers.protocol import Context, Setting
from rewardlab.scorers.sentence import scorers_of
from rewardlab.testing import from_arrays

WORDS = ("implicit", "implicit_dpo", "implicit_kto", "implicit_detached")
V, GROUP, BETA = 5, np.repeat([0, 1, 2], 3), 0.7
CORRECT = np.array([1.0, 0, 1, 0, 0, 1, 1, 1, 1])
CONTEXT = Context(None, None, {"policy": None}, {})
every = pytest.mark.parametrize("word", WORDS)


@functools.cache
def case():
    """Three prompts of three rows: environment tokens, an empty row, a NaN verdict."""
    rng = np.random.default_rng(0)
    valid = np.arange(6) < rng.integers(1, 7, 9)[:, None]
    mask = valid & (rng.random((9, 6)) < 0.7)
    mask[:, 0], mask[4] = valid[:, 0], False
    signals = {"correct": CORRECT.copy(), "correct_valid": np.arange(9) != 2}
    signals["correct"][2] = signals["correct"][4] = np.nan
    rollout = from_arrays(mask, GROUP, valid=valid, logp=-rng.exponential(size=(9, 6)))
    rollout = dataclasses.replace(rollout, tokens=rng.integers(0, V, (9, 6)))
    ref, phi = rng.normal(size=(2, V, V))
    rollout = jax.tree.map(jnp.asarray, rollout.with_signals(**signals))
    case = rollout, jnp.asarray(phi), jnp.asarray(ref)
    rollout, phi, ref = jax.tree.map(lambda x: narrow(x, jnp.float32), case)
    logp = Bigram().log_probs(ref, rollout).logp
    return rollout.with_signals(ref_logp=logp), phi, ref


def narrow(x, kind):
    return x.astype(kind) if jnp.issubdtype(x.dtype, jnp.floating) else x


def scorer_of(word, **options):
    said = ", ".join(f"{k}={v!r}" for k, v in {"beta": BETA, **options}.items())
    models = dict.fromkeys(("policy", "reference"), Bigram())
    return scorers_of(f"{word}({said})", Setting(models, None, {}))[0]


def loss_of(word, phi, rollout, **options):
    return scorer_of(word, **options).fit.loss(phi, CONTEXT, rollout, None, None)


def rewards(phi, rollout, ref="ref_logp"):
    """beta times each row's log-ratio, token by token; None: the row does not count."""
    tokens, mask = np.asarray(rollout.tokens), np.asarray(rollout.mask)
    base = np.asarray(rollout.signals[ref] if ref else rollout.logp, np.float64)
    found = {}
    for i in range(len(mask)):
        if not mask[i].any() or i == 2:
            continue
        found[i] = 0.0
        for t in np.flatnonzero(mask[i]):
            row = np.asarray(phi, np.float64)[tokens[i, t - 1] if t else V - 1]
            logp = row[tokens[i, t]] - math.log(sum(math.exp(x) for x in row))
            found[i] += BETA * (logp - base[i, t])
    return found


def by_hand(word, phi, rollout, held=None, ref="ref_logp"):
    """(sum, count) of a loss; `held` are the rewards that no gradient flows through."""
    r = rewards(phi, rollout, ref)
    held, up = held or r, lambda x: math.log1p(math.exp(-x))
    losses = []
    for i in r:
        mates = [j for j in r if GROUP[j] == GROUP[i] and CORRECT[j] != CORRECT[i]]
        right, sign = CORRECT[i] > 0, 1 if CORRECT[i] > 0 else -1
        if word == "implicit":
            losses.append(up(sign * r[i]))
        elif word == "implicit_dpo":
            losses += [up(r[i] - r[j]) for j in mates] if right else []
        elif word == "implicit_kto" and mates:
            z = max(sum(r[j] for j in mates) / len(mates), 0)
            losses.append(1 - 1 / (1 + math.exp(-sign * (r[i] - z))))
        elif word == "implicit_detached":
            z = sum(held[j] for j in mates) / len(mates) if mates else 0
            losses.append(up(sign * (r[i] - z)))
    return sum(losses), len(losses)


@every
@pytest.mark.parametrize("ref", ["ref_logp", ""])
def test_value_and_gradient_are_the_loops(word, ref):
    with jax.enable_x64(True):
        wide = lambda x: narrow(x, jnp.float64)  # noqa: E731
        rollout, phi, _ = jax.tree.map(wide, case())
        of = lambda p: loss_of(word, p, rollout, ref=ref)[0]  # noqa: E731
        total, grad = of(phi), jax.grad(lambda p: of(p).value)(phi)
    value, count = by_hand(word, phi, rollout, ref=ref)
    assert float(total.count) == count
    assert float(total.value) == pytest.approx(value, rel=1e-5)
    held, h = rewards(phi, rollout, ref), 1e-5
    for at in ((V - 1, 0), (1, 2), (3, 3)):
        two = []
        for sign in (1, -1):
            moved = np.asarray(phi, np.float64).copy()
            moved[at] += sign * h
            two.append(by_hand(word, moved, rollout, held, ref)[0])
        slope = (two[0] - two[1]) / (2 * h)
        assert float(grad[at]) == pytest.approx(slope, rel=1e-4, abs=1e-6)


@every
def test_at_the_reference_nothing_is_known(word):
    """Scores are the reference's, and the loss is log 2 (1/2 of KTO)."""
    rollout, _, ref = case()
    scored = scorer_of(word).score(ref, CONTEXT, rollout, None)["prm_logp"]
    np.testing.assert_array_equal(scored, rollout.signal("ref_logp"))
    total, told = loss_of(word, ref, rollout)
    want = 0.5 if word == "implicit_kto" else math.log(2)
    assert float(total.mean()) == pytest.approx(want, rel=1e-6)
    assert float(told["auc"].mean()) == 0.5
    assert float(told["pairs"].value) == by_hand("implicit_dpo", ref, rollout)[1]


@every
def test_what_is_not_there_changes_nothing(word):
    """Padding, the tokens outside the mask of the reference, a row more or less."""
    rollout, phi, _ = case()
    one = loss_of(word, phi, rollout)
    ref = jnp.where(rollout.mask, rollout.signal("ref_logp"), jnp.nan)
    tokens = jnp.where(rollout.valid, rollout.tokens, 0)
    other = dataclasses.replace(rollout, tokens=tokens).with_signals(ref_logp=ref)
    for a, b in zip(
        *map(jax.tree.leaves, (one, loss_of(word, phi, other))), strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=1e-6)
    order = np.random.default_rng(1).permutation(9)
    move = lambda x: x[order] if jnp.ndim(x) and len(x) == 9 else x  # noqa: E731
    mixed = loss_of(word, phi, jax.tree.map(move, rollout))
    for a, b in zip(*map(jax.tree.leaves, (one, mixed)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)


def stepped(word, phi, rollout, steps=1, optimizer=None):
    scorer = scorer_of(word, lr=0.05)
    optimizer = optimizer or scorer.fit.optimizer({})

    def loss(phi, rollout, rows):
        return *scorer.fit.loss(phi, CONTEXT, rollout, None, None), ()

    step, opt, told = jax.jit(fit_step(loss, optimizer)), optimizer.init(phi), []
    for _ in range(steps):
        phi, opt, sums, _ = step(phi, opt, rollout, ())
        told.append(sums)
    return phi, opt, told


@pytest.mark.parametrize("word", ["implicit_dpo", "implicit_kto"])
def test_without_a_pair_nothing_moves(word):
    rollout, phi, _ = case()
    alike = rollout.with_signals(correct=jnp.ones(9), correct_valid=jnp.ones(9, bool))
    after, opt, (told,) = stepped(word, phi, alike)
    np.testing.assert_array_equal(after, phi)
    assert all(float(jnp.sum(jnp.abs(x))) == 0 for x in jax.tree.leaves(opt))
    assert float(told["loss"].count) == 0 and float(told["skipped"].value) == 0


def test_nobody_judged_and_all_were_right():
    """Cross-entropy learns from right rows alone, and from no row that abstains."""
    rollout, phi, _ = case()
    silent = rollout.with_signals(correct_valid=jnp.zeros(9, bool))
    np.testing.assert_array_equal(stepped("implicit", phi, silent)[0], phi)
    alike = rollout.with_signals(correct=jnp.ones(9), correct_valid=jnp.ones(9, bool))
    assert float(jnp.max(jnp.abs(stepped("implicit", phi, alike)[0] - phi))) > 0


def test_other_labels_negate_the_gradient_of_pairs():
    rollout, _, ref = case()
    whole = rollout.with_signals(
        correct=jnp.asarray(CORRECT), correct_valid=jnp.ones(9, bool)
    )
    other = whole.with_signals(correct=jnp.asarray(1 - CORRECT))
    a, b = (
        jax.grad(lambda p, r=r: loss_of("implicit_dpo", p, r)[0].value)(ref)
        for r in (whole, other)
    )
    np.testing.assert_allclose(a, -b, atol=1e-6)


def test_outcomes_are_told_better_with_every_step():
    """On rows that it is trained on, as a law: full steps of gradient descent."""
    rollout, _, ref = case()
    *_, told = stepped("implicit", ref, rollout, 20, optax.sgd(0.5))
    losses = [float(x["loss"].mean()) for x in told]
    aucs = [float(x["auc"].mean()) for x in told]
    assert losses == sorted(losses, reverse=True) and aucs == sorted(aucs)
    assert aucs[0] == 0.5 and aucs[-1] == 1


def test_auc():
    rng = np.random.default_rng(0)
    score, right = rng.integers(0, 4, 30) * 1.0, rng.random(30) < 0.4
    there = rng.random(30) < 0.8
    pairs = [(i, j) for i in range(30) for j in range(30) if right[i] and not right[j]]
    pairs = [(i, j) for i, j in pairs if there[i] and there[j]]
    won = [(score[i] > score[j]) + (score[i] == score[j]) / 2 for i, j in pairs]
    got = auc(*map(jnp.asarray, (score, right, there)))
    assert float(got) == pytest.approx(np.mean(won))
    assert np.isnan(float(auc(jnp.ones(3), jnp.ones(3, bool), jnp.ones(3, bool))))


def test_vanilla_kto():
    """Each side against the other's mean, at least 0; gradient through that mean."""
    chosen, rejected = np.array([0.5, -0.2, 1.0]), np.array([0.3, -2.0, 0.1])
    good, bad = max(chosen.mean(), 0), max(rejected.mean(), 0)
    want = [1 - 1 / (1 + np.exp(-(c - bad))) for c in chosen]
    want += [1 - 1 / (1 + np.exp(-(good - r))) for r in rejected]
    rewards = jnp.concatenate([chosen, rejected, np.ones(2)])
    right, group = jnp.arange(8) < 3, jnp.array([4, 4, 4, 4, 4, 4, 5, 5])
    loss, count = vanilla_kto(rewards, right, group)
    np.testing.assert_allclose(loss[:6], want)
    np.testing.assert_array_equal(count, group == 4)  # one outcome alone is no pair
    total = lambda r: jnp.sum(vanilla_kto(r, right, group)[0][3:6])  # noqa: E731
    assert (jax.grad(total)(rewards)[:3] != 0).all()


def test_what_cannot_be_meant_is_said():
    with pytest.raises(ValueError, match="when='during'; write 'after' or 'before'"):
        scorer_of("implicit", when="during")
    with pytest.raises(ValueError, match="no meaning with clip=0"):
        scorer_of("implicit", clip=0)
