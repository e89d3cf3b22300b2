"""Whole runs with a scorer that learns: by name, through a kill, with others later."""

import jax
import numpy as np
import pytest
from test_train import numbers, tiny

from rewardlab.models import lm
from rewardlab.runs import checkpoint
from rewardlab.runs.config import use_reward
from rewardlab.runs.prepare import prepare
from rewardlab.runs.training import train

RETURNS = "process('prm') | gae('value', discount=1, decay=0.95) | whiten()"


def gae(**changes):
    """An untrained policy earns some process reward, and that has a return."""
    changes = {"reward": RETURNS, "updates": "", "eval.every": 9, **changes}
    return tiny(**changes)


def saved(config, workdir, step):
    """The state of a checkpoint, as a run of this config would go on with it."""
    run = prepare(config, workdir)
    params = lm.init(run.program.model, run.key)
    like = run.program.init(params, run.rollout, run.key, run.program.hp)
    return checkpoint.restore(workdir / "checkpoints" / str(step), like)


def test_a_reward_that_reads_value_has_a_critic_and_goes_on_to_the_bit(tmp_path):
    """It learns, its metrics have its name, and a stop changes nothing."""
    train(gae(**{"train.max_steps": 4}), tmp_path / "whole")
    train(gae(**{"train.max_steps": 2}), tmp_path / "cut")
    train(gae(**{"train.max_steps": 4}), tmp_path / "cut")
    whole, cut = (numbers(tmp_path / name) for name in ("whole", "cut"))
    for one, other in zip(whole[1:], cut[1:], strict=True):
        assert one == {k: x for k, x in other.items() if k in one}
    for row in whole[1:]:
        assert row["scorers/critic/loss"] >= 0 and row["scorers/critic/skipped"] == 0
        assert {"scorers/critic/mse", "scorers/critic/grad_norm"} <= row.keys()
    one, other = (saved(gae(), tmp_path / name, 4) for name in ("whole", "cut"))
    critic = one.scorers["critic"]
    assert np.any(critic.params["w2"]) and int(critic.skipped) == 0
    same = jax.tree.map(lambda x, y: bool(np.all(x == y)), one, other)
    assert all(jax.tree.leaves(same))


@pytest.mark.slow
def test_scorers_come_and_go_and_that_is_said(tmp_path, capsys):
    reward = "outcome('correct') | center_by_group() | broadcast_to_tokens()"
    first = tiny(reward=reward, **{"train.max_steps": 2, "eval.every": 9})
    train(first, tmp_path)
    first.scorers, first.train.max_steps = "critic(width=8)", 4
    train(first, tmp_path)
    assert "the scorer 'critic' is not in" in capsys.readouterr().out
    rows = numbers(tmp_path)
    assert "scorers/critic/loss" in rows[3] and "scorers/critic/loss" not in rows[2]
    first.scorers, first.train.max_steps = "", 6
    train(first, tmp_path)
    assert "the scorer 'critic' is in" in capsys.readouterr().out


def test_while_a_critic_warms_up_the_policy_stays(tmp_path):
    config = gae(**{"train.max_steps": 3, "checkpoint.every": 1})
    config.scorers = "critic(width=8, warmup=2)"
    train(config, tmp_path)
    rows = numbers(tmp_path)
    steps = [jax.tree.leaves(saved(config, tmp_path, n).params) for n in (1, 2, 3)]
    assert all(np.array_equal(x, y) for x, y in zip(steps[0], steps[1], strict=True))
    assert any(
        not np.array_equal(x, y) for x, y in zip(steps[1], steps[2], strict=True)
    )
    assert rows[1]["scorers/critic/grad_norm"] > 0 and rows[1]["skipped"] == 0


@pytest.mark.slow  # as the device tests of `tests/test_scorers_critic.py`
def test_gae_trains_by_its_name_under_pmap_too(tmp_path):
    config = gae(**{"train.max_steps": 2, "mesh.driver": "pmap"})
    use_reward(config, "gae")
    train(config, tmp_path / "pmap")
    config.mesh.driver = "jit"
    train(config, tmp_path / "jit")
    one, other = (numbers(tmp_path / name) for name in ("pmap", "jit"))
    for name in ("scorers/critic/loss", "loss", "reward/mean"):
        assert np.isclose(one[2][name], other[2][name], atol=1e-4)
