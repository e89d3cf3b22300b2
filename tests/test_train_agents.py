"""Whole runs on an environment: however they are driven, the same episodes."""

import json

import numpy as np
import pytest
from small import TINY

from rewardlab.config import default_config, use_reward
from rewardlab.sinks import read_metrics
from rewardlab.training import train


def tiny(task="search", reward="igpo", **changes):
    """A run of seconds; the policy has seen a few demonstrations."""
    config = default_config(task)
    use_reward(config, reward)
    config.update_from_flattened_dict(
        {
            "task.difficulty.train": 64,
            "task.difficulty.test": 16,
            "task.difficulty.validation": 16,
            "model.name": TINY,
            "warmup.steps": 30,
            "warmup.batch_size": 16,
            "rollout.num_prompts": 4,
            "rollout.num_generations": 2,
            "rollout.max_completion_length": 24,
            "train.max_steps": 2,
            "eval.num_problems": 4,
            "eval.num_generations": 2,
            "eval.every": 2,
            "checkpoint.every": 1,
            "log.completions_every": 1,
            "mesh.devices": 2,
            **changes,
        }
    )
    return config


def episodes(workdir, step):
    lines = (workdir / "completions" / f"completions_{step:05d}.jsonl").read_text()
    return [json.loads(line) for line in lines.splitlines()]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("runs") / "whole"
    train(tiny(), workdir)
    return workdir


def test_a_turn_is_paid_where_it_ended(finished):
    """The belief is a signal of turns, and its gains reach their tokens."""
    rows = read_metrics(finished / "metrics.jsonl")
    shares = {"episodes/turns", "episodes/tokens", "episodes/error"}
    assert shares <= set(rows[-1]) and rows[-1]["episodes/error"] == 0
    spread = set()
    for one in episodes(finished, 1):
        own = np.array(one["mask"])
        advantage, turn = np.array(one["advantage"]), np.array(one["step_of_token"])
        assert not advantage[~own].any()
        for k in set(turn[own]):  # a turn's tokens share its return
            assert len(set(advantage[own & (turn == k)])) == 1
        spread.add(len(set(advantage[own])))
        assert len(one["signals"]["belief"]) == len(one["signals"]["hop_valid"])
    assert max(spread) > 1


@pytest.mark.parametrize(
    "change",
    [
        {"mesh.driver": "pmap"},
        {"rollout.on_host": True},
        pytest.param({"mesh.devices": 1}, marks=pytest.mark.slow),
    ],
)
def test_the_same_episodes_however_they_are_played(finished, tmp_path, change):
    train(tiny(**change, **{"model.init_from": str(finished)}), tmp_path)
    for step in (1, 2):
        ours, theirs = episodes(tmp_path, step), episodes(finished, step)
        for a, b in zip(ours, theirs, strict=True):
            assert a["tokens"] == b["tokens"] and a["mask"] == b["mask"]
            np.testing.assert_allclose(a["advantage"], b["advantage"], atol=1e-3)


def test_a_run_goes_on_with_the_same_episodes(finished, tmp_path):
    start = {"model.init_from": str(finished)}
    train(tiny(**start, **{"train.max_steps": 1}), tmp_path)
    train(tiny(**start), tmp_path)
    ours, theirs = episodes(tmp_path, 2), episodes(finished, 2)
    assert [one["tokens"] for one in ours] == [one["tokens"] for one in theirs]


GATED = (
    "process('stage') | outcome('correct') | gated_accumulation('stage', correct=0.5)"
    " | weighted_sum(correct=1, stage=1) | episode_return() | center_by_group()"
    " | broadcast_to_tokens()"
)


@pytest.mark.parametrize(
    ("task", "reward"),
    [
        ("workflow", GATED),
        pytest.param("calculator", "otc_grpo", marks=pytest.mark.slow),
    ],
)
def test_the_other_environments_train(tmp_path, task, reward):
    train(tiny(task, reward, **{"warmup.steps": 2, "train.max_steps": 1}), tmp_path)
    assert read_metrics(tmp_path / "metrics.jsonl")[-1]["step"] == 1
