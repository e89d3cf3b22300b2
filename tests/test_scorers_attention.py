"""A row's score handed to tokens by attention: a loop, its laws, and a whole run."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scored import written
from test_train import numbers, tiny

from rewardlab.models import lm
from rewardlab.models.model import Model
from rewardlab.reward_models.redistribution import by_attention
from rewardlab.runs.training import train
from rewardlab.scorers.attention import attention_rewards
from rewardlab.scorers.protocol import Context, Setting

SMALL = lm.LMConfig(128, 2, 32, num_heads=4, num_kv_heads=2, head_dim=8, ffn=48)


def case(seed):
    """Ragged masks with holes, an empty row and one that nothing looks at."""
    rng = np.random.default_rng(seed)
    mask = rng.random((6, 7)) < 0.7
    mask[seed % 6] = False
    attention = np.where(mask, rng.random((6, 7)) / 9, np.nan)
    attention[(seed + 1) % 6] = np.where(mask[(seed + 1) % 6], 0, np.nan)
    return attention, rng.normal(size=6), mask


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("beta", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_shares_are_those_of_a_loop(seed, beta):
    attention, score, mask = case(seed)
    want = np.zeros(mask.shape)
    for i in range(6):
        places = np.flatnonzero(mask[i]).tolist()
        total = sum(attention[i, t] for t in places)
        for t in places:
            share = attention[i, t] / total if total else 1 / len(places)
            want[i, t] = score[i] * (beta * share + (1 - beta) * (t == places[-1]))
    got = by_attention(*map(jnp.asarray, (attention, score, mask)), beta)
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-15)


@pytest.mark.usefixtures("x64")
def test_laws():
    """The total is the score's; 0 leaves it at the end; even attention pays evenly."""
    attention, score, mask = (jnp.asarray(x) for x in case(1))
    some = np.asarray(mask.any(axis=1))
    for beta in (0.0, 0.4, 1.0):
        total = by_attention(attention, score, mask, beta).sum(axis=1)
        np.testing.assert_allclose(total, np.where(some, score, 0), rtol=1e-12)
    even = by_attention(0 * attention + 1, score, mask, 1.0)
    for row, there, r in zip(even, mask, score, strict=True):
        np.testing.assert_allclose(row[there], r / max(there.sum(), 1), rtol=1e-12)
    end = by_attention(attention, score, mask, 0.0)
    assert ((np.asarray(end) != 0).sum(axis=1) == some).all()


def test_the_scorer_reads_the_frozen_base_from_the_last_token():
    """Of rows of one model it is the same however the others end; abstention stays."""
    setting = Setting({"reference": Model(SMALL)}, None, {})
    params = lm.init(SMALL, jax.random.key(0))
    context = Context(
        jax.random.key(0), jnp.zeros((), jnp.int32), {"reference": params}, {}
    )
    scorer = attention_rewards(beta=1.0)(setting)
    rollout = written(["abcd", "x", "abc"])
    score = jnp.array([2.0, -1.0, 3.0])
    rollout = rollout.with_signals(
        score=score, score_valid=jnp.array([True, True, False])
    )
    found = scorer.score((), context, rollout, None)
    got, looks = np.asarray(found["token_reward"]), Model(SMALL)
    raw = np.where(rollout.mask, looks.last_attention(params, rollout), 0)
    assert ((raw > 0) == np.asarray(rollout.mask)).all()
    want = raw / raw.sum(axis=1, keepdims=True) * np.array([2.0, -1.0, 0.0])[:, None]
    np.testing.assert_allclose(got, want, rtol=1e-5)
    assert found["token_reward_valid"].tolist() == [True, True, False]
    alone = written(["abcd"]).with_signals(score=score[:1])
    other = scorer.score((), context, alone, None)["token_reward"]
    np.testing.assert_allclose(other[0], got[0], rtol=1e-4)


def test_the_row_trains_by_its_name(tmp_path):
    short = {"train.max_steps": 2, "eval.every": 2}
    train(tiny(reward="abc", updates="", **short), tmp_path)
    assert len(numbers(tmp_path)) == 3
