"""Metrics against loops over the definitions; sinks against an uninterrupted run."""

import struct
import sys
import types
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tensorboardX.proto.event_pb2 import Event, SessionLog

from rewardlab.core.types import Reward, Rollout, Sum, place
from rewardlab.runs import metrics, sinks
from rewardlab.runs.completions import Worth, completion_lines, texts_of
from rewardlab.testing import from_arrays, ragged
from rewardlab.text.tokenizers import CharTokenizer
from rewardlab.transforms.sources import outcome, process


def channel(rollout: Rollout, source) -> Reward:
    ((_, reward),) = jax.jit(source.update)({}, source.init(rollout), rollout)[
        0
    ].items()
    return reward


def test_rollout_metrics_are_their_definitions() -> None:
    rollout = ragged(prompts=4, samples=4)
    n, width = rollout.mask.shape
    spoke = np.random.default_rng(0).random(n) < 0.7
    spoke[4:8] = [True, False, False, False]  # one scored row: no spread to speak of
    rollout = rollout.with_signals(score_valid=jnp.asarray(spoke))
    score, prm = channel(rollout, outcome("score")), channel(rollout, process("prm"))
    advantage = jnp.asarray(np.random.default_rng(1).normal(size=(n, width)))
    ended = jnp.arange(n) % 3 > 0
    measure, channels = jax.jit(metrics.rollout_metrics), {"score": score, "prm": prm}
    got = metrics.plain(measure(rollout, advantage, channels, score, ended))
    rows = [i for i in range(n) if spoke[i] and rollout.mask[i].any()]
    values = {i: float(rollout.signals["score"][i]) for i in rows}
    groups = [[values[i] for i in rows if rollout.group[i] == g] for g in range(4)]
    steps = []  # every step with a token of the policy pays its column of prm, once
    for i in range(n):
        present = set(np.asarray(rollout.step[i])[np.asarray(rollout.mask[i])])
        if present:
            steps.append(sum(float(rollout.signals["prm"][i, s]) for s in present))
    lengths = np.asarray(rollout.mask).sum(1)  # an observation's tokens do not count
    assert (lengths != np.asarray(rollout.valid).sum(1)).any()
    chosen = np.asarray(advantage, np.float64)[np.asarray(rollout.mask)]
    want = {
        "reward/mean": np.mean(list(values.values())),
        "reward/std": np.mean([np.std(g, ddof=1) for g in groups if len(g) > 1]),
        "frac_reward_zero_std": 0.0,
        "rewards/score/mean": np.mean(list(values.values())),
        "rewards/score/std": np.std(list(values.values()), ddof=1),
        "rewards/prm/mean": np.mean(steps),
        "rewards/prm/std": np.std(steps, ddof=1),
        "completions/mean_length": lengths.mean(),
        "completions/min_length": 0,
        "completions/median_length": np.median(lengths),
        "completions/max_length": lengths.max(),
        "completions/mean_terminated_length": lengths[np.arange(n) % 3 > 0].mean(),
        "completions/clipped_ratio": 6 / 16,  # rows 0, 3, ..., 15
        "advantages/mean": chosen.mean(),
        "advantages/std": chosen.std(),
        "advantages/abs_mean": np.abs(chosen).mean(),
        "advantages/max": chosen.max(),
    }
    assert set(got) == set(want)
    for name, value in want.items():
        assert got[name] == pytest.approx(value, rel=1e-5, abs=1e-6), name


def test_groups_of_equal_rewards() -> None:
    # Groups: three times 0.1; 0 and 1; one row alone. Half of the two with a spread.
    rollout = from_arrays(np.ones((6, 2)), group=[0, 0, 0, 1, 1, 2])
    value = jnp.array([0.1, 0.1, 0.1, 0.0, 1.0, 5.0])[:, None] * jnp.array([0, 1])
    reward = place(value, jnp.broadcast_to(jnp.array([False, True]), (6, 2)))
    got = metrics.plain(
        metrics.rollout_metrics(rollout, value, {}, reward, jnp.ones(6, bool))
    )
    assert got["frac_reward_zero_std"] == 0.5
    # std of (0, 1) with n - 1 = 1 is sqrt(1/2); the other group has exactly 0
    assert got["reward/std"] == pytest.approx(np.sqrt(0.5) / 2)


def test_no_scored_row_is_no_number() -> None:
    rollout = from_arrays(np.ones((2, 2)))
    nothing = place(jnp.ones((2, 2)), jnp.zeros((2, 2), bool))
    got = metrics.plain(
        metrics.rollout_metrics(
            rollout, jnp.zeros((2, 2)), {"judge": nothing}, nothing, jnp.zeros(2, bool)
        )
    )
    assert got["reward/mean"] is got["rewards/judge/mean"] is None
    assert got["rewards/judge/std"] is None
    assert got["completions/mean_terminated_length"] is None


def test_why_a_reward_gave_nothing_is_counted_by_kind() -> None:
    has = lambda *rows: jnp.array(rows, bool)  # noqa: E731
    signals = {
        "judge": jnp.zeros(4),
        "judge_valid": has(1, 0, 0, 0),
        "judge_error": has(0, 1, 1, 0),
        "judge_timeout": has(0, 0, 0, 0),
        "late": jnp.zeros((4, 2)),
        "late_valid": jnp.array([[1, 0], [0, 1], [0, 0], [0, 0]], bool),
        "late_error": has(0, 0, 0, 0),
        "late_timeout": has(0, 0, 1, 0),
        "prm": jnp.zeros((4, 2)),  # the task's own, which abstains by itself
        "prm_valid": jnp.zeros((4, 2), bool),
    }
    assert metrics.plain(metrics.failure_metrics(signals)) == {
        "rewards/judge/errors": 0.5,
        "rewards/judge/timeouts": 0,
        "rewards/judge/abstained": 0.25,
        "rewards/late/errors": 0,
        "rewards/late/timeouts": 0.25,
        "rewards/late/abstained": 0.25,
    }


def test_state_is_logged_where_it_has_a_name() -> None:
    states = {
        "adaptive_kl_penalty": {"coefficient": jnp.float32(0.1), "past": jnp.zeros(3)},
        "probe": {"seen": Sum(jnp.float32(3), jnp.float32(4))},
        "learned": (jnp.float32(2), {"count": jnp.int32(7)}),  # an optimizer's memory
        "center_by_group": (),
    }
    named = metrics.state_metrics(states)
    assert metrics.plain(named | {"n": jnp.int32(7), "bad": jnp.float32(jnp.nan)}) == {
        "adaptive_kl_penalty/coefficient": 0.1,  # the shortest that is this float32
        "probe/seen": 0.75,
        "n": 7,
        "bad": None,
    }


def test_what_is_only_watched_is_of_rows_or_steps() -> None:
    rollout = ragged()
    channels = metrics.watched(rollout)
    assert {"correct", "score", "prm"} <= channels.keys()
    assert not {"dense", "ref_logp", "ref_score", "success"} & channels.keys()


def run(workdir: Path, start: int, stop: int, resume: int | None) -> None:
    """A run whose steps write what a pure function of the step says."""
    rollout = jax.device_get(ragged(seed=3, prompts=2, samples=2))
    with sinks.Sinks(workdir, resume) as out:
        for step in range(start, stop + 1):
            numbers = {"reward/mean": jnp.float32(step) / 7, "grad_norm": float("inf")}
            out.write(step, {**numbers, "step_time": np.random.random()})
            worth = Worth(rollout.logp, np.ones(4), np.ones(4, bool), [])
            lines = completion_lines(
                rollout, worth, texts_of(rollout, CharTokenizer(""))
            )
            if step % 2 == 0:
                out.write_completions(step, lines)


def written(workdir: Path) -> dict[str, list]:
    rows = sinks.read_metrics(workdir / "metrics.jsonl")
    same = [
        {k: v for k, v in row.items() if not k.startswith(metrics.WALL_CLOCK)}
        for row in rows
    ]
    pages = sorted((workdir / "completions").iterdir())
    return {"metrics": same} | {p.name: p.read_text().splitlines() for p in pages}


def scalars(workdir: Path) -> dict[int, float]:
    """The `reward/mean` that TensorBoard shows: a restart hides what it repeats."""
    shown: dict[int, float] = {}
    for file in sorted((workdir / "tensorboard").iterdir()):
        data = file.read_bytes()
        while data:  # records: length, its checksum, the event, its checksum
            (length,) = struct.unpack("<Q", data[:8])
            event = Event.FromString(data[12 : 12 + length])
            data = data[16 + length :]
            if event.session_log.status == SessionLog.START:
                shown = {s: x for s, x in shown.items() if s < event.step}
            for value in event.summary.value:
                assert np.isfinite(value.simple_value)
                if value.tag == "reward/mean":
                    shown[event.step] = value.simple_value
    return shown


def test_a_resumed_run_writes_what_an_uninterrupted_one_does(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    run(whole, 1, 9, None)
    run(cut, 1, 7, None)
    with (cut / "metrics.jsonl").open("a") as file:
        file.write('{"step": 8, "rew')  # killed in the middle of a line
    run(cut, 5, 9, resume=4)
    assert written(cut) == written(whole)
    assert [row["step"] for row in written(whole)["metrics"]] == list(range(1, 10))
    assert scalars(cut) == scalars(whole)
    assert list(scalars(cut)) == list(range(1, 10))
    run(cut, 1, 2, None)  # killed before the first checkpoint: from the beginning
    assert [row["step"] for row in written(cut)["metrics"]] == [1, 2]
    assert list(scalars(cut)) == [1, 2]


def test_weights_and_biases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(ValueError, match="run `pip install wandb`, or switch it off"):
        sinks.weights_and_biases(tmp_path)

    begun, logged = [], []
    fake = types.SimpleNamespace(
        log=lambda row, step: logged.append((step, row)), finish=lambda: None
    )
    wandb = types.SimpleNamespace(init=lambda **kw: begun.append(kw) or fake)
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    for resume in (None, 1):  # the second process continues the same W&B run
        sink = sinks.weights_and_biases(tmp_path, project="p", mode="offline")
        with sinks.Sinks(tmp_path, resume, others=(sink,)) as out:
            out.write(2, {"kl": 0.5, "loss": float("nan")})
    assert begun[0] == begun[1]
    assert begun[0]["project"] == "p" and begun[0]["resume"] == "allow"
    assert logged == [(2, {"kl": 0.5})] * 2
