"""Adapters learn in a run, and the weights beside them stay as they are."""

import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_train import REWARD, numbers, tiny

from rewardlab.models import lm
from rewardlab.models.lora import join, merged
from rewardlab.models.model import Model
from rewardlab.models.weights import read_config, read_weights
from rewardlab.runs import checkpoint
from rewardlab.runs.export import export
from rewardlab.runs.model import model_of
from rewardlab.runs.prepare import prepare
from rewardlab.runs.training import train

LOSS = "clipped(0.2) | kl(beta=0.1) | token_mean()"
SIZES = {"mesh.devices": 1, "updates": "", "train.max_steps": 2}
SIZES |= {"optim.name": "sgd", "optim.lr": 0.3}


def adapted(**changes):
    """Adapters on two matrices; every iteration is one update."""
    own = {"model.lora.rank": 4, "model.lora.targets": ("query", "down"), **SIZES}
    return tiny(**{**own, "warmup.steps": 1, "loss": LOSS, **changes})


def begun(config, workdir):
    """A run ready to iterate, from weights of the run's key."""
    run = prepare(config, workdir)
    base = run.driver.part(lm.init(run.program.model, run.key))
    hp, batch = run.program.hp, run.problems.take(np.arange(4)).on_device
    state = run.program.init(base, run.rollout, run.key, hp)

    def iterate(state, step):
        case = ({"reference": base}, batch, run.key, jnp.asarray(step), hp)
        return run.program.iterate(state, *case)

    return run, base, state, iterate


def names_of(tree):
    paths = jax.tree_util.tree_leaves_with_path(tree)
    return {jax.tree_util.keystr(path[-1:], simple=True) for path, _ in paths}


def test_adapters_learn_beside_weights_that_stay(tmp_path):
    """The reference costs nothing: it is the frozen weights, with adapters off."""
    run, base, state, iterate = begun(adapted(), tmp_path)
    before = jax.tree.map(np.array, base)
    assert names_of(state.params) == {"query_a", "query_b", "down_a", "down_b"}
    count = sum(x.size for x in jax.tree.leaves(state.params))
    momentum = [x.size for x in jax.tree.leaves(state.opt) if x.ndim]
    assert sum(momentum) == count  # the optimizer sees nothing else
    state, report, first = iterate(state, 0)
    np.testing.assert_allclose(first.signals["ref_logp"], first.logp, atol=1e-5)
    assert float(report.metrics["grad_norm"]) > 0 == float(report.metrics["skipped"])
    state, report, second = iterate(state, 1)
    plain = Model(run.program.model)
    off = plain.log_probs(base, second).logp
    np.testing.assert_allclose(second.signals["ref_logp"], off, atol=1e-5)
    assert np.max(np.abs(second.logp - off)) > 1e-3  # it is another policy by now
    assert float(report.metrics["kl"]) > 0
    jax.tree.map(np.testing.assert_array_equal, before, base)


def test_what_samples_is_what_learns(tmp_path):
    """Merged weights give the log-probs of both trees together."""
    run, base, state, iterate = begun(adapted(), tmp_path)
    state, _, _ = iterate(state, 0)
    model = model_of(run.config, run.task)
    whole = run.program.trained.whole(state.params, base)
    jax.tree.map(np.testing.assert_allclose, whole, merged(base, state.params, model))
    _, _, rollout = iterate(jax.tree.map(jnp.copy, state), 1)
    both = Model(model).log_probs(join(base, state.params), rollout).logp
    alone = Model(run.program.model).log_probs(whole, rollout).logp
    np.testing.assert_allclose(both, alone, atol=1e-4)
    np.testing.assert_allclose(rollout.logp, alone, atol=1e-4)


def test_micro_batches_change_nothing(tmp_path):
    moved = {}
    for count in (1, 2):
        config = adapted(**{"optim.micro_batches": count})
        _, _, state, iterate = begun(config, tmp_path)
        moved[count] = jax.tree.map(np.array, iterate(state, 0)[0].params)
    close = lambda x, y: np.testing.assert_allclose(x, y, atol=1e-5)  # noqa: E731
    jax.tree.map(close, moved[1], moved[2])


@pytest.mark.slow
def test_a_run_keeps_its_adapters_and_goes_on_to_the_bit(tmp_path):
    """A checkpoint holds no weight of the base; the result, and what is exported, is a
    whole policy."""
    config = adapted(**{"checkpoint.every": 1, "reward": REWARD})
    result = train(config, tmp_path / "whole")
    assert names_of(result.params) >= {"embedding", "query", "down"}
    shutil.copytree(tmp_path / "whole", tmp_path / "cut")
    shutil.rmtree(tmp_path / "cut" / "checkpoints" / "2")
    again = train(adapted(**{"checkpoint.every": 1}), tmp_path / "cut")
    jax.tree.map(np.testing.assert_array_equal, result.params, again.params)
    assert numbers(tmp_path / "whole") == numbers(tmp_path / "cut")
    kept = checkpoint.find(tmp_path / "cut", "auto")
    assert "embedding" not in (kept / "manifest.json").read_text()
    export(tmp_path / "cut", tmp_path / "folder")
    there = read_weights(tmp_path / "folder", read_config(tmp_path / "folder"))
    close = lambda x, y: np.testing.assert_allclose(x, y, atol=1e-6)  # noqa: E731
    jax.tree.map(close, there, result.params)
    for key, value in (("rank", 2), ("alpha", 1.0), ("targets", ("key",))):
        with pytest.raises(ValueError, match=f"holds a run of model.lora.{key}="):
            train(adapted(**{f"model.lora.{key}": value}), tmp_path / "cut")
