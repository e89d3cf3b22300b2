"""What a person brings trains: the README's example as written, a loss, a word."""

import json
import sys
from types import ModuleType

import jax.numpy as jnp
import pytest
from pages import PAGES, blocks
from small import TINY_FLAT

import rewardlab
from rewardlab.core import masked
from rewardlab.objectives import objective, token_mean
from rewardlab.runs.config import default_config
from rewardlab.runs.sinks import read_metrics
from rewardlab.runs.training import train

EXAMPLE = next(
    block for block in blocks(PAGES[0], "python") if "problems.jsonl" in block
)


def test_the_example_has_at_most_fifteen_lines():
    assert len([line for line in EXAMPLE.splitlines() if line.strip()]) <= 15


def test_the_example_trains_and_is_judged_by_its_verifier(monkeypatch, tmp_path):
    """As it is written, but for the sizes."""
    monkeypatch.chdir(tmp_path)
    results = []

    def short(config, workdir, **objects):
        config.update_from_flattened_dict(TINY_FLAT | {"mesh.devices": 1})
        config.warmup.steps, config.warmup.lr = 60, 1e-2
        config.train.max_steps, config.rollout.max_completion_length = 2, 4
        results.append(train(config, workdir, **objects))

    monkeypatch.setattr(rewardlab, "train", short)
    asked = {}
    exec(compile(EXAMPLE, "README.md", "exec"), asked)
    rows = read_metrics(tmp_path / "runs" / "mine" / "metrics.jsonl")
    record = json.loads((tmp_path / "runs" / "mine" / "config.json").read_text())
    assert rows[-1]["step"] == 2 and "halve()" in record["sentence"]
    after = results[0].after["pass@1"].mean
    assert after == pytest.approx(rows[-1]["eval/pass@1"]) and 0 < after < 1
    assert rows[-1]["reward/mean"] == pytest.approx(
        rows[-1]["rewards/correct/mean"] / 2
    )


def test_the_environments_of_the_page_train(monkeypatch, tmp_path):
    """On the device, without a base policy; and in Python, one asked once a turn."""
    monkeypatch.chdir(tmp_path)
    rows = {}

    def short(config, workdir, **objects):
        if workdir == "runs/warm":  # as the first, but for its warm-up
            return
        config.update_from_flattened_dict(TINY_FLAT | {"mesh.devices": 1})
        config.train.max_steps, config.rollout.num_generations = 1, 2
        train(config, workdir, **objects)
        rows[workdir] = read_metrics(tmp_path / workdir / "metrics.jsonl")[-1]

    monkeypatch.setattr(rewardlab, "train", short)
    page = next(page for page in PAGES if page.stem == "environments")
    space = {}
    for block in blocks(page, "python"):
        exec(compile(block, page.name, "exec"), space)
    guessing, hosted = rows["runs/guessing"], rows["runs/in_python"]
    assert {"eval/pass@1", "rewards/warmer/mean"} <= guessing.keys()
    assert hosted["episodes/error"] == 0 and "rewards/tried/mean" in hosted


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
