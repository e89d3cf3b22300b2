"""A loss of one's own trains."""

import json
import sys
from types import ModuleType

import jax.numpy as jnp
from small import TINY_FLAT

from rewardlab.core import masked
from rewardlab.objectives import objective, token_mean
from rewardlab.runs.config import default_config
from rewardlab.runs.sinks import read_metrics
from rewardlab.runs.training import train


def squared(weight: float = 1.0):
    """-A r + w (log r)^2."""

    def loss(stats, rollout, advantage):
        log_ratio = stats.logp - rollout.logp
        value = -advantage * jnp.exp(log_ratio) + weight * log_ratio**2
        return value, {"log_ratio": masked.sum_of(jnp.abs(log_ratio), rollout.mask)}

    return loss


def small(**changes):
    config = default_config()
    values = {"task.difficulty.train": 16, "task.difficulty.test": 8, "mesh.devices": 1}
    values |= {"task.difficulty.validation": 0, "warmup.steps": 0, "train.max_steps": 1}
    values |= {"rollout.num_prompts": 2, "rollout.num_generations": 2}
    values |= {"warmup.batch_size": 2, "rollout.max_completion_length": 8}
    values |= {"eval.num_problems": 4, "eval.num_generations": 1}
    config.update_from_flattened_dict({**values, **TINY_FLAT, **changes})
    return config


def test_a_loss_of_ones_own_by_path_by_word_and_as_an_object(monkeypatch, tmp_path):
    module = ModuleType("losses_of_mine")
    module.squared = squared
    monkeypatch.setitem(sys.modules, "losses_of_mine", module)
    path = "losses_of_mine:squared(weight=0.5) | token_mean()"
    word = path.removeprefix("losses_of_mine:")
    given = {
        "path": {"loss": path},
        "word": {"loss": word, "words": {"squared": squared}},
        "object": {"loss": objective(squared(0.5), aggregate=token_mean())},
    }
    rows = {}
    for name, objects in given.items():
        train(small(), tmp_path / name, **objects)
        rows[name] = read_metrics(tmp_path / name / "metrics.jsonl")[-1]
        assert "log_ratio" in " ".join(rows[name])
    losses = {name: row["loss"] for name, row in rows.items()}
    assert losses["path"] == losses["word"] == losses["object"]
    record = json.loads((tmp_path / "path" / "config.json").read_text())
    assert "losses_of_mine:squared" in str(record["loss"])
