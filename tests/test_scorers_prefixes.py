"""Values out of outcomes alone, and phrases that many rows share."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scored import TOKENIZER, made, written

from rewardlab import METHODS, estimator
from rewardlab.scorers.planning import planning
from rewardlab.scorers.prefixes import prefix_values


def valued(rollout):
    scorer = prefix_values()(None)
    return {k: np.asarray(x) for k, x in scorer.score((), None, rollout, None).items()}


def episodes(seed, rows=12, width=9):
    """Rows of few words in groups of 5, 4, 2 and 1, with holes; one row is empty."""
    rng = np.random.default_rng(seed)
    texts = ["".join(rng.choice(list("ab"), width)) for _ in range(rows)]
    rollout = written(texts, group=np.repeat([0, 1, 2, 3], [5, 4, 2, 1]))
    length = rng.integers(1, width + 2, rows)
    length[6] = 0
    valid = np.arange(width + 1) < length[:, None]
    mask = valid & (rng.random(valid.shape) < 0.7)
    correct = np.where(mask.any(1), rng.integers(0, 2, rows) * 1.0, np.nan)
    rollout = dataclasses.replace(
        rollout, valid=jnp.asarray(valid), mask=jnp.asarray(mask)
    )
    heard = np.arange(rows) != 1
    return rollout.with_signals(correct=correct, correct_valid=heard), length


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_prefix_values_are_means_over_rows_that_begin_so(seed, x64):
    """A loop over pairs of rows; the environment's words belong to the policy's."""
    rollout, length = episodes(seed)
    got, tokens = valued(rollout), np.asarray(rollout.tokens)
    mask, correct = np.asarray(rollout.mask), np.asarray(rollout.signals["correct"])
    group = np.asarray(rollout.group)
    heard = mask.any(1) & (np.arange(12) != 1)
    assert (got["prefix_value_valid"] == heard).all()
    shared = 0
    for i in range(12):
        mates = [j for j in range(12) if heard[j] and group[j] == group[i]]
        mean = np.mean(correct[mates]) if mates else 0.0
        assert got["prompt_value"][i] == pytest.approx(mean)
        for t in np.flatnonzero(mask[i]):
            later = [s for s in np.flatnonzero(mask[i]) if s > t]
            end = later[0] if later else length[i]
            own = [
                correct[j]
                for j in mates
                if length[j] >= end and (tokens[j, :end] == tokens[i, :end]).all()
            ]
            shared += len(own) > 1
            want = np.mean(own) if heard[i] else 0.0
            assert got["prefix_value"][i, t] == pytest.approx(want), (i, t)
    assert shared > 3


def test_a_row_alone_is_worth_its_own_outcome():
    rollout = written(["abc", "xyz"]).with_signals(correct=jnp.array([1.0, 0.0]))
    got = valued(rollout)["prefix_value"]
    assert got.tolist() == [[1.0] * 4, [0.0] * 4]


def test_tempo_without_a_shared_prefix_pays_the_first_token_twice():
    """Only t = 0 has the extra R - mean; the sums of gains telescope."""
    rollout = written(["abc", "xyz"]).with_signals(correct=jnp.array([1.0, 0.0]))
    rollout = rollout.with_signals(**valued(rollout))
    closed = estimator(METHODS["tempo"].build(eps=0.0))
    got = np.asarray(closed.update({}, closed.init(rollout), rollout)[0])
    std = 0.5**0.5
    np.testing.assert_allclose(got[0] * std, [1, 0.5, 0.5, 0.5], rtol=1e-6)
    np.testing.assert_allclose(got[1] * std, [-1, -0.5, -0.5, -0.5], rtol=1e-6)


def phrases(rollout, size, share):
    """Tokens in runs of `size` that a share of the rows with tokens hold."""
    tokens, mask = np.asarray(rollout.tokens), np.asarray(rollout.mask)
    rows, width = tokens.shape
    holds = [
        {
            tuple(tokens[i, s : s + size]): None
            for s in range(width - size + 1)
            if mask[i, s : s + size].all()
        }
        for i in range(rows)
    ]
    marked = np.zeros(mask.shape, bool)
    for i in range(rows):
        for s in range(width - size + 1):
            phrase = tuple(tokens[i, s : s + size])
            count = sum(phrase in own for own in holds)
            if mask[i, s : s + size].all() and count >= share * mask.any(1).sum():
                marked[i, s : s + size] = True
    return marked


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(("size", "share"), [(1, 0.9), (2, 0.5), (3, 0.15), (20, 0.1)])
def test_planning_marks_phrases_that_many_rows_hold(seed, size, share):
    rollout, _ = episodes(seed)
    scorer = planning(size, share)(None)
    got = np.asarray(scorer.score((), None, rollout, None)["is_planning"])
    want = phrases(rollout, size, share)
    assert (got == want).all()
    assert size == 20 or want.any()


def test_planning_counts_a_row_once():
    """Three rows of ten hold "so", one of them eight times."""
    texts = ["so" * 8, "so a", "so b", *(f"{k}{k}" for k in range(7))]
    found = made(lambda s: planning(2, 0.3)(s), written(texts))["is_planning"]
    text = lambda i: TOKENIZER.decode(  # noqa: E731
        np.asarray(written(texts).tokens)[i][found[i]]
    )
    assert text(0) == "so" * 8 and text(1) == "so" and not found[3:].any()
    none = made(lambda s: planning(2, 0.5)(s), written(texts))["is_planning"]
    assert not none.any()


def test_planning_and_prefix_values_compile():
    rollout, _ = episodes(0)
    for maker in (planning(2, 0.3), prefix_values()):
        score = maker(None).score
        found = jax.jit(lambda r, f=score: f((), None, r, None))(rollout)
        plain = score((), None, rollout, None)
        for name, x in plain.items():
            np.testing.assert_array_equal(x, found[name])
