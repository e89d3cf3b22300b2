"""Words of learned rewards against loops over rows, steps and tokens, in float64."""

import jax.numpy as jnp
import numpy as np
import pytest
from oracle import (
    SEEDS,
    agree,
    mates,
    row,
    run,
    step_tokens,
    true_tokens,
    varied,
)

from rewardlab.testing import from_arrays

pytestmark = [
    pytest.mark.usefixtures("x64", "strict_ranks"),
    pytest.mark.parametrize("seed", SEEDS),
]


def learned(seed):
    """A varied rollout with what learned rewards read; NaN where nothing is read."""
    rollout = varied(seed)
    rng = np.random.default_rng(seed)
    mask = np.asarray(rollout.mask)
    heard = np.arange(12) != 5
    signals = {
        "q": np.where(mask & heard[:, None], rng.normal(size=(12, 12)), np.nan),
        "q_valid": heard,
        "kind": rng.integers(0, 3, (12, 4)),
    }
    return rollout.with_signals(**{k: jnp.asarray(v) for k, v in signals.items()})


def steps_of(rewards, i):
    """Row i's rewards, first to last."""
    return [r for _, r in row(rewards, i)]


@pytest.mark.parametrize("ref", ["ref_logp", ""])
def test_log_ratio(seed, ref):
    """log pi - log ref on every True token of the rows that have a score."""
    rollout = learned(seed)
    other = rollout.signals[ref] if ref else rollout.logp
    want = {
        (i, t): float(rollout.signals["q"][i, t] - other[i, t])
        for i in range(12)
        for t in (true_tokens(rollout, i) if i != 5 else ())
    }
    agree(run(f"log_ratio('q', ref='{ref}')", rollout), want)


def test_broadcast_step_values(seed):
    """Each True token has the value of the last True token of its step."""
    rollout = learned(seed)
    rewards, want = run("dense('q')", rollout), {}
    for i in {i for i, _ in rewards}:
        for _, tokens in step_tokens(rollout, i):
            want |= {(i, t): rewards[i, tokens[-1]] for t in tokens}
    agree(run("dense('q') | broadcast_step_values()", rollout), want)


def test_scale_by_greatest(seed):
    """r / (max |r| + eps)."""
    rollout = learned(seed)
    rewards = run("process('prm')", rollout)
    top = max(abs(r) for r in rewards.values()) + 0.5
    want = {p: r / top for p, r in rewards.items()}
    agree(run("process('prm') | scale_by_greatest(eps=0.5)", rollout), want)


def test_scale_by_greatest_return(seed):
    """r / (max over tokens of |the sum from there on| + eps)."""
    rollout = learned(seed)
    rewards, top = run("dense('q')", rollout), 0.0
    for i in {i for i, _ in rewards}:
        values = steps_of(rewards, i)
        top = max(top, *(abs(sum(values[k:])) for k in range(len(values))))
    want = {p: r / (top + 1e-6) for p, r in rewards.items()}
    agree(run("dense('q') | scale_by_greatest_return()", rollout), want)


def test_nothing_is_divided_by_its_greatest(seed):
    """Rewards that are all 0 stay 0."""
    rollout = from_arrays(np.ones((2, 3)), r=np.zeros((2, 3)))
    for word in ("scale_by_greatest()", "scale_by_greatest_return()"):
        assert set(run(f"dense('r') | {word}", rollout).values()) == {0.0}


def first_steps(rewards, i):
    """The first rewards of the rows of i's group, row i's own among them."""
    return [steps_of(rewards, j)[0] for j in (i, *mates(rewards, i))]


@pytest.mark.parametrize("keep", [False, True])
def test_center_by_first_steps(seed, keep):
    """r - mean of the group's first rewards; a lone row is dropped or kept."""
    rollout = learned(seed)
    rewards, want = run("process('prm')", rollout), {}
    for (i, t), r in rewards.items():
        starts = first_steps(rewards, i)
        if len(starts) > 1:
            want[i, t] = r - np.mean(starts)
        elif keep:
            want[i, t] = r
    word = f"center_by_first_steps(keep_singletons={keep})"
    agree(run(f"process('prm') | {word}", rollout), want)


def test_scale_by_first_steps_std(seed):
    """r / (std of the group's first rewards over n - 1, + eps); 1 for a lone row."""
    rollout = learned(seed)
    rewards, want = run("process('prm')", rollout), {}
    for (i, t), r in rewards.items():
        starts = first_steps(rewards, i)
        std = np.std(starts, ddof=1) if len(starts) > 1 else 1.0
        want[i, t] = r / (std + 0.25)
    agree(run("process('prm') | scale_by_first_steps_std(eps=0.25)", rollout), want)


def test_scale_to_leave_one_out(seed):
    """r n / (n - 1) for the n scored rows of a group; a lone row stays."""
    rollout = learned(seed)
    rewards, want = run("process('prm')", rollout), {}
    for (i, t), r in rewards.items():
        n = len(mates(rewards, i)) + 1
        want[i, t] = r * n / (n - 1) if n > 1 else r
    agree(run("process('prm') | scale_to_leave_one_out()", rollout), want)


def test_of_one_reward_a_row_it_is_leave_one_out(seed):
    """(r - mean of all) n / (n - 1) = r - mean of the others."""
    rollout = learned(seed)
    for mean in ("center_by_group()", "center_by_group_steps(leave_one_out=False)"):
        text = f"outcome('correct') | {mean} | scale_to_leave_one_out()"
        alone = "outcome('correct') | center_by_group(leave_one_out=True)"
        agree(run(text, rollout), run(alone, rollout))


@pytest.mark.parametrize("leave_one_out", [False, True])
def test_row_means_of_tokens_make_the_baseline(seed, leave_one_out):
    """r_t - mean over the (other) rows of the row's mean token reward."""
    rollout = learned(seed)
    rewards, want = run("dense('q')", rollout), {}
    for (i, t), r in rewards.items():
        rows = mates(rewards, i) + ([] if leave_one_out else [i])
        if mates(rewards, i):
            want[i, t] = r - np.mean([np.mean(steps_of(rewards, j)) for j in rows])
    word = f"center_by_group_steps(leave_one_out={leave_one_out})"
    agree(run(f"dense('q') | {word}", rollout), want)


@pytest.mark.parametrize("keep", [False, True])
def test_center_within_row(seed, keep):
    """r - mean of the row's rewards whose steps have the same label."""
    rollout = learned(seed)
    rewards, want = run("process('prm')", rollout), {}
    kind = lambda i, t: int(rollout.signals["kind"][i, rollout.step[i, t]])  # noqa: E731
    for (i, t), r in rewards.items():
        same = [x for p, x in row(rewards, i) if kind(*p) == kind(i, t)]
        if len(same) > 1:
            want[i, t] = r - np.mean(same)
        elif keep:
            want[i, t] = r
    word = f"center_within_row('kind', keep_singletons={keep})"
    agree(run(f"process('prm') | {word}", rollout), want)


def test_equal_scores_are_worth_nothing(seed):
    """Exactly 0, though thirds of a float are no floats."""
    rng = np.random.default_rng(seed)
    steps = np.tile(np.arange(4), (3, 1))
    rewards, kind = np.full((3, 4), rng.random()), np.zeros((3, 4), int)
    rollout = from_arrays(np.ones((3, 4)), step=steps, r=rewards, kind=kind)
    words = (
        "center_by_first_steps()",
        "center_within_row('kind')",
        "center_by_group_steps()",
        "center_by_group_steps(leave_one_out=False)",
    )
    for word in words:
        assert set(run(f"dense('r') | {word}", rollout).values()) == {0.0}, word
