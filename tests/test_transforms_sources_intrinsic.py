"""Sources that need no verifier, against loops over rows and tokens, in float64."""

import dataclasses
from collections import Counter

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracle import GROUPS, SEEDS, agree, run, true_tokens, varied

from rewardlab.testing import from_arrays
from rewardlab.transforms.sources.repetition import repeated
from rewardlab.transforms.sources.surprise import follow_up_logprob, self_certainty

pytestmark = [
    pytest.mark.usefixtures("x64", "strict_ranks"),
    pytest.mark.parametrize("seed", SEEDS),
]


def ends(rollout):
    """Row -> its last True token, for rows that have one."""
    found = {i: true_tokens(rollout, i) for i in range(12)}
    return {i: tokens[-1] for i, tokens in found.items() if tokens}


def test_average(seed):
    """The mean of the valid entries; a row without any abstains."""
    rng = np.random.default_rng(seed)
    value, valid = rng.random((12, 5)), rng.random((12, 5)) < 0.6
    valid[2] = False
    value[~valid] = np.nan
    rollout = varied(seed).with_signals(
        several=jnp.asarray(value), several_valid=jnp.asarray(valid)
    )
    want = {(i, t): value[i][valid[i]] for i, t in ends(rollout).items()}
    want = {place: np.mean(x) for place, x in want.items() if len(x)}
    agree(run("average('several')", rollout), want)


def surprise_of(rollout, logp):
    """Mean of -log p over each row's True tokens."""
    where = {i: true_tokens(rollout, i) for i in ends(rollout)}
    return {i: -np.mean([logp[i, t] for t in ts]) for i, ts in where.items()}


def test_cross_entropy(seed):
    """-mean log p of the policy, or of the model whose log-probabilities are named."""
    rollout = varied(seed)
    for name, logp in {"": rollout.logp, "ref_logp": None}.items():
        logp = rollout.signals[name] if name else logp
        nats = surprise_of(rollout, np.asarray(logp))
        want = {(i, t): nats[i] for i, t in ends(rollout).items()}
        agree(
            run(f"cross_entropy({name!r})" if name else "cross_entropy()", rollout),
            want,
        )


def test_perplexity(seed):
    """exp(-mean log p)."""
    rollout = varied(seed)
    nats = surprise_of(rollout, np.asarray(rollout.logp))
    want = {(i, t): np.exp(nats[i]) for i, t in ends(rollout).items()}
    agree(run("perplexity()", rollout), want)


def votes_of(rollout, answer, valid):
    """Group -> the most common answer >= 0, the least of several; none if no vote."""
    labels = {}
    for b in range(4):
        rows = [i for i in ends(rollout) if GROUPS[i] == b and valid[i]]
        count = Counter(int(answer[i]) for i in rows if answer[i] >= 0)
        if count:
            labels[b] = min(count, key=lambda a: (-count[a], a))
    return labels


@pytest.mark.parametrize("crossed", [False, True])
def test_majority_vote(seed, crossed):
    """1 for the group's (or the partner's) most common answer."""
    rng = np.random.default_rng(seed)
    answer, valid = rng.integers(-1, 3, 12), rng.random(12) < 0.8
    partner = np.array([1, 0, 3, 2])[GROUPS]
    rollout = varied(seed).with_signals(
        a=jnp.asarray(answer), a_valid=jnp.asarray(valid), p=jnp.asarray(partner)
    )
    labels = votes_of(rollout, answer, valid)
    want = {}
    for i, t in ends(rollout).items():
        if valid[i]:
            label = labels.get(partner[i] if crossed else GROUPS[i])
            want[i, t] = float(label is not None and answer[i] == label)
    agree(
        run(f"majority_vote('a'{', of=' + repr('p') if crossed else ''})", rollout),
        want,
    )


def again(tokens, size):
    """Starts of n-grams that were seen before, in a loop."""
    seen, found = set(), []
    for i in range(len(tokens) - size + 1):
        gram = tuple(tokens[i : i + size])
        if gram in seen:
            found.append(i)
        seen.add(gram)
    return found


@pytest.mark.parametrize("only_start", [False, True])
@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_repetition(seed, size, only_start):
    """The penalty on all tokens of a repeated n-gram, or of the first in a run."""
    rng = np.random.default_rng(seed)
    base = varied(seed)
    tokens = rng.integers(0, 2, base.tokens.shape)
    rollout = dataclasses.replace(base, tokens=jnp.asarray(tokens))
    want = {}
    for i in range(12):
        length = int(base.valid[i].sum())
        marked, end = set(), -1
        for start in again(tokens[i, :length], size):
            if not only_start or start > end:
                marked |= set(range(start, start + size))
            end = start + size
        for t in true_tokens(rollout, i):
            want[i, t] = -0.5 if t in marked else 0.0
    text = f"repetition(size={size}, penalty=-0.5, only_start={only_start})"
    agree(run(text, rollout), want)


def test_long_ngrams_are_compared_exactly(seed):
    """40 neighbours of 2,000 tokens with long copies, against sets."""
    rng = np.random.default_rng(seed)
    tokens = rng.integers(0, 3, 2000)
    tokens[900:1100] = tokens[100:300]
    tokens[1500:1539] = tokens[100:139]  # one short of an n-gram
    got = jax.jit(repeated, static_argnums=2)(
        jnp.asarray(tokens), jnp.ones(2000, bool), 40
    )
    assert np.nonzero(got)[0].tolist() == again(tokens.tolist(), 40)
    assert 900 in again(tokens.tolist(), 40)


def lengths_of(rollout):
    return {i: len(true_tokens(rollout, i)) for i in ends(rollout)}


def test_shorter_than_group(seed):
    """clip((mean - L) / L, -1, 1) , the mean over rows with tokens."""
    rollout, want = varied(seed), {}
    length = lengths_of(rollout)
    for i, t in ends(rollout).items():
        mean = np.mean([n for j, n in length.items() if GROUPS[j] == GROUPS[i]])
        want[i, t] = np.clip((mean - length[i]) / length[i], -1, 1)
    agree(run("shorter_than_group()", rollout), want)


def test_shorter_than_correct(seed):
    """-c 2 (sigmoid(z) - 1/2) among the right rows of the group, if several."""
    rollout, want = varied(seed), {}
    length, correct = lengths_of(rollout), np.asarray(rollout.signals["correct"])
    heard = np.asarray(rollout.signals["correct_valid"])
    right = [i for i in length if heard[i] and correct[i] > 0]
    for i, t in ends(rollout).items():
        if not heard[i]:
            continue
        mates = [length[j] for j in right if GROUPS[j] == GROUPS[i]]
        want[i, t] = 0.0
        if i in right and len(mates) > 1:
            z = (length[i] - np.mean(mates)) / (np.std(mates) + 1e-5)
            want[i, t] = -correct[i] * 2 * (1 / (1 + np.exp(-z)) - 0.5)
    agree(run("shorter_than_correct('correct')", rollout), want)


def test_follow_ups_do_not_see_a_constant(seed):
    """Mean of log softmax at the token that follows; a constant changes nothing."""
    rng = np.random.default_rng(seed)
    logits, tokens = rng.normal(size=(3, 4, 5)), rng.integers(0, 5, (3, 4))
    mask = np.arange(4) < np.array([4, 2, 0])[:, None]
    want = []
    for k in range(3):
        p = [np.exp(logits[k, t]) / np.exp(logits[k, t]).sum() for t in range(4)]
        said = [np.log(p[t][tokens[k, t]]) for t in range(4) if mask[k, t]]
        want.append(np.mean(said) if said else 0.0)
    for shift in (0.0, 1000.0):
        got = follow_up_logprob(jnp.asarray(logits + shift), tokens, jnp.asarray(mask))
        np.testing.assert_allclose(got, want, rtol=1e-9)


def test_self_certainty(seed):
    """(1 / V) sum p log(p V), 0 for uniform, log(V) / V for a certain token."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(2, 3, 4))
    logits[0, 0] = 0.0
    logits[1] = [-np.inf, -np.inf, 0.0, -np.inf]
    mask = np.array([[True, True, False], [True, True, True]])
    want = []
    for i in range(2):
        p = np.exp(logits[i]) / np.exp(logits[i]).sum(axis=1, keepdims=True)
        each = [sum(x * np.log(x * 4) for x in row if x > 0) / 4 for row in p]
        want.append(np.mean([e for e, m in zip(each, mask[i], strict=True) if m]))
    got = self_certainty(jnp.asarray(logits), jnp.asarray(mask))
    np.testing.assert_allclose(got, want, rtol=1e-12)
    np.testing.assert_allclose(got[1], np.log(4) / 4, rtol=1e-12)


def test_win_rates_have_mean_one_half(seed):
    """With P + P^T = 1 the rewards of a group average to 1/2."""
    p = np.random.default_rng(seed).random((5, 5))
    p = np.triu(p, 1) + np.tril(1 - p.T, -1)
    rollout = from_arrays(np.ones((5, 1)), p=p, p_valid=~np.eye(5, dtype=bool))
    rewards = run("average('p')", rollout)
    np.testing.assert_allclose(np.mean(list(rewards.values())), 0.5, rtol=1e-12)
