"""GAE over tokens and steps against loops, in float64."""

import numpy as np
import pytest
from oracle import SEEDS, agree, apply, run, step_tokens, true_tokens, varied

from rewardlab import METHODS, estimator
from rewardlab.testing import from_arrays

pytestmark = pytest.mark.usefixtures("x64", "strict_ranks")
MIXED = "process('prm') | dense('dense') | weighted_sum(prm=1, dense=1)"
CASES = [(1.0, 1.0), (0.9, 0.8), (0.9, 0.0), (0.0, 0.7)]


def valued(seed):
    """With a critic: NaN outside the mask, and before steps that are not there."""
    rollout, rng = varied(seed), np.random.default_rng(seed)
    tokens = np.where(rollout.mask, rng.normal(size=(12, 12)), np.nan)
    steps = np.full((12, 4), np.nan)
    for i in range(12):
        for k, _ in step_tokens(rollout, i):
            steps[i, k] = rng.normal()
    return rollout.with_signals(value=tokens, step_value=steps)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("gamma", "lam"), CASES)
def test_gae(seed, gamma, lam):
    """delta = r + gamma v' - v; A = delta + gamma lam A', over True tokens only."""
    rollout = valued(seed)
    rewards, want = run(MIXED, rollout), {}
    value = np.asarray(rollout.signals["value"])
    for i in {p[0] for p in rewards}:
        ahead = next_value = 0.0
        for t in reversed(true_tokens(rollout, i)):
            delta = rewards.get((i, t), 0) + gamma * next_value - value[i, t]
            ahead = want[i, t] = delta + gamma * lam * ahead
            next_value = value[i, t]
    agree(run(f"{MIXED} | gae('value', {gamma}, {lam})", rollout), want)


@pytest.mark.parametrize("seed", SEEDS)
def test_step_advantage(seed):
    """Each True token of a row with a reward has the signal of its step."""
    rollout, want = valued(seed), {}
    value = np.asarray(rollout.signals["step_value"])
    for i in {p[0] for p in run("outcome('correct')", rollout)}:
        for k, tokens in step_tokens(rollout, i):
            want |= {(i, t): value[i, k] for t in tokens}
    agree(run("outcome('correct') | step_advantage('step_value')", rollout), want)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("gamma", "lam"), CASES)
def test_step_gae(seed, gamma, lam):
    """The same over steps, whose reward is the sum inside; tokens have their step's."""
    rollout = valued(seed)
    rewards, want = run(MIXED, rollout), {}
    value = np.asarray(rollout.signals["step_value"])
    for i in {p[0] for p in rewards}:
        ahead = next_value = 0.0
        for k, tokens in reversed(step_tokens(rollout, i)):
            paid = sum(rewards.get((i, t), 0) for t in tokens)
            delta = paid + gamma * next_value - value[i, k]
            ahead, next_value = delta + gamma * lam * ahead, value[i, k]
            want |= {(i, t): ahead for t in tokens}
    agree(run(f"{MIXED} | step_gae('step_value', {gamma}, {lam})", rollout), want)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("gamma", "lam"), CASES)
def test_decomposed_gae(seed, gamma, lam):
    """As `gae`, with the discount at step ends and 1 inside steps."""
    rollout = valued(seed)
    rewards, want = run(MIXED, rollout), {}
    value = np.asarray(rollout.signals["value"])
    for i in {p[0] for p in rewards}:
        ahead = next_value = 0.0
        for _, tokens in reversed(step_tokens(rollout, i)):
            for t in reversed(tokens):
                g = gamma if t == tokens[-1] else 1.0
                delta = rewards.get((i, t), 0) + g * next_value - value[i, t]
                ahead = want[i, t] = delta + g * lam * ahead
                next_value = value[i, t]
    agree(run(f"{MIXED} | decomposed_gae('value', {gamma}, {lam})", rollout), want)


def test_decomposed_gae_of_one_token_steps_is_gae():
    """And with a decay of 1 the first token's advantage forgets its step's length."""
    rng = np.random.default_rng(0)
    value, r = rng.normal(size=(3, 6)), rng.normal(size=(3, 6))
    rollout = from_arrays(
        np.ones((3, 6)), step=np.tile(np.arange(6), (3, 1)), r=r, value=value
    )
    own = run("dense('r') | decomposed_gae('value', 0.9, 0.8)", rollout)
    agree(own, run("dense('r') | gae('value', 0.9, 0.8)", rollout))
    first = []
    for inside in (1, 3):
        step = np.repeat([0, 1], [inside, 1])[None]
        paid = np.zeros(step.shape)
        paid[0, -1] = 1.0
        longer = from_arrays(np.ones(step.shape), step=step, r=paid, value=0 * paid)
        found = run("dense('r') | decomposed_gae('value', 0.9, 1.0)", longer)
        first.append(found[0, 0])
    assert first == pytest.approx([0.9, 0.9])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("gamma", "alpha"), [(1.0, 0.4), (0.9, 0.25)])
def test_length_adaptive_gae(seed, gamma, alpha):
    """A row of l tokens has the decay max(0, 1 - 1 / (alpha l)); shorter ones 0."""
    rollout = valued(seed)
    rewards, want, decays = run(MIXED, rollout), {}, set()
    value = np.asarray(rollout.signals["value"])
    for i in {p[0] for p in rewards}:
        ahead = next_value = 0.0
        tokens = true_tokens(rollout, i)
        lam = max(0.0, 1 - 1 / (alpha * len(tokens)))
        decays.add(lam)
        for t in reversed(tokens):
            delta = rewards.get((i, t), 0) + gamma * next_value - value[i, t]
            ahead = want[i, t] = delta + gamma * lam * ahead
            next_value = value[i, t]
    assert len(decays) > 2
    agree(
        run(f"{MIXED} | length_adaptive_gae('value', {gamma}, {alpha})", rollout), want
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_gae_without_a_critic_is_the_return(seed):
    """v = 0, gamma = lam = 1: rewards to go."""
    rollout = varied(seed).with_signals(value=np.zeros((12, 12)))
    want = run(f"{MIXED} | returns_to_go()", rollout)
    agree(run(f"{MIXED} | gae('value', 1.0, 1.0)", rollout), want)


def test_an_episode_that_goes_on():
    """One more token whose reward is its value, 5, bootstraps: 1 + 0.5 * 5 - 2."""
    rollout = from_arrays(np.ones((1, 2)), r=[[1.0, 5.0]], value=[[2.0, 5.0]])
    got = run("dense('r') | gae('value', 0.5, 0.9)", rollout)
    agree(got, {(0, 0): 1.5, (0, 1): 0.0})


def test_each_reward_has_its_own_horizon():
    """0.5^t of the outcome 1 at t = 2, all of two penalties of -1, V = 0.25.

    Of three equal tokens the second and the third are in a 2-gram seen before.
    """
    rollout = from_arrays(
        np.ones((1, 3)),
        correct=np.array([1.0]),
        value=np.full((1, 3), 0.25),
    )
    hp = {"discount": 0.5, "repetition_discount": 1.0, "size": 2, "price": -1.0}
    closed = estimator(METHODS["multi_discount"].build(**hp))
    got = apply(closed, rollout)
    assert got.tolist() == [[0.25 - 2 - 0.25, 0.5 - 2 - 0.25, 1 - 1 - 0.25]]
