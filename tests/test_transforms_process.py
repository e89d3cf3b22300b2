"""Words of process rewards and of selection against loops, in float64."""

import math

import numpy as np
import pytest
from oracle import GROUPS, SEEDS, agree, row, run, step_tokens, true_tokens, varied

pytestmark = [
    pytest.mark.usefixtures("x64", "strict_ranks"),
    pytest.mark.parametrize("seed", SEEDS),
]


def totals(rewards):
    """The sum of each row that has a reward."""
    return {i: sum(r for _, r in row(rewards, i)) for i in {p[0] for p in rewards}}


def group_of(rows, i):
    return [j for j in sorted(rows) if GROUPS[j] == GROUPS[i]]


@pytest.mark.parametrize("attempts", [1, 4])
def test_progress(seed, attempts):
    """(1 - q_k)^n - (1 - q_{k+1})^n at step ends; a row's progress telescopes."""
    rollout, want = varied(seed), {}
    chance = np.asarray(rollout.signals["belief"])
    value = 1 - (1 - chance) ** attempts
    for i in range(12):
        for k, tokens in step_tokens(rollout, i):
            if k < chance.shape[1] - 1:
                want[i, tokens[-1]] = value[i, k + 1] - value[i, k]
    got = run(f"progress('belief', attempts={attempts})", rollout)
    agree(got, want)
    for i, total in totals(got).items():
        steps = [k for k, _ in step_tokens(rollout, i)]
        if steps == list(range(len(steps))) and len(steps) < chance.shape[1]:
            assert np.isclose(total, value[i, len(steps)] - value[i, 0])


def test_new_best(seed):
    """A gain above the best so far, else minus the distance to it; 0 at a tie."""
    rollout, want = varied(seed), {}
    scores = run("process('prm')", rollout)
    for i in range(12):
        best = 0.25
        for p, x in row(scores, i):
            want[p] = 0.5 if x > best else -2 * (best - x)
            best = max(best, x)
    agree(run("new_best('prm', gain=0.5, penalty=2, start=0.25)", rollout), want)


@pytest.mark.parametrize("share", [0.2, 0.5, 1.0])
def test_entropy_ranking(seed, share):
    """best (1 - k / (n - 1)), k the place by rows beaten, earlier rows first."""
    rollout, want = varied(seed), {}
    entropy = np.asarray(rollout.signals["dense"])
    found = {i: t for i in range(12) if (t := true_tokens(rollout, i))}
    peak, calm = {}, {}
    for i, tokens in found.items():
        high = sorted(entropy[i, tokens], reverse=True)
        high = high[: max(1, math.floor(share * len(tokens)))]
        peak[i], calm[i] = np.mean(high), np.mean(entropy[i, tokens])
    for i, tokens in found.items():
        rows = group_of(found, i)
        wins = {
            a: sum(peak[a] > peak[b] and calm[a] < calm[b] for b in rows) for a in rows
        }
        place = sorted(rows, key=lambda a: -wins[a]).index(i)
        fall = place / (len(rows) - 1) if len(rows) > 1 else 0.0
        want[i, tokens[-1]] = 0.5 * (1 - fall)
    agree(run(f"entropy_ranking('dense', share={share}, best=0.5)", rollout), want)


def test_shift(seed):
    """Every reward moves alike."""
    rollout = varied(seed)
    want = {p: r - 0.5 for p, r in run("process('prm')", rollout).items()}
    agree(run("process('prm') | shift(-0.5)", rollout), want)


def test_require(seed):
    """A row that fails has -1 on its last reward and 0 before."""
    rollout, want = varied(seed), {}
    passed = np.asarray(rollout.signals["score"]) > 0
    scores = run("process('prm')", rollout)
    for i in {p[0] for p in scores}:
        for k, (p, r) in enumerate(reversed(row(scores, i))):
            want[p] = r if passed[i] else (-1.0 if k == 0 else 0.0)
    agree(run("process('prm') | require('score', otherwise=-1)", rollout), want)


def test_improvement_bonus(seed):
    """s + 10 (s - the reward before); the first is as it was."""
    rollout, want = varied(seed), {}
    scores = run("process('prm')", rollout)
    for i in {p[0] for p in scores}:
        before = None
        for p, s in row(scores, i):
            want[p] = s if before is None else s + 10 * (s - before)
            before = s
    agree(run("process('prm') | improvement_bonus(10)", rollout), want)


@pytest.mark.parametrize("number", [0, 1])
def test_only_step(seed, number):
    """What stands on tokens of that step, by a loop over tokens."""
    rollout = varied(seed)
    step = np.asarray(rollout.step)
    scores = run("process('prm')", rollout)
    want = {p: r for p, r in scores.items() if step[p] == number}
    assert 0 < len(want) < len(scores)
    agree(run(f"process('prm') | only_step({number})", rollout), want)


def test_bonus_while_rare(seed):
    """0.5 on each step that does it, if fewer steps of the batch than `below` do."""
    rollout = varied(seed)
    scores = run("process('prm')", rollout)
    places = [p for i in {p[0] for p in scores} for p, _ in row(scores, i)]
    step = np.asarray(rollout.step)
    done = {p: float(rollout.signals["belief"][p[0], step[p]] > 0.5) for p in places}
    rollout = rollout.with_signals(did=np.asarray(rollout.signals["belief"]) > 0.5)
    rate = sum(done.values()) / len(done)
    assert 0 < rate < 1
    for below, rare in ((rate + 0.01, True), (rate - 0.01, False)):
        want = {p: scores[p] + 0.5 * done[p] * rare for p in places}
        text = f"process('prm') | bonus_while_rare('did', below={below}, bonus=0.5)"
        agree(run(text, rollout), want)


JUDGED = "outcome('correct') | outcome('score') | "


def test_trust(seed):
    """exp(mu right - mu wrong) where that is below 0 and both sides exist."""
    rollout, want = varied(seed), {}
    judged, outcome = (
        totals(run(f"outcome('{n}')", rollout)) for n in ("score", "correct")
    )
    for p, r in run("outcome('score')", rollout).items():
        rows = [j for j in group_of(judged, p[0]) if j in outcome]
        right = [judged[j] for j in rows if outcome[j] >= 0.5]
        wrong = [judged[j] for j in rows if outcome[j] < 0.5]
        gap = np.mean(right) - np.mean(wrong) if right and wrong else 0.0
        want[p] = r * math.exp(min(gap, 0.0))
    text = f"{JUDGED} trust('score', by='correct') | weighted_sum(score=1)"
    agree(run(text, rollout), want)


def test_zero_if_group_unanimous(seed):
    """0 where all outcomes of the group are at one end."""
    rollout, want = varied(seed), {}
    outcome = totals(run("outcome('correct')", rollout))
    for p, r in run("outcome('score')", rollout).items():
        rows = [outcome[j] for j in group_of(outcome, p[0])]
        agrees = all(o <= 0.1 for o in rows) or all(o >= 0.9 for o in rows)
        want[p] = 0.0 if agrees else r
    text = (
        f"{JUDGED} zero_if_group_unanimous('score', by='correct')"
        f" | weighted_sum(score=1)"
    )
    agree(run(text, rollout), want)
