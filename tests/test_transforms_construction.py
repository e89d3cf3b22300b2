"""Words that put several rewards together, against loops in float64."""

import math

import jax.numpy as jnp
import numpy as np
import pytest
from oracle import GROUPS, SEEDS, agree, run, true_tokens, varied

from rewardlab.testing import from_arrays

pytestmark = [
    pytest.mark.usefixtures("x64", "strict_ranks"),
    pytest.mark.parametrize("seed", SEEDS),
]


def test_formula(seed):
    """Where all named channels stand; 0 where the result is not finite."""
    rollout = varied(seed)
    text = "outcome('correct') | outcome('score') | formula('2 * correct / score - 1')"
    rollout = rollout.with_signals(score=jnp.where(rollout.group == 1, 0, 0.5))
    want = {}
    for i in range(12):
        tokens = true_tokens(rollout, i)
        if tokens and rollout.signals["correct_valid"][i]:
            right = float(rollout.signals["correct"][i])
            want[i, tokens[-1]] = 0.0 if GROUPS[i] == 1 else 2 * right / 0.5 - 1
    agree(run(text, rollout), want)


def test_formula_says_what_is_wrong(seed):
    """An unknown channel, something outside the grammar, or no channel at all."""
    for text, complaint in {
        "correct * missing": "no channel 'missing'",
        "correct.real": "'correct.real' is not a name",
        "__import__('os')": "is not a name",
        "1 + 1": "names no channel",
        "(correct": "not an expression",
    }.items():
        with pytest.raises(ValueError, match=complaint):
            run(f"outcome('correct') | formula({text!r})", varied(seed))


def test_keep_pareto_front(seed):
    """Rows that none beats, times N / n(P); a row without some score is left out."""
    rollout, totals = varied(seed), {}
    for i in range(12):
        tokens = true_tokens(rollout, i)
        if tokens and rollout.signals["correct_valid"][i]:
            pair = (float(rollout.signals[k][i]) for k in ("correct", "score"))
            totals[i, tokens[-1]] = tuple(pair)
    beats = lambda a, b: a != b and all(x >= y for x, y in zip(a, b, strict=True))  # noqa: E731
    front = [
        p for p, r in totals.items() if not any(beats(q, r) for q in totals.values())
    ]
    factor = len(totals) / len(front)
    want = {p: factor * sum(totals[p]) for p in front}
    text = "outcome('correct') | outcome('score') | keep_pareto_front()"
    agree(run(f"{text} | weighted_sum(correct=1, score=1)", rollout), want)


def test_equal_rows_share_the_front(seed):
    """With one channel all rows at the maximum stay."""
    rollout = from_arrays(np.ones((4, 1)), score=np.array([1.0, 3.0, 3.0, -seed]))
    got = run("outcome('score') | keep_pareto_front()", rollout)
    agree(got, {(1, 0): 6.0, (2, 0): 6.0})


def test_rubric(seed):
    """Points met over the points that can be met; penalties only take away."""
    rng, rollout = np.random.default_rng(seed), varied(seed)
    points = rng.integers(-4, 5, (12, 6)).astype(float)
    met = rng.integers(0, 2, (12, 6)).astype(float)
    points[3], points[5, 2], met[6, 1] = -np.abs(points[3]), np.inf, np.nan
    points[4] = 0
    rollout = rollout.with_signals(points=jnp.asarray(points), met=jnp.asarray(met))
    for fallback in (False, True):
        want = {}
        for i in range(12):
            pairs = [
                (p, m if np.isfinite(m) else 0.0)
                for p, m in zip(points[i], met[i], strict=True)
                if np.isfinite(p)
            ]
            best = sum(p for p, _ in pairs if p > 0)
            if best == 0 and fallback:
                best = sum(abs(p) for p, _ in pairs)
            earned = sum(p * m for p, m in pairs)
            if tokens := true_tokens(rollout, i):
                want[i, tokens[-1]] = earned / best if best else 0.0
        text = f"rubric('met', 'points', signed_fallback={fallback})"
        agree(run(text, rollout), want)


def calls(seed):
    """Few calls, so that groups have ties; row 2 of group 0 abstains."""
    rollout = varied(seed)
    made = np.random.default_rng(seed).integers(0, 4, 12)
    return rollout.with_signals(calls=jnp.asarray(made)), made


def test_tool_efficiency(seed):
    """cos(m pi / (2m + c))."""
    rollout, made = calls(seed)
    want = {
        (i, t[-1]): math.cos(made[i] * math.pi / (2 * made[i] + 3))
        for i in range(12)
        if (t := true_tokens(rollout, i))
    }
    agree(run("tool_efficiency('calls', 3)", rollout), want)


def test_tool_efficiency_by_group(seed):
    """sin(f pi / 2n), f = 2nm / (m + n), n the least of the group's right answers."""
    rollout, made = calls(seed)
    tokens = {i: true_tokens(rollout, i) for i in range(12)}
    valid, right = rollout.signals["correct_valid"], rollout.signals["correct"]
    solved = [i for i in range(12) if tokens[i] and valid[i] and right[i] > 0]
    want = {}
    for i in range(12):
        if tokens[i]:
            m = int(made[i])
            n = min((int(made[j]) for j in solved if GROUPS[j] == GROUPS[i]), default=0)
            f = 2 * n * m / (m + n) if m + n else 0
            thrifty = math.cos(m * math.pi / (2 * m + 2))
            want[i, tokens[i][-1]] = math.sin(f * math.pi / (2 * n)) if n else thrifty
    agree(run("tool_efficiency_by_group('calls', 'correct', 2)", rollout), want)
