"""Folders that are of another model, or broken: one sentence that names what is."""

import shutil

import numpy as np
import pytest
from checkpoints import copied, mend, tensors
from safetensors.numpy import save_file

from rewardlab.models.weights import read_config, read_weights


def rope(kind, **numbers):
    return {"rope_parameters": {"rope_type": kind, **numbers}}


DYNAMIC = {"rope_parameters": ..., "rope_scaling": {"type": "dynamic", "factor": 2.0}}
EACH = {"rope_parameters": {"full_attention": {"rope_theta": 1e4}}}
KINDS = {"layer_types": ["full_attention", "sliding_attention"]}
WINDOW = {"model_type": "qwen2", "use_sliding_window": True, "sliding_window": 8}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "gemma3"}, r"'gemma3'.*\(have gpt2, llama, qwen2, qwen3\)"),
        ({"model_type": ...}, "model_type=None"),
        ({"sliding_window": 128}, "sliding_window=128.*sliding windows"),
        (WINDOW, "use_sliding_window=True"),
        (KINDS, "layer_types="),
        ({"attn_logit_softcapping": 50.0}, "attn_logit_softcapping=50.0.*soft-capped"),
        ({"final_logit_softcapping": 30.0}, "soft-capped logits"),
        (DYNAMIC, r"rope_type='dynamic'.*\(have default, linear, llama3, yarn\)"),
        (rope("longrope", factor=2.0), "'longrope'"),
        (rope("yarn", factor=2.0, mscale=0.7), "mscale=0.7"),
        (rope("linear"), "no factor"),
        (EACH, "each kind of layer"),
        ({"hidden_act": "relu"}, r"hidden_act='relu'.*\(have silu, swish\)"),
        ({"quantization_config": {"bits": 4}}, "quantized weights"),
        ({"num_local_experts": 8}, "num_local_experts=8.*mixture of experts"),
        ({"hidden_size": ...}, "no hidden_size"),
        ({"num_key_value_heads": 3}, "gives a model that cannot be"),
    ],
)
def test_what_is_not_computed_is_refused_by_name(tmp_path, changes, message):
    folder = copied("llama3", tmp_path)
    mend(folder, **changes)
    with pytest.raises(ValueError, match=message) as error:
        read_config(folder)
    assert "\n" not in str(error.value)


def test_windows_that_are_off_are_no_matter(tmp_path):
    folder = copied("qwen2", tmp_path)
    config = read_config(folder)
    mend(folder, use_sliding_window=False, sliding_window=32768, layer_types=...)
    assert read_config(folder) == config


def test_gpt2_whose_attention_is_scaled_by_layer_is_refused(tmp_path):
    folder = copied("gpt2", tmp_path)
    mend(folder, scale_attn_by_inverse_layer_idx=True)
    with pytest.raises(ValueError, match="scale_attn_by_inverse_layer_idx=True"):
        read_config(folder)
    mend(folder, scale_attn_by_inverse_layer_idx=False, activation_function="gelu")
    with pytest.raises(ValueError, match="activation_function='gelu'"):
        read_config(folder)


def spoil(folder, **changes):
    """The weights with arrays changed, `...`: left out."""
    held = {**tensors(folder), **changes}
    held = {name: x for name, x in held.items() if x is not ...}
    save_file(held, folder / "model.safetensors")


NORM = "model.norm.weight"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({NORM: ...}, "lack norm.weight, which"),
        ({"lm_head.weight": ...}, "lack lm_head.weight"),
        ({"model.layers.0.extra": np.ones(3)}, "hold layers.0.extra, which"),
        (
            {"model.layers.2.mlp.up_proj.weight": np.ones(3)},
            "hold layers.2.mlp.up_proj",
        ),
        ({NORM: np.ones(16, np.int8)}, "model.norm.weight in .* of type I8"),
        (
            {NORM: np.ones(17, np.float32)},
            r"shape \[17\], and config.json gives \[16\]",
        ),
        (
            {"model.embed_tokens.weight": np.ones((50, 16), np.float32)},
            r"shape \[50, 16\], and vocab_size gives \[48, 16\]",
        ),
    ],
)
def test_tensors_that_are_not_the_models_are_named(tmp_path, changes, message):
    folder = copied("llama3", tmp_path)
    spoil(folder, **changes)
    with pytest.raises(ValueError, match=message) as error:
        read_weights(folder, read_config(folder))
    assert "\n" not in str(error.value)


def test_a_broken_folder_says_what_is_broken(tmp_path):
    folder = copied("llama3", tmp_path)
    config, file = read_config(folder), folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(ValueError, match="model.safetensors is cut short"):
        read_weights(folder, config)
    file.unlink()
    (folder / "pytorch_model.bin").touch()
    with pytest.raises(ValueError, match=r"no model.safetensors.*pytorch_model.bin"):
        read_weights(folder, config)
    (folder / "config.json").write_text("{")
    with pytest.raises(ValueError, match="no JSON of a model"):
        read_config(folder)
    (folder / "config.json").unlink()
    with pytest.raises(ValueError, match="has no config.json"):
        read_config(folder)


def test_a_shard_that_is_missing_is_named(tmp_path):
    folder = copied("llama_biases", tmp_path)
    config = read_config(folder)
    third = folder / "model-00003-of-00004.safetensors"
    shutil.copy(folder / "model-00002-of-00004.safetensors", third)
    with pytest.raises(ValueError, match="00003-of-00004.safetensors does not hold"):
        read_weights(folder, config)
    third.unlink()
    with pytest.raises(ValueError, match="00003-of-00004.safetensors is missing"):
        read_weights(folder, config)
    (folder / "model.safetensors.index.json").write_text("[]")
    with pytest.raises(ValueError, match="no index of weights"):
        read_weights(folder, config)
