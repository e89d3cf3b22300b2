"""Folders of weights: read, refused in one sentence, and written whole."""

import dataclasses
import json
import shutil

import jax
import ml_dtypes
import numpy as np
import pytest
from checkpoints import FOLDERS, NAMES, copied, mend, tensors
from safetensors.numpy import save_file

from rewardlab.models import lm
from rewardlab.models.weights import read_config, read_weights, write_folder

STORED = {"qwen3": "bfloat16", "qwen2_yarn": "float16"}  # others float32


def same_bits(a, b):
    assert a.keys() == b.keys()
    for name in a:
        assert a[name].dtype == b[name].dtype
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("stacked", [False, True])
def test_what_is_read_is_written_bit_for_bit(name, stacked, tmp_path):
    there, here = FOLDERS / name, tmp_path / "out"
    config = dataclasses.replace(read_config(there), stacked=stacked)
    params = read_weights(there, config)
    shapes = jax.eval_shape(lambda key: lm.init(config, key), jax.random.key(0))
    assert jax.tree.map(lambda x: (x.shape, x.dtype), params) == jax.tree.map(
        lambda x: (x.shape, np.dtype("float32")), shapes
    )
    write_folder(here, config, params, there, STORED.get(name, "float32"))
    same_bits(tensors(here), tensors(there))
    assert json.loads((here / "config.json").read_text()) == json.loads(
        (there / "config.json").read_text()
    )
    assert (here / "generation_config.json").read_bytes() == (
        there / "generation_config.json"
    ).read_bytes()
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("name", NAMES)
def test_a_config_of_no_folder_says_the_same(name, tmp_path):
    config = read_config(FOLDERS / name)
    params = read_weights(FOLDERS / name, config)
    write_folder(tmp_path / "out", config, params)
    assert read_config(tmp_path / "out") == config


def test_a_tokenizer_of_another_model_brings_no_config(tmp_path):
    config = read_config(FOLDERS / "llama3")
    params = read_weights(FOLDERS / "llama3", config)
    write_folder(tmp_path / "out", config, params, FOLDERS / "qwen2")
    assert read_config(tmp_path / "out") == config
    said = json.loads((tmp_path / "out" / "config.json").read_text())
    assert (said["eos_token_id"], said["pad_token_id"]) == (2, 0)


def test_large_models_are_several_files(tmp_path):
    there = FOLDERS / "llama_biases"
    config = read_config(there)
    params = read_weights(there, config)
    write_folder(tmp_path / "out", config, params, there, shard=8000)
    index = json.loads((tmp_path / "out" / "model.safetensors.index.json").read_text())
    whole = tensors(tmp_path / "out")
    assert set(index["weight_map"]) == set(whole)
    assert index["metadata"]["total_size"] == sum(x.nbytes for x in whole.values())
    assert len(set(index["weight_map"].values())) > 2
    again = read_weights(tmp_path / "out", config)
    jax.tree.map(np.testing.assert_array_equal, again, params)


def test_a_linear_is_turned_and_a_conv1d_is_not():
    held, params = (
        tensors(FOLDERS / "llama3"),
        read_weights(FOLDERS / "llama3", read_config(FOLDERS / "llama3")),
    )
    query = held["model.layers.1.self_attn.q_proj.weight"]
    np.testing.assert_array_equal(params["layers"]["01"]["query"], query.T)
    held = tensors(FOLDERS / "gpt2")
    params = read_weights(FOLDERS / "gpt2", read_config(FOLDERS / "gpt2"))
    fused = held["transformer.h.1.attn.c_attn.weight"]
    np.testing.assert_array_equal(params["layers"]["01"]["key"], fused[:, 16:32])


def test_older_files_say_rope_apart(tmp_path):
    folder = copied("llama3", tmp_path)
    new = read_config(folder)
    said = json.loads((folder / "config.json").read_text())["rope_parameters"]
    theta = said.pop("rope_theta")
    said["type"] = said.pop("rope_type")
    mend(folder, rope_parameters=..., rope_scaling=said, rope_theta=theta)
    assert read_config(folder) == new


def test_buffers_a_missing_prefix_and_a_second_embedding_are_no_matter(tmp_path):
    there, here = FOLDERS / "gpt2", tmp_path / "gpt2"
    shutil.copytree(there, here)
    held = tensors(there)
    bare = {name.removeprefix("transformer."): x for name, x in held.items()}
    bare |= {"h.0.attn.bias": np.ones((1, 1, 32, 32), np.float32)}
    bare |= {"h.0.attn.masked_bias": np.zeros((), np.float32)}
    bare |= {"lm_head.weight": held["transformer.wte.weight"]}
    save_file(bare, here / "model.safetensors")
    config = read_config(here)
    jax.tree.map(
        np.testing.assert_array_equal,
        read_weights(here, config),
        read_weights(there, config),
    )
    bare["lm_head.weight"] = bare["lm_head.weight"] + 1
    save_file(bare, here / "model.safetensors")
    with pytest.raises(ValueError, match="tie_word_embeddings: false"):
        read_weights(here, config)


def test_nothing_half_written_is_left(tmp_path, monkeypatch):
    folder = copied("llama3", tmp_path)
    config = read_config(folder)
    params = read_weights(folder, config)
    with pytest.raises(ValueError, match="holds something already"):
        write_folder(folder, config, params)
    with pytest.raises(ValueError, match="dtype='int8' is no type to export"):
        write_folder(tmp_path / "out", config, params, dtype="int8")
    params["layers"]["01"].pop("down")
    with pytest.raises(KeyError):
        write_folder(tmp_path / "out", config, params, folder)
    assert [p.name for p in tmp_path.iterdir()] == ["model"]


def test_bfloat16_on_export_rounds(tmp_path):
    folder = copied("llama3", tmp_path)
    config = read_config(folder)
    params = read_weights(folder, config)
    write_folder(tmp_path / "out", config, params, folder, "bfloat16")
    rounded = {n: x.astype(ml_dtypes.bfloat16) for n, x in tensors(folder).items()}
    same_bits(tensors(tmp_path / "out"), rounded)
    said = json.loads((tmp_path / "out" / "config.json").read_text())
    assert said["dtype"] == "bfloat16"
