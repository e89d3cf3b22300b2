"""Words of two agents who need one another, against loops in float64."""

import jax.numpy as jnp
import numpy as np
import pytest
from oracle import GROUPS, SEEDS, agree, run, step_tokens, varied

from rewardlab.testing import from_arrays

pytestmark = [
    pytest.mark.usefixtures("x64", "strict_ranks"),
    pytest.mark.parametrize("seed", SEEDS),
]
EVERY_TURN = "outcome('correct') | episode_return(every_step=True)"


def two_agents(seed):
    """A varied rollout of two agents, whose verdicts and ratings abstain here and
    there; NaN stands where nothing may be read."""
    rng, rollout = np.random.default_rng(seed), varied(seed)
    solo, heard = rng.choice([0, 0.5, 1], 12), rng.random(12) < 0.9
    heard[GROUPS == 3] = False  # a group of which nobody knows
    signals = {"agent": rng.integers(0, 2, (12, 4)), "solo_valid": heard}
    signals["solo"] = np.where(heard, solo, np.nan)
    for name in ("self_rating", "peer_rating"):
        there = rng.random((12, 4)) < 0.8
        signals |= {f"{name}_valid": there}
        signals[name] = np.where(there, rng.integers(0, 10, (12, 4)) / 10, np.nan)
    correct = np.where(np.arange(12) == 4, 0.5, rng.integers(0, 2, 12))
    signals["correct"] = np.where(rollout.signals["correct_valid"], correct, np.nan)
    return rollout.with_signals(**{k: jnp.asarray(x) for k, x in signals.items()})


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("graded", [False, True])
def test_event_bonus(seed, own, graded):
    """Of the mean of those rows of the prompt that know, or of the row's own."""
    rollout = two_agents(seed)
    before, events = run(EVERY_TURN, rollout), set()
    solo, agent = (np.asarray(rollout.signals[n]) for n in ("solo", "agent"))
    knows = [
        bool(rollout.signals["solo_valid"][i]) and bool(step_tokens(rollout, i))
        for i in range(12)
    ]
    for of in (0, 1):
        want = dict(before)
        for (i, t), r in before.items():
            peers = [i] if own else [j for j in range(12) if GROUPS[j] == GROUPS[i]]
            known = [solo[j] for j in peers if knows[j]]
            if known and agent[i, int(rollout.step[i, t])] == of:
                b = sum(known) / len(known)
                event = int(r > 0.5 > b) - int(r < 0.5 < b)
                events.add(event)
                want[i, t] = r + 0.3 * ((r - b) if graded else event)
        word = f"event_bonus('solo', 0.3, own={own}, graded={graded}, of={of})"
        agree(run(f"{EVERY_TURN} | {word}", rollout), want)
    assert events - {0}, "nothing happened"


def test_rated_share(seed):
    """An agent's rating is the mean over its turns that both have rated."""
    rollout, want = two_agents(seed), {}
    signals = {name: np.asarray(x) for name, x in rollout.signals.items()}
    agent, pair = signals["agent"], ("self_rating", "peer_rating")
    for i in range(12):
        score, ends = {0: [], 1: []}, {}
        for k, tokens in step_tokens(rollout, i):
            if all(signals[f"{name}_valid"][i, k] for name in pair):
                s = 0.4 * signals["self_rating"][i, k]
                s += 0.6 * signals["peer_rating"][i, k]
                score[agent[i, k]].append(s)
                ends[tokens[-1]] = agent[i, k]
        mean = {m: sum(x) / len(x) for m, x in score.items() if x}
        for t, m in ends.items():
            want[i, t] = mean[m] / max(sum(mean.values()), 1e-6)
    found = run("rated_share('self_rating', 'peer_rating', eta=0.4)", rollout)
    assert len(want) > 3
    agree(found, want)


def test_credit_or_blame(seed):
    """Where nobody rates, the outcome stays."""
    rollout = two_agents(seed)
    before, want = run(EVERY_TURN, rollout), {}
    share = run("rated_share()", rollout)
    for p, r in before.items():
        b = share.get(p, 0.0)
        want[p] = r + 0.2 * b if r > 0.5 else r - 0.3 * b
    assert set(share) < set(before) | set(share) and set(before) - set(share)
    word = "credit_or_blame('correct', by='share', credit=0.2, blame=0.3)"
    agree(run(f"{EVERY_TURN} | rated_share() | {word}", rollout), want)


def test_equal_ratings_leave_the_outcome(seed):
    """And shares of two agents add up to 1."""
    rng = np.random.default_rng(seed)
    agent = np.tile([0, 1], (6, 1))
    ratings = {"self_rating": np.full((6, 2), 0.5), "peer_rating": np.full((6, 2), 0.5)}
    facts = {"correct": rng.integers(0, 2, 6).astype(float), "agent": agent}
    one = dict(mask=np.ones((6, 2)), step=agent, group=np.zeros(6, int))
    rollout = from_arrays(**one, **facts, **ratings)
    start = f"{EVERY_TURN} | rated_share() | on('share', center_by_state('agent'))"
    word = "credit_or_blame('correct', by='share')"
    agree(run(f"{start} | {word}", rollout), run(EVERY_TURN, rollout))
    ratings = {name: rng.random((6, 2)) for name in ratings}
    share = run("rated_share()", from_arrays(**one, **facts, **ratings))
    for i in range(6):
        assert share[i, 0] + share[i, 1] == pytest.approx(1)
