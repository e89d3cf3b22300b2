"""A tiny random checkpoint of Qwen2.5's shape, with a tokenizer and a chat template."""

from pathlib import Path

import jax
from folders import tokenizer_folder

from rewardlab.models import lm
from rewardlab.models.weights import write_folder
from rewardlab.text.folder import read_tokenizer

PADDED = 16  # embeddings that are no token's, as Qwen2.5 has them


def tiny_folder(folder: Path, key: int = 0, **changes) -> Path:
    """Writes it: one layer, biases of q, k and v, a tied and padded embedding."""
    files = tokenizer_folder(folder.with_name(f"{folder.name}-tokenizer"))
    shape = {"num_layers": 1, "width": 32, "num_heads": 2, "num_kv_heads": 1}
    shape |= {"head_dim": 16, "ffn": 64, "qkv_bias": True, "max_positions": 512}
    shape |= {"vocab_size": read_tokenizer(files).vocab_size + PADDED, **changes}
    config = lm.LMConfig(**shape)
    params = lm.init(config, jax.random.key(key))
    write_folder(folder, config, params, tokenizer_files_from=files)
    return folder
