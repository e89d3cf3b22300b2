"""A critic that knows the answer: its scores, its loss and its gradient, by loops."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rewardlab.data.batch import Batch
from rewardlab.models.logprobs import TokenStats
from rewardlab.scorers.protocol import Context, Setting
from rewardlab.scorers.sentence import scorers_of
from rewardlab.testing import from_arrays

V, B, G, T, BETA = 6, 3, 3, 6, 0.7
CORRECT = np.array([1.0, 0, 1, 0, 0, 1, 1, 1, 0])
HEARD = np.arange(B * G) != 2


class AfterTheTruth:
    """Logits [V, V, V] by the first token of the prompt and by the token before."""

    def log_probs(self, params, rollout, temperature=1.0):
        first = jnp.argmax(rollout.prompt_mask, axis=1)[:, None]
        told = jnp.take_along_axis(rollout.prompts, first, axis=1)[rollout.group]
        before = jnp.pad(rollout.tokens, ((0, 0), (1, 0)), constant_values=V - 1)
        table = jax.nn.log_softmax(params, axis=-1)
        logp = table[told, before[:, :-1], rollout.tokens]
        return TokenStats(jnp.where(rollout.valid, logp, 0), jnp.zeros(logp.shape))


def wide(x):
    floating = jnp.issubdtype(jnp.asarray(x).dtype, jnp.floating)
    return jnp.asarray(x, jnp.float64) if floating else jnp.asarray(x)


@pytest.fixture
def given(x64):
    """Ragged turns with the environment's tokens, an empty row, one without a verdict;
    the answer of the second prompt has one token."""
    rng = np.random.default_rng(0)
    valid = np.arange(T) < rng.integers(2, T + 1, B * G)[:, None]
    mask = valid & (rng.random((B * G, T)) < 0.8)
    mask[:, 0], mask[4] = valid[:, 0], False
    step = np.where(valid, np.arange(T) // 2, -1)
    correct = np.where(HEARD, CORRECT, np.nan)
    signals = {"correct": correct, "correct_valid": HEARD}
    rollout = from_arrays(mask, np.repeat(np.arange(B), G), step, valid, **signals)
    rollout = dataclasses.replace(
        rollout,
        tokens=rng.integers(0, V, (B * G, T)),
        prompts=rng.integers(0, V, (B, 2)),
        prompt_mask=np.ones((B, 2), bool),
    )
    batch = Batch(
        {
            "truth": jnp.array([[4, 1], [9, 2], [3, 5]]),
            "truth_mask": jnp.array([[True, True], [False, True], [True, True]]),
        },
        {},
    )
    ref, phi = rng.normal(size=(2, V, V, V))
    return jax.tree.map(wide, (rollout, ref, phi, batch))


FIRST = (4, 2, 3)  # of each prompt's answer


def turns(phi, rollout, ref, how):
    """{(row, turn): u}."""
    found = {}
    tokens, mask, step = (
        np.asarray(getattr(rollout, x)) for x in ("tokens", "mask", "step")
    )
    for i in range(B * G):
        parts = {}
        for t in np.flatnonzero(mask[i]):
            ratio = 0.0
            for table, sign in ((phi, 1), (ref, -1)):
                row = np.asarray(table)[FIRST[i // G], tokens[i, t - 1] if t else V - 1]
                ratio += sign * (row[tokens[i, t]] - math.log(np.exp(row).sum()))
            parts.setdefault(step[i, t], []).append(ratio)
        for k, x in parts.items():
            found[i, k] = sum(x) / (len(x) if how == "mean" else 1)
    return found


def loss_by_hand(phi, rollout, ref, how):
    """The sum over pairs of a prompt, and how many there are."""
    u, losses = turns(phi, rollout, ref, how), []
    there = {i for i, _ in u if HEARD[i]}
    total = {i: BETA * sum(x for (j, _), x in u.items() if j == i) for i in there}
    for i in there:
        for j in there:
            if i // G == j // G and CORRECT[i] > CORRECT[j]:
                losses.append(math.log1p(math.exp(total[j] - total[i])))
    return sum(losses), len(losses)


@pytest.mark.parametrize("how", ["mean", "sum"])
def test_scores_loss_and_gradient_are_those_of_the_equation(given, how):
    rollout, ref, phi, batch = given
    setting = Setting(dict.fromkeys(("policy", "reference"), AfterTheTruth()), None, {})
    (scorer,) = scorers_of(f"privileged_critic(beta={BETA}, turn={how!r})", setting)
    context = Context(None, None, {"reference": ref, "policy": None}, {})
    found = scorer.score(phi, context, rollout, batch)
    got, want = np.asarray(found["turn_score"]), turns(phi, rollout, ref, how)
    for place, x in want.items():
        assert got[place] == pytest.approx(x, rel=1e-9)
    there = np.zeros(got.shape, bool)
    there[tuple(np.transpose(list(want)))] = True
    assert not got[~there].any()

    rows = rollout.with_signals(**found)
    loss = lambda phi: scorer.fit.loss(phi, context, rows, batch, None)[0]  # noqa: E731
    total, slope = loss(phi), jax.grad(lambda phi: loss(phi).value)(phi)
    value, count = loss_by_hand(phi, rollout, ref, how)
    assert float(total.value) == pytest.approx(value, rel=1e-9)
    assert float(total.count) == count > 2
    for at in ((4, V - 1, 0), (2, 1, 2), (3, 3, 3), (0, 1, 1)):
        two = []
        for move in (1e-5, -1e-5):
            moved = np.asarray(phi).copy()
            moved[at] += move
            two.append(loss_by_hand(moved, rollout, ref, how)[0])
        want = (two[0] - two[1]) / 2e-5
        assert float(slope[at]) == pytest.approx(want, rel=1e-5, abs=1e-9), at
    at_first = scorer.score(ref, context, rollout, batch)["turn_score"]
    assert not np.any(at_first)
