"""Sources and combinators against loops over rows and tokens, in float64."""

import jax.numpy as jnp
import numpy as np
import pytest
from oracle import SEEDS, agree, run, step_tokens, true_tokens, varied

from rewardlab.testing import from_arrays
from rewardlab.transforms.sources.belief import answer_logprob, answer_probability

pytestmark = [
    pytest.mark.usefixtures("x64", "strict_ranks"),
    pytest.mark.parametrize("seed", SEEDS),
]


def test_outcome(seed):
    """r on the last True token of a row; none in an empty or abstaining row."""
    rollout, want = varied(seed), {}
    for i in range(12):
        tokens = true_tokens(rollout, i)
        if tokens and rollout.signals["correct_valid"][i]:
            want[i, tokens[-1]] = rollout.signals["correct"][i]
    agree(run("outcome('correct')", rollout), want)


def process_of(rollout):
    """Each step's score on its last True token."""
    want = {}
    for i in range(12):
        for s, tokens in step_tokens(rollout, i):
            if rollout.signals["prm_valid"][i, s]:
                want[i, tokens[-1]] = float(rollout.signals["prm"][i, s])
    return want


def test_process(seed):
    """r_s on the last True token of step s, holes and lost steps or not."""
    rollout = varied(seed)
    agree(run("process('prm')", rollout), process_of(rollout))
    few = rollout.with_signals(
        prm=rollout.signals["prm"][:, :2], prm_valid=rollout.signals["prm_valid"][:, :2]
    )
    want = {p: r for p, r in process_of(rollout).items() if rollout.step[p] < 2}
    agree(run("process('prm')", few), want)


def test_dense(seed):
    """r_t on every True token."""
    rollout = varied(seed)
    tokens = [(i, t) for i in range(12) for t in true_tokens(rollout, i)]
    want = {p: float(rollout.signals["dense"][p]) for p in tokens}
    agree(run("dense('dense')", rollout), want)


def test_information_gain(seed):
    """q_{k+1} - q_k at the end of turn k, except at the row's last turn."""
    rollout, want = varied(seed), {}
    belief = np.asarray(rollout.signals["belief"])
    for i in range(12):
        for s, tokens in step_tokens(rollout, i)[:-1]:
            want[i, tokens[-1]] = belief[i, s + 1] - belief[i, s]
    agree(run("information_gain('belief')", rollout), want)


def test_belief_is_a_geometric_mean(seed):
    """exp(mean log p) over the answer's tokens, NaN outside of them unread."""
    rng = np.random.default_rng(seed)
    logp, mask = -rng.exponential(size=(2, 3, 4)), rng.random((2, 3, 4)) < 0.7
    logp[~mask] = np.nan
    got = answer_probability(jnp.asarray(logp), jnp.asarray(mask))
    mean = answer_logprob(jnp.asarray(logp), jnp.asarray(mask))
    for i in range(2):
        for s in range(3):
            p = np.exp(logp[i, s][mask[i, s]])
            want = np.prod(p) ** (1 / len(p)) if len(p) else 1.0
            np.testing.assert_allclose(got[i, s], want, rtol=1e-12)
            np.testing.assert_allclose(mean[i, s], np.log(want), atol=1e-12)


def test_kl_penalty(seed):
    """-beta (log pi - log ref) on every True token of a row that somebody scored."""
    rollout = varied(seed)
    logp, ref = np.asarray(rollout.logp), np.asarray(rollout.signals["ref_logp"])
    tokens = [(i, t) for i in range(12) for t in true_tokens(rollout, i)]
    want = {p: -0.1 * (logp[p] - ref[p]) for p in tokens}
    agree(run("kl_penalty(0.1)", rollout), want)
    gaps = {p: ref[p] - logp[p] for p in tokens}
    k3 = {p: -0.1 * (np.exp(gap) - gap - 1) for p, gap in gaps.items()}
    agree(run("kl_penalty(0.1, kind='k3_unbounded')", rollout), k3)
    with pytest.raises(ValueError, match="no KL estimator 'k4'"):
        run("kl_penalty(0.1, kind='k4')", rollout)
    scored = {i for i, _ in run("outcome('correct')", rollout)}
    want = {p: r for p, r in want.items() if p[0] in scored}
    text = "outcome('correct') | kl_penalty(0.1) | weighted_sum(kl=1)"
    agree(run(text, rollout), want)


def test_weighted_sum(seed):
    """sum_c w_c r_c; a place has a reward where any channel has one."""
    rollout = varied(seed)
    a, b = run("outcome('correct')", rollout), process_of(rollout)
    want = {p: 2 * a.get(p, 0) - 0.5 * b.get(p, 0) for p in {**a, **b}}
    text = "outcome('correct') | process('prm') | weighted_sum(correct=2, prm=w)"
    agree(run(text, rollout, w=-0.5), want)


def test_on(seed):
    """Only the named channel is clipped."""
    rollout = varied(seed)
    a, b = run("outcome('correct')", rollout), process_of(rollout)
    want = {p: a.get(p, 0) + min(b.get(p, 0.5) - 0.5, 0) for p in {**a, **b}}
    text = "outcome('correct') | process('prm') | on('prm', clip_reward(0.5))"
    agree(run(f"{text} | weighted_sum(correct=1, prm=1)", rollout), want)


def test_gate(seed):
    """Rows whose signal is positive are clipped, the others are not."""
    rollout = varied(seed).with_signals(switch=jnp.arange(12) % 2)
    b = process_of(rollout)
    want = {p: min(r - 0.5, 0) if p[0] % 2 else r for p, r in b.items()}
    text = "process('prm') | gate('switch', clip_reward(0.5))"
    agree(run(text, rollout), want)


def test_gated_accumulation(seed):
    """A channel counts in rows where the totals above it all reach their thresholds."""
    rollout = varied(seed)
    a, b = run("outcome('correct')", rollout), process_of(rollout)
    d = run("dense('dense')", rollout)
    total = {i: sum(r for p, r in b.items() if p[0] == i) for i in range(12)}
    right = {p[0] for p, r in a.items() if r >= 0.5}
    good = {i for i in {p[0] for p in b} if total[i] >= 1.0} & right
    want = {p: a.get(p, 0) for p in {**a, **b, **d}}
    for p, r in b.items():
        want[p] += r if p[0] in right else 0
    for p, r in d.items():
        want[p] += r if p[0] in good else 0
    sources = "outcome('correct') | process('prm') | dense('dense')"
    gate = "gated_accumulation('dense', correct=0.5, prm=1.0)"
    add = "weighted_sum(correct=1, prm=1, dense=1)"
    agree(run(f"{sources} | {gate} | {add}", rollout), want)


def test_gates_at_equality(seed):
    """0.5 passes a gate of 0.5, unless the gate is strict."""
    rollout = from_arrays([[1, 1]], step=[[0, 1]], a=[0.5], b=[[1.0, 2.0]])
    text = "outcome('a') | process('b') | gated_accumulation('b', a=0.5{}) | on('a', "
    text += "clip_reward(9.0)) | weighted_sum(b=1)"
    agree(run(text.format(""), rollout), {(0, 0): 1.0, (0, 1): 2.0})
    agree(run(text.format(", strict=True"), rollout), {(0, 0): 0.0, (0, 1): 0.0})


def test_a_gate_without_a_value_is_closed(seed):
    """A row whose outcome abstains has total 0, which does not pass a gate of -1."""
    heard = np.array([True, False])
    rollout = from_arrays(np.ones((2, 1)), a=np.zeros(2), a_valid=heard, b=np.ones(2))
    text = "outcome('a') | outcome('b') | gated_accumulation('b', a=-1)"
    want = {(0, 0): 1.0, (1, 0): 0.0}
    agree(run(f"{text} | weighted_sum(b=1)", rollout), want)
