"""Words of several agents, against loops in float64."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from golden_adapters.states import scored
from oracle import GROUPS, SEEDS, agree, apply, row, run, step_tokens, varied

from rewardlab import build

pytestmark = [
    pytest.mark.usefixtures("x64", "strict_ranks"),
    pytest.mark.parametrize("seed", SEEDS),
]


@pytest.mark.parametrize("by_turn", [True, False])
def test_center_by_role_history(seed, by_turn):
    """Row after row, token after token; the next batch goes on from there."""
    rng, rollout = np.random.default_rng(seed), varied(seed)
    role = rng.integers(0, 3, (12, 4) if by_turn else 12)
    rollout = rollout.with_signals(role=jnp.asarray(role))
    before = run("process('prm')", rollout)
    past, want = [0.0, 0.0, 0.0], []
    for _ in range(2):
        found = {}
        for p in sorted(before):
            who = role[p[0], int(rollout.step[p])] if by_turn else role[p[0]]
            found[p] = before[p] - past[who]
            past[who] = 0.7 * past[who] + 0.3 * before[p]
        want.append(found)
    text = "process('prm') | center_by_role_history('role', decay=0.7, roles=3)"
    transform = build(text)
    state = transform.init(rollout)
    for batch in want:
        rewards, state = transform.update({}, state, rollout)
        value = np.asarray(rewards["prm"].value)
        agree({p: value[p] for p in before}, batch)
    np.testing.assert_allclose(state[-1], past, rtol=1e-12)


@pytest.mark.parametrize("how", ["quality", "margin"])
@pytest.mark.parametrize("pooled", [False, True])
def test_shape_by_turn_history(seed, how, pooled):
    """Q over what stands in earlier steps, of the row or of the prompt's rows."""
    rollout = varied(seed)
    before, want = run("process('prm')", rollout), {}
    for (i, t), r in before.items():
        k = int(rollout.step[i, t])
        rows = [j for j in range(12) if j == i or pooled and GROUPS[j] == GROUPS[i]]
        early = [
            x for (j, u), x in before.items() if j in rows and rollout.step[j, u] < k
        ]
        want[i, t] = r
        if early:
            q, last = sum(early) / len(early), row(before, i)[-1][1]
            bonus = q * r - (1 - q) * (1 - r) if how == "quality" else r - q
            want[i, t] = r + 0.4 * bonus + 0.1 * last
    word = f"shape_by_turn_history('{how}', 0.4, 0.1, pooled={pooled})"
    agree(run(f"process('prm') | {word}", rollout), want)


def test_returns_within_steps(seed):
    """r_t + 0.7 G_{t+1} up to the end of the step, and nothing beyond."""
    rollout = varied(seed)
    before, want = run("dense('dense')", rollout), {}
    for i in {i for i, _ in before}:
        for _, tokens in step_tokens(rollout, i):
            later = 0.0
            for t in tokens[::-1]:
                later = before.get((i, t), 0.0) + 0.7 * later
                want[i, t] = later
    agree(run("dense('dense') | returns_within_steps(0.7)", rollout), want)


def test_who_spoke_and_who_is_compared(seed):
    """Agents take turns; a scoped agent has other peers in each row."""
    rollout = scored(varied(seed), "agents(3) | peers(scoped=(1, 2))")
    agent, peers = (np.asarray(rollout.signals[n]) for n in ("agent", "peers"))
    assert agent.shape == peers.shape and set(agent[0, :3]) == {0, 1, 2}
    assert (agent == np.arange(agent.shape[1]) % 3).all()
    same = peers[:, None, :, None] == peers[None, :, None, :]
    for i in range(12):
        for j in range(12):
            for k in range(agent.shape[1]):
                alike = agent[i, k] == agent[j]
                want = alike & ((i == j) | (agent[i, k] == 0))
                assert (same[i, j, k] == want).all()


def test_one_agent_is_no_agent(seed):
    """Compared by agent, one agent's turns are compared as turns of the group."""
    rollout = scored(varied(seed), "agents(1)")
    start = "outcome('correct') | episode_return(every_step=True)"
    by_agent = run(f"{start} | center_by_state('agent')", rollout)
    agree(by_agent, run(f"{start} | center_by_group()", rollout))
    for i in range(12):  # an agent of its own a turn: the same turn of other rows
        assert len(step_tokens(rollout, i)) <= 4
    assert apply(build(start), rollout)["correct"].placed.any()


def test_trajectories(seed):
    """The main agent's turns of an episode are one, and so is each call of another."""
    rng, rollout = np.random.default_rng(seed), varied(seed)
    agent = rng.integers(0, 3, (12, 4))
    there = np.array(
        [[k < len(step_tokens(rollout, i)) for k in range(4)] for i in range(12)]
    )
    heard, read = rng.random((2, 12, 4)) < 0.8
    flaws, kept = rng.integers(0, 3, (12, 4)), rng.random((12, 4)) < 0.7
    signals = {
        "agent": agent,
        "agent_valid": there,
        "flaws": np.where(heard & there, flaws, np.nan),
        "flaws_valid": heard & there,
        "grounding": np.where(read & there, kept, np.nan),
        "grounding_valid": read & there,
    }
    rollout = rollout.with_signals(**{k: jnp.asarray(x) for k, x in signals.items()})
    found = scored(rollout, "trajectories(main=2)").signals
    sizes = set()
    for i in range(12):
        turns = [k for k in range(4) if there[i, k]]
        for k in turns:
            own = [j for j in turns if agent[i, j] == agent[i, k]]
            if agent[i, k] != 2:  # without one of another agent between
                own = [
                    j
                    for j in own
                    if len({*agent[i, min(j, k) : max(j, k) + 1].tolist()}) == 1
                ]
            sizes.add(len(own))
            said = [flaws[i, j] for j in own if heard[i, j]]
            known = bool(said) and agent[i, k] != 2
            bad = any(read[i, j] and not kept[i, j] for j in own)
            assert found["trajectory_weight"][i, k] == pytest.approx(1 / len(own))
            assert found["trajectory_format"][i, k] == (not bad)
            assert found["subtask_flaws_valid"][i, k] == known
            if known:
                mean = sum(said) / len(said)
                assert found["subtask_flaws"][i, k] == pytest.approx(mean)
        for name in ("weight", "format"):
            assert not found[f"trajectory_{name}"][i][~there[i]].any()
        assert not found["subtask_flaws_valid"][i][~there[i]].any()
    assert {1, 2} <= sizes


@pytest.mark.parametrize("anchor", ["", "agent"])
def test_a_weight_counts_copies_once(seed, anchor):
    """Turns that stand in c rows and weigh 1 / c there leave all advantages; without a
    weight they change them."""
    rng, one = np.random.default_rng(seed), varied(seed)
    one = one.with_signals(agent=jnp.asarray(rng.integers(0, 2, (12, 4))))
    copies = rng.integers(1, 4, 12)
    rows = np.repeat(np.arange(12), copies)
    by_row = lambda x: x[rows] if x.shape[:1] == (12,) else x  # noqa: E731
    several = dataclasses.replace(
        jax.tree.map(by_row, one), prompts=one.prompts, prompt_mask=one.prompt_mask
    )
    share = jnp.asarray(np.broadcast_to(1 / copies[rows][:, None], (len(rows), 4)))
    several = several.with_signals(copies=share)
    first = np.searchsorted(rows, np.arange(12))

    def advantage(rollout, weight):
        both = f"{anchor!r}, weight={weight!r}"
        text = f"process('prm') | center_by_state({both}) | scale_by_state_std({both})"
        return run(text, rollout)

    want, changed = advantage(one, ""), advantage(several, "")
    got = advantage(several, "copies")
    agree({p: got[int(first[p[0]]), p[1]] for p in want}, want)
    assert any(abs(changed[int(first[i]), t] - x) > 1e-3 for (i, t), x in want.items())
