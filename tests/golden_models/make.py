"""Small random checkpoints as transformers writes them, with the logits it computes.

    python tests/golden_models/make.py [FOLDER]

It needs torch and transformers (made with transformers 5.24, torch 2.14); the suite
needs neither. Each folder here is one model: `config.json`, its weights, and
`logits.npz` with `tokens` [2, 24] and `logits` [2, 24, V] in float32. Norms and biases
are moved away from 1 and 0, where a forgotten one would not be seen.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import (
    AutoModelForCausalLM,
    GPT2Config,
    LlamaConfig,
    Qwen2Config,
    Qwen3Config,
)

SMALL: dict[str, Any] = dict(
    vocab_size=48,
    hidden_size=16,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    intermediate_size=24,
    max_position_embeddings=64,
    initializer_range=0.3,
    bos_token_id=1,
    eos_token_id=2,
    pad_token_id=0,
)
# Its heads share the width.
QWEN2 = {**SMALL, "num_attention_heads": 2, "num_key_value_heads": 1}
ROPE = {"rope_theta": 50.0}  # wavelengths of 6, 17, 44 and 118 positions of 8 numbers
LLAMA3 = {
    **ROPE,
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 2.0,
    "original_max_position_embeddings": 20,  # fewer than there are tokens
}
YARN = {
    **ROPE,
    "rope_type": "yarn",
    "factor": 4.0,
    "original_max_position_embeddings": 16,
    "beta_fast": 2.0,
    "beta_slow": 0.5,
}
LINEAR = {**ROPE, "rope_type": "linear", "factor": 2.5}
GPT2: dict[str, Any] = dict(
    vocab_size=48,
    n_embd=16,
    n_layer=2,
    n_head=4,
    n_positions=32,
    n_inner=24,
    initializer_range=0.3,
    bos_token_id=1,
    eos_token_id=2,
)

MODELS = {
    "llama3": LlamaConfig(**SMALL, head_dim=8, rope_parameters=LLAMA3),
    "llama_biases": LlamaConfig(
        **SMALL, head_dim=8, rope_parameters=ROPE, attention_bias=True, mlp_bias=True
    ),
    "llama_linear": LlamaConfig(
        **SMALL, head_dim=8, rope_parameters=LINEAR, tie_word_embeddings=True
    ),
    "qwen2": Qwen2Config(**QWEN2, rope_parameters=ROPE, tie_word_embeddings=True),
    "qwen2_yarn": Qwen2Config(**QWEN2, rope_parameters=YARN),
    "qwen3": Qwen3Config(
        **SMALL, head_dim=8, rope_parameters=ROPE, tie_word_embeddings=True
    ),
    "gpt2": GPT2Config(**GPT2),
}
# How the folder is saved: others are one file of float32.
SHARDS = {"llama_biases": "8KB"}
DTYPES = {"qwen3": torch.bfloat16, "qwen2_yarn": torch.float16}


def moved(model: torch.nn.Module) -> None:
    """Norms and biases away from what they begin as."""
    for weight in model.parameters():
        if weight.dim() == 1:
            weight.data += 0.3 * torch.randn_like(weight)


def make(name: str, folder: Path) -> None:
    """One folder, whose logits are those of the weights as they were saved."""
    torch.manual_seed(sorted(MODELS).index(name))
    model = AutoModelForCausalLM.from_config(MODELS[name])
    moved(model)
    model.to(DTYPES.get(name, torch.float32))
    model.save_pretrained(folder / name, max_shard_size=SHARDS.get(name, "5GB"))
    # Read anew: what is rounded are weights, and not RoPE's table.
    model = AutoModelForCausalLM.from_pretrained(folder / name, dtype=torch.float32)
    model.eval()
    tokens = np.random.default_rng(len(name)).integers(3, 48, (2, 24))
    with torch.no_grad():
        logits = model(torch.tensor(tokens)).logits.numpy()
    np.savez(folder / name / "logits.npz", tokens=tokens, logits=logits)
    print(name, f"logits' deviation {logits.std():.2f}", sorted(model.state_dict())[:2])


if __name__ == "__main__":
    where = Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parent
    for model_name in MODELS:
        make(model_name, where)
