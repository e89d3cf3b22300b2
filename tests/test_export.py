"""`rewardlab export`: a run's policy as a folder that others read."""

import json

import jax
import numpy as np
import pytest
from small import TINY
from test_real_models import brief, short_run
from tiny_model import tiny_folder

import rewardlab
from rewardlab.launch.export import main
from rewardlab.models.weights import read_config, read_weights
from rewardlab.text.folder import read_tokenizer

TEXT_FILES = ("tokenizer.json", "tokenizer_config.json")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Two steps from a folder of Qwen2's shape."""
    files = tmp_path_factory.mktemp("exported")
    tiny_folder(files / "qwen")
    asked = [[{"role": "user", "content": f"What is {a} + 1?"}] for a in range(10)]
    lines = [json.dumps({"prompt": ask, "answer": "1"}) for ask in asked]
    (files / "chat.jsonl").write_text("\n".join(lines))
    config = short_run(files)
    result = rewardlab.train(config, files / "run", scorers=[brief])
    return files, result


def test_a_run_of_a_folder_is_a_folder_again(trained, capsys):
    files, result = trained
    main([str(files / "run"), "--to", str(files / "out")])
    assert "at step 2" in capsys.readouterr().out
    config = read_config(files / "out")
    assert config == read_config(files / "qwen")
    there = read_weights(files / "out", config)
    jax.tree.map(np.testing.assert_array_equal, there, jax.device_get(result.params))
    for name in TEXT_FILES:
        kept = (files / "qwen" / name).read_bytes()
        assert (files / "out" / name).read_bytes() == kept
    with pytest.raises(SystemExit, match="holds something already"):
        main([str(files / "run"), "--to", str(files / "out")])


def test_bfloat16_by_a_flag(trained):
    files, result = trained
    main([str(files / "run"), "--to", str(files / "half"), "--dtype=bfloat16"])
    there = read_weights(files / "half", read_config(files / "half"))
    rounded = jax.tree.map(
        lambda x: x.astype("bfloat16").astype("float32"), jax.device_get(result.params)
    )
    jax.tree.map(np.testing.assert_array_equal, there, rounded)


def test_a_run_of_characters_brings_its_tokenizer(tmp_path):
    config = rewardlab.default_config("arithmetic")
    config.update_from_flattened_dict(
        {
            "warmup.steps": 0,
            "train.max_steps": 1,
            "train.max_unrewarded": 0,
            "rollout.num_prompts": 2,
            "rollout.num_generations": 2,
            "rollout.max_completion_length": 8,
            "eval.num_problems": 2,
            "eval.num_generations": 1,
            "mesh.devices": 1,
        }
    )
    config.model.update(TINY)
    result = rewardlab.train(config, tmp_path / "run")
    main([str(tmp_path / "run"), "--to", str(tmp_path / "out")])
    shape = read_config(tmp_path / "out")
    there = read_weights(tmp_path / "out", shape)
    jax.tree.map(np.testing.assert_array_equal, there, jax.device_get(result.params))
    own = rewardlab.tasks.TASKS["arithmetic"].tokenizer
    tokenizer, text = read_tokenizer(tmp_path / "out"), "12+(3*4)="
    assert tokenizer.encode(text) == own.encode(text)
    assert tokenizer.decode(own.encode(text)) == text
    assert (tokenizer.vocab_size, tokenizer.eos_ids) == (own.vocab_size, own.eos_ids)
    assert tokenizer.pad_id == own.pad_id


def test_what_cannot_be_exported_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="nowhere has no checkpoint to export"):
        main(["nowhere", "--to", "out"])
    assert not (tmp_path / "out").exists()
