"""Shapes that a model cannot have, each with the sentence that says so."""

import dataclasses

import pytest

from rewardlab.models import lm

CONFIG = lm.LMConfig(11, 2, 12, num_heads=4, num_kv_heads=2, head_dim=6, ffn=10)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_kv_heads": 3}, "not a multiple of num_kv_heads=3"),
        ({"head_dim": 5}, "make it even"),
        ({"dtype": "float16"}, "write 'float32' or 'bfloat16'"),
        ({"norm": "batch"}, "norm='batch'; write 'rms' or 'layer'"),
        ({"mlp": "relu"}, "mlp='relu'; write 'swiglu' or 'gelu_tanh'"),
        ({"positions": "alibi"}, "write 'rope' or 'learned'"),
        ({"positions": "learned"}, "needs max_positions"),
    ],
)
def test_impossible_shapes_say_so(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(CONFIG, **change)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: lm.RopeScaling("ntk", 2.0), "write 'linear', 'llama3' or 'yarn'"),
        (lambda: lm.RopeScaling("linear", 0.0), "factor=0.0 must be positive"),
        (lambda: lm.RopeScaling("yarn", 4.0), "'yarn' needs original_length"),
        (lambda: lm.LoRA(0, 1.0), "rank=0 must be at least 1"),
        (lambda: lm.LoRA(4, 0.0), "alpha=0.0 must be positive"),
        (lambda: lm.LoRA(4, 8.0, ()), "name at least one matrix"),
        (lambda: lm.LoRA(4, 8.0, ("head",)), "lora.targets='head'; write 'query'"),
    ],
)
def test_impossible_scalings_and_adapters_say_so(make, message):
    with pytest.raises(ValueError, match=message):
        make()
