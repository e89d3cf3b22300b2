"""Alarms: what each detector sees, and what it does not call a fault."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest

from rewardlab import Rollout, resolve
from rewardlab.analysis.pass_at_k import dead_group_share
from rewardlab.core.stages import trace, words
from rewardlab.runs.alarms import Watch, alarms_now, alarms_of, unmeasured
from rewardlab.runs.detectors import DETECTORS, ends_of
from rewardlab.runs.signs import sign_metrics


def run(seed=0, steps=60, **curves):
    """Rows of a run: each name goes from one mean to another in a straight line."""
    rng, rows = np.random.default_rng(seed), [{"step": 0, "eval/pass@1": 0.4}]
    for step in range(1, steps + 1):
        row = {"step": step}
        for name, (first, last) in curves.items():
            mean = first + (last - first) * min(1, max(0, step - 15) / 20)
            row[NAMES[name]] = mean + 0.02 * rng.normal()
        rows.append(row)
    return rows


NAMES = {
    "reward": "reward/mean",
    "truth": "rewards/correct/mean",
    "length": "completions/mean_length",
    "cut": "completions/clipped_ratio",
    "cut_wrong": "completions/clipped_of_wrong",
    "dead": "frac_reward_zero_std",
    "entropy": "entropy",
    "again": "completions/repeated",
    "clip": "saturation/clip_reward/prm",
    "a": "share_of_spread/a",
    "b": "share_of_spread/b",
}
GONE = {"entropy": (1, 0.05)}
SEEN = [  # a fault, and its double that is none
    ("divergence", {"reward": (1, 2), "truth": (0.5, 0.45)}, {"reward": (1, 2)}),
    ("truth_falls", {"truth": (0.5, 0.2)}, {"truth": (0.5, 0.4)}),
    ("length_drift", {"length": (20, 32)}, {"length": (20, 26)}),
    ("length_drift", {"length": (20, 8)}, {"length": (20, 14)}),
    (
        "truncation",
        {"cut": (0, 0.5), "cut_wrong": (0.1, 0.9)},
        {"cut": (0, 0.05), "cut_wrong": (0.1, 0.9)},
    ),
    ("dead_groups", {"dead": (0.1, 0.9)}, {"dead": (0.1, 0.9), "truth": (0.5, 0.99)}),
    ("entropy_collapse", GONE | {"truth": (0.3, 0.4)}, GONE | {"truth": (0.3, 0.97)}),
    # As good as it can be expected to be here; and what fell with its errors.
    ("entropy_collapse", GONE | {"truth": (0.8, 0.8)}, GONE | {"truth": (0.3, 0.7)}),
    ("entropy_collapse", GONE | {"truth": (0.3, 0.3)}, {"truth": (0.3, 0.3)}),
    ("repetition", {"again": (0.05, 0.4)}, {"again": (0.4, 0.4)}),
    ("saturation", {"clip": (0.5, 1)}, {"clip": (0.5, 0.6)}),
    ("saturation", {"clip": (0.5, 0)}, {"clip": (0.5, 0.1)}),
    ("domination", {"a": (0.5, 1), "b": (0.5, 0)}, {"a": (0.5, 0.7), "b": (0.5, 0.3)}),
    ("domination", {"a": (0.5, 0), "b": (0.5, 1)}, {"b": (0.5, 1)}),
]


@pytest.mark.parametrize(("name", "fault", "double"), SEEN)
def test_a_detector_sees_its_fault_and_not_its_double(name, fault, double):
    alarms = {x.name: x for x in alarms_of(run(**fault))}
    assert name in alarms and 15 < alarms[name].step <= 60 and alarms[name].said
    assert name not in {x.name for x in alarms_of(run(**double))}


def test_held_out_accuracy_below_the_bases():
    rows = run(steps=3)
    for share, seen in ((0.39, False), (0.30, True), (None, False)):
        rows[-1]["eval/pass@1"] = share
        assert ("below_base" in {x.name for x in alarms_of(rows)}) == seen
    assert {name for name, *_ in SEEN} | {"below_base"} == set(DETECTORS)


def test_entropy_may_go_while_the_policy_still_learns():
    """It is no fault as long as the last ten steps are better than those before."""
    rows = run(**GONE, truth=(0.3, 0.3))
    for row in rows[-10:]:
        row["rewards/correct/mean"] += 0.2
    for row in rows[1:]:  # as far as it goes down in this run
        row["entropy"] = max(row["entropy"], 0.01)
    names = [{x.name for x in alarms_now(rows[:n])} for n in (50, 60)]
    assert ["entropy_collapse" in x for x in names] == [True, False]


def test_noise_alone_is_no_fault():
    flat = {name: (0.5, 0.5) for name in NAMES if name != "cut_wrong"}
    named = [x.name for seed in range(40) for x in alarms_of(run(seed, **flat))]
    assert len(named) <= 4, named


def test_short_runs_and_holes_say_nothing():
    fault = {"reward": (1, 2), "truth": (0.5, 0.1)}
    assert alarms_of(run(**fault)[:15]) == [] and alarms_of([]) == []
    rows = run(**fault)
    for row in rows[1::2]:
        row["reward/mean"] = None
    assert "divergence" in {x.name for x in alarms_of(rows)}
    ends = ends_of(rows, "reward/mean")
    values = [row["reward/mean"] for row in rows if row.get("reward/mean")]
    assert ends.last == pytest.approx(np.mean(values[-10:]))
    assert ends.first == pytest.approx(np.mean(values[:10]))
    spread = [np.var(part, ddof=1) for part in (values[:10], values[-10:])]
    assert ends.error == pytest.approx(np.sqrt(sum(spread) / 10))
    for row in rows[-15:]:  # not measured any more: of now nothing is known
        row["reward/mean"] = None
    assert "divergence" not in {x.name for x in alarms_of(rows)}
    assert "not there in the first or the last" in unmeasured(rows)["divergence"]


def test_what_is_not_measured_is_said():
    """By alarm, why; a run that has all of its numbers lacks none."""
    every = {k: x for _, fault, _ in SEEN for k, x in fault.items()}
    rows = run(**every)
    assert unmeasured([*rows, {"step": 61, "eval/pass@1": 0.4}]) == {}
    assert unmeasured(rows) == {"below_base": "there is one evaluation so far"}
    found = unmeasured(run(reward=(1, 2), entropy=(1, 1)))
    assert "truth_falls" in found and "length_drift" in found
    assert found["divergence"].startswith("no rewards/correct/mean, measured where")
    assert found["domination"].startswith("no share_of_spread/…, measured where")
    early = unmeasured(run(steps=12, **every))
    assert early["domination"] == "it takes 20 steps, and there are 12"
    assert set(unmeasured([])) == set(DETECTORS)


def test_a_watch_says_what_all_rows_say():
    """It keeps first and last steps; that of a resumed run begins from its rows."""
    rows = run(**{k: x for _, fault, _ in SEEN for k, x in fault.items()})
    for row in rows[25:40]:  # a hole that the watch keeps nothing of
        row["reward/mean"] = None
    watch, resumed = Watch(), Watch(rows[:30])
    for count, row in enumerate(rows, 1):
        watch.add(row)
        if count > 30:
            resumed.add(row)
            assert resumed.now() == watch.now()
        assert watch.now() == (alarms_now(rows[:count]))


def test_the_share_of_dead_groups_is_that_of_all_ways_to_draw():
    solved = np.array([[1, 1, 0, 0], [1, 0, 0, 0], [1, 1, 1, 1]])
    draws = list(itertools.combinations(range(4), 2))
    dead = [len(set(row[list(d)])) == 1 for row in solved for d in draws]
    assert dead_group_share(solved, 2) == pytest.approx(np.mean(dead))
    few = (0.5**8 * 2 + 0.25**8 + 0.75**8 + 1) / 3
    assert dead_group_share(solved, 8) == pytest.approx(few)


def rollout(tokens, mask, **signals):
    n, t = np.shape(tokens)
    return Rollout(
        prompts=jnp.zeros((1, 1), jnp.int32),
        prompt_mask=jnp.ones((1, 1), bool),
        group=jnp.zeros(n, jnp.int32),
        tokens=jnp.asarray(tokens, jnp.int32),
        mask=jnp.asarray(mask, bool),
        valid=jnp.asarray(mask, bool),
        step=jnp.zeros((n, t), jnp.int32),
        logp=jnp.zeros((n, t)),
        signals={k: jnp.asarray(x, jnp.float32) for k, x in signals.items()},
        iteration=jnp.zeros((), jnp.int32),
    )


def test_repetition_counts_runs_that_stood_before():
    rng = np.random.default_rng(0)
    tokens, mask = rng.integers(0, 2, (5, 14)), np.ones((5, 14), bool)
    mask[1, 9:], mask[2, 4], mask[4] = False, False, False
    seen, again, count = set(), 0, 0
    for n, t in itertools.product(range(5), range(11)):
        if mask[n, t : t + 4].all():
            gram = (n, *tokens[n, t : t + 4])
            again, count = again + (gram in seen), count + 1
            seen.add(gram)
    found = sign_metrics(rollout(tokens, mask), jnp.ones(5, bool), (), ())
    assert found["completions/repeated"][:] == (again, count)
    short = sign_metrics(rollout([[1, 2]], [[1, 1]]), jnp.ones(1, bool), (), ())
    assert short["completions/repeated"].count == 0


def test_cut_rows_among_the_wrong_ones_shares_and_saturation():
    scores = {"correct": [1, 0, 0, 1], "prm": [[0.95], [0.2], [0.99], [0.9]]}
    case = rollout(np.zeros((4, 3)), np.ones((4, 3)), **scores)
    sentence = resolve(
        "process('prm') | clip_reward(eta=0.9) | outcome('correct')"
        " | weighted_sum(prm=2, correct=1)"
    )
    stages = trace(sentence)({}, sentence.init(case), case)
    ended = jnp.array([True, False, True, True])
    found = sign_metrics(case, ended, words(sentence), stages)
    assert found["completions/clipped_of_wrong"].mean() == 0.5
    assert found["saturation/clip_reward/prm"] == 0.75  # 0.95, 0.99 and 0.9 itself
    # Of few rewards one is the greatest, whatever the limit: it lies at none.
    sentence = resolve("process('prm') | clip_reward(eta=1.5) | outcome('correct')")
    stages = trace(sentence)({}, sentence.init(case), case)
    idle = sign_metrics(case, ended, words(sentence), stages)
    assert idle["saturation/clip_reward/prm"] == 0
    prm, correct = np.array([0, -1.4, 0, 0]), np.array([1.0, 0, 0, 1])
    whole = prm + correct
    for name, part in (("prm", prm), ("correct", correct)):
        share = np.cov(part, whole)[0, 1] / whole.var(ddof=1)
        assert found[f"share_of_spread/{name}"] == pytest.approx(share, abs=1e-5)


def test_steps_in_which_the_policy_rests_do_not_count():
    """A reward model that learns meanwhile pays more than the frozen one ever does."""
    known = run(reward=(1, 2), truth=(0.5, 0.1))
    before = [
        {
            "step": s,
            "reward/mean": 9.0,
            "rewards/correct/mean": 0.5,
            "policy_rests": 1.0,
        }
        for s in range(1, 51)
    ]
    after = [{**x, "step": x["step"] + 50, "policy_rests": 0.0} for x in known[1:]]
    rows = [known[0], *before, *after]
    names = {"divergence", "truth_falls"}
    assert {alarm.name for alarm in alarms_of(rows)} == names
    assert {alarm.name for alarm in Watch(rows).now()} == names
    assert "divergence" not in {x.name for x in alarms_now(rows)}
