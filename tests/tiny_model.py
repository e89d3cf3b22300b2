"""A tiny random checkpoint of Qwen2.5's shape, with a tokenizer and a chat template."""

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

import jax
from folders import tokenizer_folder

from rewardlab.models import known, lm
from rewardlab.models.weights import write_folder
from rewardlab.text.folder import read_tokenizer

PADDED = 16  # embeddings that are no token's, as Qwen2.5 has them


@functools.cache
def tiny() -> Path:
    """One folder for all who change nothing in it."""
    folder = tempfile.mkdtemp(prefix="tiny-model-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return tiny_folder(Path(folder) / "model")


def known_is_tiny(cache: Path, monkeypatch) -> None:
    """The models that have a name lie in a cache of their own, and are that folder."""
    monkeypatch.setattr(known, "CACHE", cache)
    (cache / "models").mkdir(parents=True)
    for name in known.KNOWN:
        known.known_folder(name).symlink_to(tiny())


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
