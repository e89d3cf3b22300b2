"""Runs whose loss compares the likeliest tokens: who keeps them, and that they act."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_train import numbers, tiny

from rewardlab.models import lm
from rewardlab.models.model import Model
from rewardlab.runs.config import default_config
from rewardlab.runs.prepare import prepare
from rewardlab.runs.training import train
from rewardlab.tasks import TASKS

LOSS = "dppo_top_k(k=4) | token_mean()"
SHORT = {"train.max_steps": 2, "eval.every": 2}
PLACES = {
    "completions": {},
    "a pass of its own": {"rollout.top_p": 0.9},
    "episodes": {"task": "search"},
    "trees": {"task": "search", "rollout.branching.roots": 2},
    "episodes in Python": {"task": "search", "rollout.on_host": True},
}


def first_rollout(task="arithmetic", **changes):
    """The config of a run, its first parameters and the rollout that they sampled."""
    config = default_config(task)
    own = {k: v for k, v in tiny().to_dict().items() if k in ("model", "eval")}
    config.update({**own, "loss": LOSS, "reward": "dr_grpo", "mesh": {"devices": 1}})
    sizes = {"rollout.num_prompts": 2, "rollout.num_generations": 4}
    sizes |= {"rollout.max_completion_length": 24, "warmup.steps": 0}
    config.update_from_flattened_dict(sizes | changes)
    run = prepare(config, Path())
    base = run.driver.replicate(lm.init(run.program.model, jax.random.key(0)))
    batch, hp = run.problems.take(np.arange(2)), run.program.hp
    batch = batch.on_device if run.program.fused else batch
    state = run.program.init(base, run.program.shapes(base, batch, hp), run.key, hp, {})
    case = (state, {"reference": base}, batch, run.key, jnp.zeros((), jnp.int32), hp)
    params = jax.tree.map(jnp.copy, base)
    return run, params, run.program.iterate(*case)[2]


@pytest.mark.parametrize("place", PLACES)
def test_the_pass_reads_what_the_sampler_kept(place):
    """The same log-probs of the same tokens, the sampled one's among them."""
    assert {x.get("task", "arithmetic") for x in PLACES.values()} <= set(TASKS)
    run, params, rollout = first_rollout(**PLACES[place])
    ids, then = rollout.signals["top_ids"], rollout.signals["top_logp"]
    assert ids.shape == (*rollout.tokens.shape, 4) and rollout.mask.sum() > 8
    own = (ids == rollout.tokens[..., None]) & rollout.mask[..., None]
    assert (np.asarray(own).sum(-1) == np.asarray(rollout.mask)).all()
    np.testing.assert_allclose(
        np.where(rollout.mask, (own * then).sum(-1), 0),
        np.where(rollout.mask, rollout.logp, 0),
        atol=1e-4,
    )
    stats = Model(run.program.model).log_probs(params, rollout, 1.0, False, ids)
    there = np.asarray(rollout.mask)[..., None]
    np.testing.assert_allclose(
        np.where(there, stats.among, 0), np.where(there, then, 0), atol=1e-3
    )


def test_the_row_trains_by_its_name(tmp_path):
    """Nothing drops out at the policy that sampled; later much does at bounds of 0."""
    config = tiny(reward="dppo_top_k", updates="", **SHORT)
    config.hp.low = config.hp.high = 0.0
    train(config, tmp_path)
    rows = numbers(tmp_path)
    assert len(rows) == 3 and 0 < rows[-1]["clip_ratio/region_mean"] < 1
    once = tiny(reward="dppo_top_k", updates="epochs(1)", **SHORT)
    once.hp.low = once.hp.high = 0.0
    train(once, tmp_path / "once")
    assert numbers(tmp_path / "once")[-1]["clip_ratio/region_mean"] == 0


def test_nobody_else_keeps_them():
    """A run of a loss that does not ask has neither the signals nor their cost."""
    config = tiny(reward="dppo", **{"mesh.devices": 1})
    run = prepare(config, Path())
    base = lm.init(run.program.model, jax.random.key(0))
    batch = run.problems.take(np.arange(4)).on_device
    shapes = run.program.shapes(base, batch, run.program.hp)
    assert not {"top_ids", "top_logp"} & {*shapes.signals}


def test_rows_from_elsewhere_have_none():
    config = tiny(reward="dppo_top_k", select="replay_solved('correct')")
    with pytest.raises(ValueError, match="has no 'top_logp'"):
        prepare(config, Path())
