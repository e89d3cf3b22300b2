"""Credit against loops over tokens and steps, in float64."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
from oracle import SEEDS, agree, row, run, step_tokens, true_tokens, varied

pytestmark = [
    pytest.mark.usefixtures("x64", "strict_ranks"),
    pytest.mark.parametrize("seed", SEEDS),
]
MIXED = "process('prm') | dense('dense') | weighted_sum(prm=1, dense=1)"


def scored(rollout, rewards):
    """Rows that have a reward, with their True tokens."""
    return [(i, true_tokens(rollout, i)) for i in sorted({p[0] for p in rewards})]


@pytest.mark.parametrize("discount", [1.0, 0.9, 0.0])
def test_returns_to_go(seed, discount):
    """G_t = r_t + discount G at the next True token."""
    rollout = varied(seed)
    rewards, want = run(MIXED, rollout), {}
    for i, tokens in scored(rollout, rewards):
        following = 0.0
        for t in reversed(tokens):
            following = want[i, t] = rewards.get((i, t), 0) + discount * following
    agree(run(f"{MIXED} | returns_to_go({discount})", rollout), want)


def test_returns_to_go_may_stop_at_gaps(seed):
    """Without `across_gaps` the return before a hole in the mask starts from 0."""
    rollout = varied(seed)
    rewards, want = run(MIXED, rollout), {}
    for i, tokens in scored(rollout, rewards):
        following, after = 0.0, None
        for t in reversed(tokens):
            if after is not None and after != t + 1:
                following = 0.0
            following = want[i, t] = rewards.get((i, t), 0) + 0.9 * following
            after = t
    text = f"{MIXED} | returns_to_go(0.9, across_gaps=False)"
    agree(run(text, rollout), want)


def test_environment_tokens_take_no_time(seed):
    """Deleting the holes of the mask leaves every return as it is."""
    rollout = varied(seed)
    kept = [true_tokens(rollout, i) for i in range(12)]
    index = np.array([k + [t for t in range(12) if t not in k] for k in kept])
    mask = np.arange(12) < np.array([len(k) for k in kept])[:, None]
    move = lambda x: jnp.take_along_axis(x, jnp.asarray(index), axis=1)  # noqa: E731
    step = jnp.where(mask, move(rollout.step), -1)
    packed = dataclasses.replace(
        rollout.with_signals(dense=move(rollout.signals["dense"])),
        mask=jnp.asarray(mask),
        valid=jnp.asarray(mask),
        step=step,
    )
    for word in ("returns_to_go(0.9)", "step_returns_to_go(0.9)", "min_to_go()"):
        whole = run(f"{MIXED} | {word}", rollout)
        found = run(f"{MIXED} | {word}", packed)
        agree({(i, index[i, t]): r for (i, t), r in found.items()}, whole)


def test_step_returns_to_go(seed):
    """A_k = (sum of rewards in step k) + discount A_{k+1}, on all tokens of step k."""
    rollout = varied(seed)
    rewards, want = run(MIXED, rollout), {}
    for i in {p[0] for p in rewards}:
        following = 0.0
        for _, tokens in reversed(step_tokens(rollout, i)):
            following = 0.7 * following + sum(rewards.get((i, t), 0) for t in tokens)
            want |= {(i, t): following for t in tokens}
    agree(run(f"{MIXED} | step_returns_to_go(0.7)", rollout), want)


def test_min_to_go(seed):
    """The least reward from here on; 0 after the last."""
    rollout = varied(seed)
    rewards, want = run("process('prm')", rollout), {}
    for i, tokens in scored(rollout, rewards):
        for t in tokens:
            ahead = [r for p, r in row(rewards, i) if p[1] >= t]
            want[i, t] = min(ahead, default=0.0)
    agree(run("process('prm') | min_to_go()", rollout), want)


def test_broadcast_to_tokens(seed):
    """The row's total on each of its True tokens."""
    rollout = varied(seed)
    rewards = run("process('prm')", rollout)
    want = {
        (i, t): sum(r for _, r in row(rewards, i))
        for i, tokens in scored(rollout, rewards)
        for t in tokens
    }
    agree(run("process('prm') | broadcast_to_tokens()", rollout), want)


def test_zero_step_ends(seed):
    """The last True token of each step has 0, the others keep theirs."""
    rollout = varied(seed)
    want = run("dense('dense')", rollout)
    for i in range(12):
        want |= {(i, tokens[-1]): 0.0 for _, tokens in step_tokens(rollout, i)}
    agree(run("dense('dense') | zero_step_ends()", rollout), want)
