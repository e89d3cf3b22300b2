"""`rewardlab export`: a run's policy as a folder that others read."""

import jax
import numpy as np
import pytest
from small import TINY

import rewardlab
from rewardlab.launch.export import main
from rewardlab.models.weights import read_config, read_weights
from rewardlab.text.folder import read_tokenizer


def test_a_run_of_characters_brings_its_tokenizer(tmp_path):
    config = rewardlab.default_config("arithmetic")
    config.update_from_flattened_dict(
        {
            "warmup.steps": 0,
            "train.max_steps": 1,
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
