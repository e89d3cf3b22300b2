"""Baselines, shapers and weights of outcome methods against loops, in float64."""

import dataclasses
import math

import jax.numpy as jnp
import numpy as np
import pytest
from oracle import GROUPS, SEEDS, agree, row, run, step_tokens, true_tokens, varied

pytestmark = [
    pytest.mark.usefixtures("x64", "strict_ranks"),
    pytest.mark.parametrize("seed", SEEDS),
]
CHANNELS = ("outcome('correct')", "process('prm')", "dense('dense')")


def signals(rollout, seed, **more):
    """With made-up signals, NaN where a row has no token."""
    rng = np.random.default_rng(seed)
    empty = ~np.asarray(rollout.mask).any(axis=1)
    made = {"b": rng.normal(size=12), "w": rng.random(12), "long": rng.random((12, 4))}
    for name, x in made.items():
        made[name] = np.where(empty.reshape(-1, *[1] * (x.ndim - 1)), np.nan, x)
    tokens = {"v": rng.normal(size=(12, 12)), "square": 1 + rng.random((12, 12))}
    tokens = {k: np.where(rollout.mask, x, np.nan) for k, x in tokens.items()}
    made |= {"marked": rng.random((12, 12)) < 0.5, **tokens, **more}
    return rollout.with_signals(**{k: jnp.asarray(v) for k, v in made.items()})


def totals(rewards):
    """Each scored row's total."""
    rows = sorted({i for i, _ in rewards})
    return {i: sum(r for _, r in row(rewards, i)) for i in rows}


def family(total, i):
    """The scored rows of i's group, i among them."""
    return [j for j in total if GROUPS[j] == GROUPS[i]]


@pytest.mark.parametrize("source", CHANNELS)
@pytest.mark.parametrize("name", ["b", "v"])
def test_center_by_signal(seed, source, name):
    """r minus a number a row, or a token; where it abstains nothing is placed."""
    rollout = signals(varied(seed), seed, b_valid=np.arange(12) != 5)
    before, number = run(source, rollout), np.asarray(rollout.signals[name])
    want = {
        (i, t): r - (number[i] if number.ndim == 1 else number[i, t])
        for (i, t), r in before.items()
        if name != "b" or i != 5
    }
    agree(run(f"{source} | center_by_signal('{name}')", rollout), want)


@pytest.mark.parametrize("source", CHANNELS)
def test_center_by_batch(seed, source):
    """r - mean of everything placed."""
    rollout = varied(seed)
    before = run(source, rollout)
    mean = sum(before.values()) / len(before)
    want = {p: r - mean for p, r in before.items()}
    agree(run(f"{source} | center_by_batch()", rollout), want)


@pytest.mark.parametrize("source", CHANNELS)
def test_best_minus_second(seed, source):
    """The best row of a group has its lead on its last reward, the others 0."""
    rollout = varied(seed)
    before, want = run(source, rollout), {}
    total = totals(before)
    for i in total:
        rivals = [total[j] for j in family(total, i) if j != i]
        if rivals:
            want[row(before, i)[-1][0]] = max(total[i] - max(rivals), 0)
    assert any(want.values())
    agree(run(f"{source} | best_minus_second()", rollout), want)


@pytest.mark.parametrize("source", CHANNELS)
def test_scale_by_active_rows(seed, source):
    """r * scored rows / those whose total is not 0."""
    rollout = varied(seed)
    before = run(source, rollout)
    total = totals(before)
    share = len(total) / max(sum(x != 0 for x in total.values()), 1)
    want = {p: r * share for p, r in before.items()}
    agree(run(f"{source} | scale_by_active_rows()", rollout), want)


@pytest.mark.parametrize("source", CHANNELS)
def test_scale_by_active_groups(seed, source):
    """r * groups with a scored row / groups with a reward that is not 0."""
    rollout = varied(seed)
    before = run(f"{source} | center_by_group(keep_singletons=True)", rollout)
    scored = {GROUPS[i] for i, _ in before}
    active = {GROUPS[i] for (i, _), r in before.items() if r != 0}
    want = {p: r * len(scored) / len(active) for p, r in before.items()}
    text = "center_by_group(keep_singletons=True) | scale_by_active_groups()"
    agree(run(f"{source} | {text}", rollout), want)


@pytest.mark.parametrize(
    ("keep_tail", "by_column", "weight"),
    [(False, False, ""), (True, False, ""), (True, True, "v"), (False, True, "v")],
)
def test_optimal_token_baseline(seed, keep_tail, by_column, weight):
    """Token returns against the group's, weighted by the energy so far."""
    rollout = signals(varied(seed), seed)
    before, want = run("outcome('correct') | returns_to_go()", rollout), {}
    rows = sorted({i for i, _ in before})
    energy, time = {}, {}
    for i in rows:
        so_far = 0.0
        for k, t in enumerate(true_tokens(rollout, i)):
            q = (
                1
                - 2 * math.exp(rollout.logp[i, t])
                + float(rollout.signals["square"][i, t])
            )
            so_far += q * (float(rollout.signals[weight][i, t]) ** 2 if weight else 1)
            energy[i, t], time[i, t] = so_far, t if by_column else k
    for (i, t), r in before.items():
        others = [j for j in rows if GROUPS[j] == GROUPS[i] and j != i]
        if not others:
            continue
        near = [len(true_tokens(rollout, j)) for j in range(12) if j != i]
        peers = [GROUPS[j] == GROUPS[i] for j in range(12) if j != i]
        near = [n for n, same in zip(near, peers, strict=True) if same]
        tail = len(true_tokens(rollout, i)) > max(near) and time[i, t] >= max(near)
        here = [p for p in energy if p[0] in (i, *others) and time[p] == time[i, t]]
        mean = sum(energy[p] * before[p] for p in here)
        mean /= sum(energy[p] for p in here) + 1e-3
        want[i, t] = r if tail and keep_tail else r - mean
    call = f"'square', '{weight}', {keep_tail}, {by_column}, eps=1e-3"
    text = f"outcome('correct') | returns_to_go() | optimal_token_baseline({call})"
    agree(run(text, rollout), want)


@pytest.mark.parametrize("first_rank", [0, 1])
@pytest.mark.parametrize("source", CHANNELS)
def test_unlikeliness(seed, source, first_rank):
    """r (1 - beta (how many rows were less likely, ties half) / n)."""
    rollout = varied(seed)
    logp = np.round(2 * np.asarray(rollout.logp)) / 2
    rollout = dataclasses.replace(rollout, logp=jnp.asarray(logp))
    before, want = run(source, rollout), {}
    total = totals(before)
    likely = {i: np.mean([logp[i, t] for t in true_tokens(rollout, i)]) for i in total}
    for (i, t), r in before.items():
        rows = family(total, i)
        rank = sum(likely[j] < likely[i] for j in rows)
        rank += sum(likely[j] == likely[i] for j in rows if j != i) / 2 + first_rank
        want[i, t] = r * (1 - 0.25 * rank / len(rows))
    agree(run(f"{source} | unlikeliness(0.25, {first_rank})", rollout), want)


@pytest.mark.parametrize(("margin", "most"), [(0.0, math.inf), (0.05, 0.5)])
@pytest.mark.parametrize("source", CHANNELS)
def test_consistency_bonus(seed, source, margin, most):
    """Accurate and confident rows get half of their total more, on the last reward."""
    rollout = signals(varied(seed), seed)
    want = dict(run(source, rollout))
    total, sure = totals(want), {}
    for i in total:
        marks = [t for t in true_tokens(rollout, i) if rollout.signals["marked"][i, t]]
        ref = [float(rollout.signals["ref_logp"][i, t]) for t in marks]
        sure[i] = min(math.exp(np.mean(ref)) if ref else 1.0, most)
    good = [
        i
        for i in total
        if total[i] > 0.1
        and total[i] >= np.mean([total[j] for j in family(total, i)]) - 1e-12
    ]
    for i in good:
        peers = np.mean([sure[j] for j in good if GROUPS[j] == GROUPS[i]])
        if sure[i] >= peers - margin - 1e-12:
            want[row(want, i)[-1][0]] += 0.5 * total[i]
    cap = "" if most == math.inf else f", max_confidence={most}"
    call = f"consistency_bonus('marked', 'ref_logp', margin={margin}{cap})"
    agree(run(f"{source} | {call}", rollout), want)


def test_length_penalty_may_end(seed):
    """The price of tokens beyond the second ends at 0.3."""
    rollout = varied(seed)
    want = dict(run("outcome('correct')", rollout))
    for i, t in want:
        tokens = len(true_tokens(rollout, i))
        want[i, t] -= min(0.1 * max(tokens - 2, 0), 0.3)
    agree(
        run("outcome('correct') | length_penalty(2, 0.1, max_penalty=0.3)", rollout),
        want,
    )


def test_weigh_by_duration(seed):
    """A times its step's duration over the mean of all steps with an advantage."""
    rollout = signals(varied(seed), seed)
    before, want = run("outcome('correct') | broadcast_to_tokens()", rollout), {}
    durations = np.asarray(rollout.signals["long"])
    rows = {i for i, _ in before}
    steps = {i: step_tokens(rollout, i) for i in rows}
    mean = np.mean([durations[i, k] for i in rows for k, _ in steps[i]])
    for i in rows:
        for k, tokens in steps[i]:
            want |= {(i, t): before[i, t] * durations[i, k] / mean for t in tokens}
    text = "outcome('correct') | broadcast_to_tokens() | weigh_by_duration('long')"
    agree(run(text, rollout), want)


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


@pytest.mark.parametrize("source", CHANNELS)
def test_weigh_by_unlikeness(seed, source):
    """r sigmoid(1 - W) / sigmoid(mean of 1 - W over the group's scored rows)."""
    rollout = signals(varied(seed), seed)
    before, w = run(source, rollout), np.asarray(rollout.signals["w"])
    total = totals(before)
    mean = {i: np.mean([1 - w[j] for j in family(total, i)]) for i in total}
    want = {
        p: r * sigmoid(1 - w[p[0]]) / sigmoid(mean[p[0]]) for p, r in before.items()
    }
    agree(run(f"{source} | weigh_by_unlikeness('w')", rollout), want)


@pytest.mark.parametrize("tau", [0.0, 0.5, 4.0])
def test_weigh_by_gap(seed, tau):
    """r sigmoid(mean of gaps near the mean) / sigmoid(mean); all if none is near."""
    rollout = signals(varied(seed), seed)
    before, gap = run("outcome('correct')", rollout), np.asarray(rollout.signals["b"])
    total, want = totals(before), {}
    for (i, t), r in before.items():
        gaps = [gap[j] for j in family(total, i)]
        mean = np.mean(gaps)
        kept = [g for g in gaps if (g - mean) ** 2 <= tau] or [mean]
        want[i, t] = r * sigmoid(np.mean(kept)) / sigmoid(mean)
    agree(run(f"outcome('correct') | weigh_by_gap('b', tau={tau})", rollout), want)
