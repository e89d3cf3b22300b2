"""Rescoring runs of other kinds: several devices, sums over the batch, episodes."""

import numpy as np
import pytest
from kept import said, short

import rewardlab
from rewardlab.runs.bundle import bundles, read_bundle
from rewardlab.runs.training import train


@pytest.mark.slow
def test_two_devices_keep_the_same(tmp_path):
    for count in (1, 2):
        train(short(**{"mesh.devices": count}), tmp_path / str(count))
    folders = (tmp_path / "1", tmp_path / "2")
    one, two = (read_bundle(bundles(folder)[1]) for folder in folders)
    np.testing.assert_array_equal(one.rollout.tokens, two.rollout.tokens)
    np.testing.assert_array_equal(one.problem, two.problem)
    near = lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5)  # noqa: E731
    near(one.worth.advantage, two.worth.advantage)
    found = rewardlab.rescore(tmp_path / "2")
    assert found.own and found.written == 0 and found.learned < 1e-5


@pytest.mark.slow
def test_sums_over_the_batch_are_said_to_differ_in_the_last_digit(
    tmp_path, capsys, monkeypatch
):
    """XLA adds them up in another order where the sentence is part of an iteration."""
    train(short(reward="process('prm') | returns_to_go(0.9) | whiten()"), tmp_path)
    found = rewardlab.rescore(tmp_path)
    assert found.written == 0 and found.learned < 1e-5
    out = " ".join(said(capsys, monkeypatch, tmp_path).split())
    assert "gives the advantages it had" in out and "does NOT" not in out


@pytest.mark.slow
def test_episodes_with_an_environment(tmp_path, capsys, monkeypatch):
    """Of many turns, with rows that `select` drops; the environment's tokens keep 0."""
    config = short(
        "search",
        **{
            "reward": "igpo",
            "select": "keep_first(0.5)",
            "rollout.max_completion_length": 48,
            "log.bundle_every": 1,
            "train.max_steps": 2,
        },
    )
    train(config, tmp_path)
    found = rewardlab.rescore(tmp_path)
    assert found.own and found.written == 0 and found.learned < 1e-5
    rollout, worth = found.steps[0].kept.rollout, found.steps[0].worth
    assert (rollout.valid & ~rollout.mask).any() and not worth.kept.all()
    other = rewardlab.rescore(
        tmp_path, "process('hop') | returns_to_go() | center_by_group()"
    )
    for step in other.steps:
        seen = step.mask
        assert not step.worth.advantage[~seen].any()
        np.testing.assert_array_equal(step.worth.kept, step.kept.worth.kept)
    assert "environment" not in said(capsys, monkeypatch, tmp_path, "--reward=rloo")
