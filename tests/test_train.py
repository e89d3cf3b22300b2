"""Whole runs: what they write, that a killed one resumes, what they refuse."""

import json
import os
import signal
import subprocess
import sys
import time

import jax
import numpy as np
import pytest
from small import SHORT_RUN

from rewardlab.launch import export
from rewardlab.models.weights import read_config, read_weights
from rewardlab.runs import checkpoint
from rewardlab.runs.bundle import read_bundle, write_bundle
from rewardlab.runs.config import default_config
from rewardlab.runs.metrics import WALL_CLOCK
from rewardlab.runs.sinks import read_metrics
from rewardlab.runs.training import train
from rewardlab.system.commit import commit
from rewardlab.tasks import TASKS
from rewardlab.text.folder import read_tokenizer

REWARD = "process('prm') | episode_return() | center_by_group() | broadcast_to_tokens()"


def tiny(**changes):
    """A run of seconds; an untrained policy already earns some process reward."""
    config = default_config()
    config.update_from_flattened_dict(
        {
            "reward": REWARD,
            **SHORT_RUN,
            "updates": "epochs(2)",
            "train.max_steps": 6,
            "eval.num_generations": 8,
            "eval.every": 3,
            "log.completions_every": 3,
            "log.bundle_every": 2,
            "mesh.devices": 2,
            **changes,
        }
    )
    return config


def numbers(workdir):
    return [
        {k: v for k, v in row.items() if not k.startswith(WALL_CLOCK)}
        for row in read_metrics(workdir / "metrics.jsonl")
    ]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("runs") / "whole"
    return workdir, train(tiny(), workdir)


def test_a_run_leaves_everything_behind(finished):
    workdir, result = finished
    rows = read_metrics(workdir / "metrics.jsonl")
    assert [row["step"] for row in rows] == list(range(7))
    names = "reward/mean rewards/correct/mean rewards/prm/mean rewards/prm/std "
    names += "frac_reward_zero_std grad_norm loss entropy clip_ratio/region_mean "
    names += "completions/mean_length completions/clipped_ratio advantages/std "
    names += "tokens_per_sec step_time"
    assert set(names.split()) <= set(rows[2])
    assert {"eval/pass@1", "eval/pass@8"} <= set(rows[0]) & set(rows[3]) & set(rows[6])
    assert checkpoint.steps(workdir) == [2, 4, 6]
    assert json.loads((workdir / "config.json").read_text())["reward"] == REWARD
    (devices,) = json.loads((workdir / "run.json").read_text())["devices"]
    assert devices["kind"] == "cpu" and devices["jax"] == jax.__version__
    assert devices["commit"] == commit()
    assert (workdir / "learning_curves.png").stat().st_size > 10_000
    assert list((workdir / "tensorboard").glob("events.out.tfevents.*"))
    assert set(result.before) == {"pass@1", "pass@8"}
    lines = (workdir / "completions" / "completions_00003.jsonl").read_text()
    one = json.loads(lines.splitlines()[0])
    assert {"prompt", "completion", "signals", "advantage", "reward"} <= set(one)
    assert len(one["advantage"]) == len(one["tokens"])
    assert {"correct", "prm", "prm_valid"} <= set(one["signals"])
    for line in map(json.loads, lines.splitlines()):
        assert [stage["word"] for stage in line["stages"]] == REWARD.split(" | ")
        ((name, last),) = line["stages"][-1]["channels"].items()
        assert (name, last["on"]) == ("prm", "row_tokens")  # as the estimator gave it
        chosen = [
            x for x, own in zip(line["advantage"], line["mask"], strict=True) if own
        ]
        assert chosen == pytest.approx([last["value"] or 0] * len(chosen), abs=1e-6)
    assert any(row["grad_norm"] > 0 for row in rows[1:])


SCRIPT = """
import sys; sys.path.insert(0, "tests")
import jax, numpy as np
from test_train import tiny
from rewardlab.runs.training import train
workdir = sys.argv[1]
result = train(tiny(**{"optim.schedule": "cosine"}), workdir)
np.savez(workdir + "/params.npz", *jax.tree.leaves(result.params))
"""


def start(workdir):
    """The run in a process of its own, which finds its devices itself."""
    flags = [f for f in os.environ["XLA_FLAGS"].split() if "device_count" not in f]
    env = {**os.environ, "XLA_FLAGS": " ".join(flags), "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-c", SCRIPT, str(workdir)]
    return subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)


def wait_for_checkpoint(process, workdir):
    while process.poll() is None and not checkpoint.steps(workdir):
        time.sleep(0.01)


def bare(workdir, name, tmp_path):
    """The bytes of a bundle, were it of no commit: somebody may be at work here."""
    kept = read_bundle(workdir / "bundle" / name)
    return write_bundle(tmp_path, kept._replace(commit=None)).read_bytes()


def test_an_export_brings_the_characters_as_a_tokenizer(finished, tmp_path):
    workdir, result = finished
    export.main([str(workdir), "--to", str(tmp_path / "out")])
    there = read_weights(tmp_path / "out", read_config(tmp_path / "out"))
    jax.tree.map(np.testing.assert_array_equal, there, jax.device_get(result.params))
    own, other = TASKS["arithmetic"].tokenizer, read_tokenizer(tmp_path / "out")
    assert other.encode("12+3=#15") == own.encode("12+3=#15")
    assert other.decode(own.encode("12+3=#15")) == "12+3=#15"
    for name in ("vocab_size", "pad_id", "eos_ids"):
        assert getattr(other, name) == getattr(own, name)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The run that nobody interrupts; bits are only equal between equal processes."""
    workdir = tmp_path_factory.mktemp("runs") / "alone"
    assert start(workdir).wait() == 0
    return workdir


@pytest.mark.parametrize(
    "sent", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)]
)
def test_a_killed_run_resumes_bit_for_bit(sent, alone, tmp_path):
    killed = tmp_path / "killed"
    process = start(killed)
    wait_for_checkpoint(process, killed)
    process.send_signal(sent)
    status = process.wait()
    assert status == (143 if sent == signal.SIGTERM else -signal.SIGKILL)
    assert max(checkpoint.steps(killed)) < 6 and not (killed / "params.npz").exists()
    assert start(killed).wait() == 0
    assert numbers(killed) == numbers(alone)
    ours, theirs = np.load(killed / "params.npz"), np.load(alone / "params.npz")
    assert ours.files == theirs.files and len(ours.files) > 10
    for name in ours.files:
        np.testing.assert_array_equal(ours[name], theirs[name])
    kept = sorted(file.name for file in (alone / "bundle").iterdir())
    assert kept == [f"bundle_{step:05d}.npz" for step in (1, 2, 4, 6)]
    verdicts = ("held_out_before.npy", "held_out_after.npy")
    for name in verdicts:
        assert (killed / name).read_bytes() == (alone / name).read_bytes()
    for name in kept:
        assert bare(killed, name, tmp_path) == bare(alone, name, tmp_path)


def test_pmap_runs_too(finished, tmp_path):
    start = {"model.init_from": str(finished[0])}
    result = train(tiny(**start, **{"mesh.driver": "pmap"}), tmp_path)
    close = lambda a, b: np.testing.assert_allclose(a, b, atol=1e-4)  # noqa: E731
    jax.tree.map(close, result.params, finished[1].params)


def test_too_many_steps_that_are_not_finite_stop_the_run(tmp_path, capsys):
    infinite = REWARD.replace("episode", "weighted_sum(prm=1e39) | episode")
    config = tiny(reward=infinite, **{"train.max_skipped": 2})
    with pytest.raises(FloatingPointError, match="2 steps in a row were not finite"):
        train(config, tmp_path)
    said = capsys.readouterr().out
    assert "step 1 skipped: rows [" in said and "step 2 skipped" in said
    assert checkpoint.steps(tmp_path) == [2]
    assert read_metrics(tmp_path / "metrics.jsonl")[-1]["skipped"] == 1


def test_going_on_with_other_settings_is_said(tmp_path, capsys):
    train(tiny(**{"train.max_steps": 1, "checkpoint.every": 1}), tmp_path)
    train(tiny(**{"train.max_steps": 2, "checkpoint.every": 1}), tmp_path)
    said = capsys.readouterr().out
    assert "checkpoints/1 with another train.max_steps\n" in said
    assert [row["step"] for row in read_metrics(tmp_path / "metrics.jsonl")] == [
        0,
        1,
        2,
    ]


def test_a_damaged_checkpoint_is_named(finished, tmp_path):
    workdir = tmp_path / "damaged"
    train(tiny(**{"train.max_steps": 2}), workdir)
    file = next((workdir / "checkpoints" / "2" / "state").rglob("manifest.ocdbt"))
    file.write_bytes(b"")
    with pytest.raises(
        ValueError, match="checkpoints/2 is damaged .* delete that folder"
    ):
        train(tiny(), workdir)


def test_an_empty_split_is_refused(tmp_path):
    with pytest.raises(ValueError, match="split 'train' is empty"):
        train(tiny(**{"task.difficulty.train": 0}), tmp_path)


def test_a_run_begins_from_the_checkpoint_of_another(finished, tmp_path):
    there = finished[0] / "checkpoints" / "4"
    result = train(tiny(), tmp_path / "here", resume=str(there))
    rows = read_metrics(tmp_path / "here" / "metrics.jsonl")
    assert [row["step"] for row in rows] == [4, 5, 6]
    assert (tmp_path / "here" / "config.json").exists()
    assert result.after == finished[1].after


def test_never_refuses_to_overwrite(finished):
    with pytest.raises(ValueError, match="already holds a run"):
        train(tiny(), finished[0], resume="never")


def test_a_gate_and_a_loss_are_given_entropies(tmp_path):
    """The gate reads those of the sampler, STEER those of the policy it moves."""
    config = tiny(
        **{
            "reward": f"{REWARD} | keep_high_entropy(share=0.2)",
            "loss": "steer() | token_mean()",
            "train.max_steps": 2,
        }
    )
    train(config, tmp_path)
    last = numbers(tmp_path)[-1]
    assert np.isfinite(last["grad_norm"]) and last["grad_norm"] > 0
