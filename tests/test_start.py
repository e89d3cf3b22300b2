"""Where a run begins: with its own base, from its own or another's checkpoint, or not
at all. Most of these are refused, or have nothing left to train."""

import errno
import json
import os
import shutil
from pathlib import Path

import jax
import numpy as np
import orbax.checkpoint as ocp
import pytest
from test_train import REWARD, tiny

from rewardlab.runs import checkpoint
from rewardlab.runs.base import base_policy
from rewardlab.runs.console import Console
from rewardlab.runs.loop import Loop
from rewardlab.runs.prepare import prepare
from rewardlab.runs.record import SAVED
from rewardlab.runs.sinks import read_metrics
from rewardlab.runs.training import train
from rewardlab.system import arrays
from rewardlab.system.lock import only_one


def two(**changes):
    """A run of two steps with a checkpoint of each."""
    steps = {"train.max_steps": 2, "checkpoint.every": 1, "updates": ""}
    return tiny(**{"mesh.devices": 1, "warmup.steps": 1, **steps, **changes})


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("runs") / "whole"
    train(two(), workdir)
    return workdir


@pytest.fixture
def run(whole, tmp_path):
    """A copy of the finished run."""
    return Path(shutil.copytree(whole, tmp_path / "run"))


def state_of(workdir):
    files = sorted(p for p in workdir.rglob("*") if p.is_file() and p.name != ".lock")
    return {str(p.relative_to(workdir)): p.read_bytes() for p in files}


def base_of(workdir):
    """What the base was made from, and its arrays."""
    path = checkpoint.find(workdir / "base", "auto")
    with ocp.StandardCheckpointer() as orbax:
        params = orbax.restore(path / "state")
    return checkpoint.read_extra(path)["made_from"], params


def same_base(a, b):
    return arrays.same(base_of(a)[1], base_of(b)[1])


def refused(run, config, match):
    """One sentence, and nothing is touched."""
    before = state_of(run)
    with pytest.raises(ValueError, match=match) as error:
        train(config, run)
    assert "\n" not in str(error.value)
    assert state_of(run) == before


def test_another_sentence_is_named_with_the_first(run):
    other = "outcome('correct') | center_by_group() | broadcast_to_tokens()"
    for reward in ("rloo", other):
        refused(run, two(reward=reward), r"run holds a run of reward=\"process\('prm")
    refused(run, two(reward="rloo"), "is of 'rloo'; use a new --workdir, or keep rew")
    refused(run, two(**{"model.ffn": 64}), "of model.ffn=128, and this one is of 64")


def test_what_a_run_came_from_is_not_replaced(run):
    (run / "base" / "checkpoints" / "0" / "manifest.json").write_text("{")
    refused(run, two(), "run/base is damaged, which the policy of .*; put it back, or")
    shutil.rmtree(run / "base")
    refused(run, two(), "run/base is gone, which the policy of .*/2 came from")


def test_nothing_is_cut_back_without_a_checkpoint(run):
    shutil.rmtree(run / "checkpoints")
    refused(run, two(), "a checkpoint of step 2, and .*/checkpoints has none any")
    (run / SAVED).write_bytes(b"\xff\n2")
    refused(run, two(), r"a checkpoint of step \?, and .*/checkpoints has none any")


def test_a_run_without_a_checkpoint_yet_begins_again(run, whole, capsys):
    """As it would have been: its base is kept, and one of another seed is not."""
    shutil.rmtree(run / "checkpoints")
    (run / SAVED).unlink()
    train(two(), run)
    said = capsys.readouterr().out
    assert "run has no checkpoint yet: its run begins again" in said
    assert "anew" not in said and same_base(run, whole)
    assert [row["step"] for row in read_metrics(run / "metrics.jsonl")] == [0, 1, 2]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"seed": 5}, "seed 0, not 5"),
        ({"warmup.steps": 2}, "warmup.steps 1, not 2"),
        ({"task.noise.noise": 0.5}, "task.noise.noise 0.25, not 0.5"),
        ({}, "it is damaged"),
    ],
)
def test_a_base_is_what_the_config_says(run, capsys, change, why):
    config = two(**change)
    if not change:
        (run / "base" / "checkpoints" / "0" / "extra.json").unlink()
    base_policy(prepare(config, run), Console())
    assert f"run/base is made anew: {why}" in capsys.readouterr().out
    assert base_of(run)[0]["seed"] == config.seed
    base_policy(prepare(config, run), Console())  # and then it is kept
    assert "anew" not in capsys.readouterr().out


def test_what_says_nothing_of_a_base_keeps_it(run, capsys):
    config = two(**{"task.difficulty.test": 32, "optim.lr": 1.0})
    base_policy(prepare(config, run), Console())
    assert "anew" not in capsys.readouterr().out


def test_a_base_that_is_not_finite_is_neither_made_nor_used(run, tmp_path):
    config = two(**{"warmup.lr": 1e30, "warmup.steps": 8, "train.max_skipped": 3})
    with pytest.raises(FloatingPointError, match="3 steps of the warm-up .*warmup.lr"):
        base_policy(prepare(config, tmp_path / "new"), Console())
    assert not (tmp_path / "new" / "base").exists()
    ready = prepare(two(), run)
    params, _ = base_policy(ready, Console())
    bad = jax.tree.map(lambda x: x * np.nan, params)
    checkpoint.save(run / "base", 0, bad, {"made_from": base_of(run)[0]})
    with pytest.raises(ValueError, match="holds numbers that are not finite; delete"):
        base_policy(ready, Console())


def test_a_run_keeps_the_base_that_it_was_given(run, tmp_path, capsys):
    """Whatever becomes of the run that it was taken from."""
    mine = prepare(two(**{"model.init_from": str(run), "seed": 3}), tmp_path / "mine")
    given, _ = base_policy(mine, Console())
    assert "was made otherwise: seed 0, not 3" in capsys.readouterr().out
    state = {"x": np.zeros(1)}
    found = checkpoint.save(tmp_path / "mine", 1, state, {})
    other, _ = base_policy(prepare(two(seed=9), run), Console())  # overwrites run/base
    assert not arrays.same(given, other)
    assert arrays.same(base_policy(mine, Console(), found)[0], given)
    shutil.rmtree(run)
    assert arrays.same(base_policy(mine, Console(), found)[0], given)
    assert arrays.same(base_policy(mine, Console())[0], given)  # died before that
    assert "the copy kept here is used" in capsys.readouterr().out
    nowhere = prepare(two(**{"model.init_from": str(run)}), tmp_path / "nowhere")
    with pytest.raises(ValueError, match="has no base policy; name the workdir"):
        base_policy(nowhere, Console())


def test_from_another_run(run, tmp_path, monkeypatch, capsys):
    """Its base is the reference, and what it had is saved before anything is done."""

    def die(*_):
        raise KeyboardInterrupt

    here, config = tmp_path / "here", two(seed=7)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Loop, "evaluate", die)
        train(config, here, resume=str(run))
    assert same_base(here, run) and checkpoint.steps(here) == [2]
    assert "warm-up" not in capsys.readouterr().out
    shutil.rmtree(run)
    result = train(config, here)
    said = capsys.readouterr().out
    assert f"going on from {here}/checkpoints/2\n" in said
    assert [row["step"] for row in read_metrics(here / "metrics.jsonl")] == [2]
    assert result.after == result.before
    record = json.loads((here / "config.json").read_text())
    assert [x["step"] for x in record["history"]] == [2, 2]
    assert record["history"][0]["changed"] == {"seed": [0, 7]}


def test_a_torn_newest_checkpoint_is_passed_over(run, capsys):
    file = run / "checkpoints" / "2" / "extra.json"
    file.write_bytes(file.read_bytes()[:-1])
    train(two(**{"train.max_steps": 1}), run)
    said = capsys.readouterr().out
    assert "damaged checkpoint: checkpoint" in said and "checkpoints/2 is dam" in said
    assert "going on from" in said and "run/checkpoints/1 with another train." in said
    assert [row["step"] for row in read_metrics(run / "metrics.jsonl")] == [0, 1]
    assert checkpoint.steps(run) == [1]


@pytest.mark.parametrize("after", ["there", "torn", "of another step"])
def test_a_run_that_is_done_gives_its_result(run, after, capsys):
    file = run / "held_out_after.npy"
    before = read_metrics(run / "metrics.jsonl")
    if after == "torn":
        file.write_bytes(file.read_bytes()[:-3])
        np.save(run / "held_out_before.npy", np.zeros(3))
    elif after == "of another step":
        np.save(file, ~np.load(file))
    result = train(two(), run)
    gone = "the first held-out verdicts are gone: taken at step 2"
    assert (gone in capsys.readouterr().out) == (after == "torn")
    assert read_metrics(run / "metrics.jsonl") == before
    assert result.after["pass@1"].mean == before[-1]["eval/pass@1"]


def test_a_workdir_in_use_is_refused(run):
    with only_one(run):
        refused(run, two(), "run is in use by process")


@pytest.mark.parametrize("torn", ["metrics.jsonl", "config.json"])
def test_a_file_cut_short_is_mended(run, torn):
    file = run / torn
    whole = file.read_text()
    file.write_text(whole[: -len(whole) // 4])
    train(two(), run)
    again = file.read_text()
    if torn == "metrics.jsonl":
        assert again == whole
    else:
        assert json.loads(again)["sentence"] == REWARD


def test_disks_that_take_nothing_are_one_sentence(run, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="file/x cannot be written or read .not a dir"):
        train(two(), tmp_path / "file" / "x")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ValueError, match="run/config.json cannot be .* .no space left"):
        train(two(), run)


def test_more_prompts_than_problems_are_refused_before_anything_is_made(tmp_path):
    for key in ("rollout.num_prompts", "warmup.batch_size"):
        with pytest.raises(ValueError, match=f"{key}=65 and the train split has 64"):
            prepare(two(**{key: 65}), tmp_path)
    assert not list(tmp_path.iterdir())
