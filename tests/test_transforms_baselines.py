"""Baselines and scales against loops over groups, in float64."""

import math

import numpy as np
import pytest
from oracle import GROUPS, SEEDS, agree, mates, row, run, true_tokens, varied
from oracle import step_tokens as steps_of

pytestmark = [
    pytest.mark.usefixtures("x64", "strict_ranks"),
    pytest.mark.parametrize("seed", SEEDS),
]
CHANNELS = ("outcome('correct')", "process('prm')", "dense('dense')")


def of_group(rewards, i):
    """All rewards of row i's group."""
    return [r for p, r in rewards.items() if GROUPS[p[0]] == GROUPS[i]]


def of_others(rewards, i):
    """All rewards of the other rows of row i's group."""
    return [r for j in mates(rewards, i) for _, r in row(rewards, j)]


def total(rewards, i):
    return sum(r for _, r in row(rewards, i))


@pytest.mark.parametrize("source", CHANNELS)
@pytest.mark.parametrize("way", ["", "keep_singletons=True", "zero_singletons=True"])
def test_center_by_group(seed, source, way):
    """r - mean over the group; what has no company goes, or stays as it is, or is 0."""
    rollout = varied(seed)
    before, want = run(source, rollout), {}
    for p, r in before.items():
        group = of_group(before, p[0])
        if len(group) > 1:
            want[p] = r - sum(group) / len(group)
        elif way:
            want[p] = r if way.startswith("keep") else 0.0
    agree(run(f"{source} | center_by_group({way})", rollout), want)


@pytest.mark.parametrize("source", CHANNELS)
@pytest.mark.parametrize("keep", [False, True])
def test_center_by_group_leaves_one_out(seed, source, keep):
    """r - mean over the other rows of the group."""
    rollout = varied(seed)
    before, want = run(source, rollout), {}
    for p, r in before.items():
        others = of_others(before, p[0])
        if others or keep:
            want[p] = r - (sum(others) / len(others) if others else 0)
    text = f"{source} | center_by_group(True, keep_singletons={keep})"
    agree(run(text, rollout), want)


def test_center_by_group_position(seed):
    """r_t - mean over scored rows of the group of what they carry in column t."""
    rollout = varied(seed)
    before, want = run("dense('dense')", rollout), {}
    mask = np.asarray(rollout.mask)

    def carried(j, t):
        later = [u for u in range(t, mask.shape[1]) if mask[j, u]]
        return before.get((j, later[0]), 0) if later else 0

    for (i, t), r in before.items():
        rows = [i, *mates(before, i)]
        if len(rows) > 1:
            want[i, t] = r - sum(carried(j, t) for j in rows) / len(rows)
    agree(run("dense('dense') | center_by_group_position()", rollout), want)


def test_center_by_group_steps(seed):
    """r_k - mean over the other rows of (total / steps)."""
    rollout = varied(seed)
    before, want = run("process('prm')", rollout), {}
    for p, r in before.items():
        others = mates(before, p[0])
        if others:
            means = [total(before, j) / len(row(before, j)) for j in others]
            want[p] = r - sum(means) / len(means)
    agree(run("process('prm') | center_by_group_steps()", rollout), want)


def test_center_by_group_tokens(seed):
    """r_k - (others' total / others' tokens) * (tokens of step k but the last)."""
    rollout = varied(seed)
    before, want = run("process('prm')", rollout), {}
    for p, r in before.items():
        others = mates(before, p[0])
        if others:
            rate = sum(total(before, j) for j in others)
            rate /= sum(len(true_tokens(rollout, j)) for j in others)
            (length,) = [len(ts) for _, ts in steps_of(rollout, p[0]) if p[1] in ts]
            want[p] = r - rate * (length - 1)
    agree(run("process('prm') | center_by_group_tokens()", rollout), want)


def test_center_by_group_width(seed):
    """R_t - others' total / (others * padded width 12)."""
    rollout = varied(seed)
    before, want = run("dense('dense')", rollout), {}
    for p, r in before.items():
        others = mates(before, p[0])
        if others:
            want[p] = r - sum(total(before, j) for j in others) / (12 * len(others))
    agree(run("dense('dense') | center_by_group_width()", rollout), want)


@pytest.mark.parametrize("source", CHANNELS)
@pytest.mark.parametrize(
    ("ddof", "var_eps", "var_floor"), [(1, 0.0, 0.0), (0, 1e-2, 0.0), (1, 0.0, 0.2)]
)
def test_scale_by_group_std(seed, source, ddof, var_eps, var_floor):
    """r / (sqrt(max(var, floor) + var_eps) + eps); std 1 for ddof rewards or less."""
    rollout = varied(seed)
    before, want = run(source, rollout), {}
    for p, r in before.items():
        group = of_group(before, p[0])
        mean, std = sum(group) / len(group), 1.0
        if len(group) > ddof:
            var = sum((x - mean) ** 2 for x in group) / (len(group) - ddof)
            std = math.sqrt(max(var, var_floor) + var_eps)
        want[p] = r / (std + 1e-3)
    call = f"eps=1e-3, ddof={ddof}, var_eps={var_eps}, var_floor={var_floor}"
    agree(run(f"{source} | scale_by_group_std({call})", rollout), want)


@pytest.mark.parametrize("source", CHANNELS)
def test_scale_by_batch_std(seed, source):
    """r / (std of everything placed + eps)."""
    rollout = varied(seed)
    before = run(source, rollout)
    std = np.std(list(before.values()), ddof=1)
    want = {p: r / (std + 1e-4) for p, r in before.items()}
    agree(run(f"{source} | scale_by_batch_std()", rollout), want)


@pytest.mark.parametrize("source", CHANNELS)
def test_whiten(seed, source):
    """(r - mean) / sqrt(var + eps) of everything placed, var over M - 1."""
    rollout = varied(seed)
    before = run(source, rollout)
    numbers = list(before.values())
    mean = sum(numbers) / len(numbers)
    var = sum((x - mean) ** 2 for x in numbers) / (len(numbers) - 1)
    want = {p: (r - mean) / math.sqrt(var + 1e-8) for p, r in before.items()}
    agree(run(f"{source} | whiten()", rollout), want)
    var = max(var * (len(numbers) - 1) / len(numbers), 1e-8)
    want = {p: (r - mean) / math.sqrt(var) for p, r in before.items()}
    call = "whiten(eps=0, ddof=0, var_floor=1e-8)"
    agree(run(f"{source} | {call}", rollout), want)
