"""A GGUF file as the files of a Hugging Face folder: weights, config, tokenizer.

Of the Llama architecture with a byte-level BPE; anything else is refused by name.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

# Names of GGUF's tensors in a Llama, and what Hugging Face calls them.
_TOP = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}
_OF_A_LAYER = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
# How text is cut before the merges, by `tokenizer.ggml.pre`: digits one by one first.
_DIGITS_APART = {"smollm": True, "gpt-2": False}
_CONTROL, _OWN = 3, 4  # token types: special tokens, and texts that are never cut


def write_from_gguf(file: Path, folder: Path) -> None:
    """Writes model.safetensors, config.json and the tokenizer's files into a folder.

    Quantized numbers become the float32 that they stand for. `ValueError`, in one
    sentence, without the packages `gguf`, `tokenizers` and `safetensors`, and for a
    file of another kind.
    """
    try:
        import gguf
        import tokenizers  # noqa: F401
        from safetensors.numpy import save_file
    except ModuleNotFoundError as error:
        raise ValueError(
            f"a GGUF file is converted by the package {error.name!r}, which is not "
            "installed; pip install 'rewardlab[gguf,hf]'"
        ) from None
    reader = gguf.GGUFReader(str(file))
    facts = {name: field.contents() for name, field in reader.fields.items()}
    config, tokenizer = config_of(facts), tokenizer_of(facts)
    arrays = {}
    for tensor in reader.tensors:
        name = _name(tensor.name)
        array = gguf.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        for part, heads in (("q", "num_attention_heads"), ("k", "num_key_value_heads")):
            if name.endswith(f"self_attn.{part}_proj.weight"):
                array = halves_apart(array, config[heads])
        arrays[name] = np.ascontiguousarray(array)
    save_file(arrays, folder / "model.safetensors", {"format": "pt"})
    tied = "lm_head.weight" not in arrays
    _write(folder / "config.json", {**config, "tie_word_embeddings": tied})
    tokenizer.save(str(folder / "tokenizer.json"))
    _write(folder / "tokenizer_config.json", _tokenizer_config(facts))


def halves_apart(weight: np.ndarray, heads: int) -> np.ndarray:
    """Rows of each head with its rotary pairs as two halves, from pairs side by side.

    halves_apart([[0], [1], [2], [3]], heads=1) -> [[0], [2], [1], [3]]
    """
    rows, columns = weight.shape
    pairs = weight.reshape(heads, rows // heads // 2, 2, columns)
    return pairs.swapaxes(1, 2).reshape(rows, columns)


def config_of(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The config.json of a Llama, from a GGUF file's metadata."""
    family = facts.get("general.architecture")
    if family != "llama" or any(".rope.scaling." in name for name in facts):
        raise ValueError(
            f"a GGUF file of architecture {family!r} is not converted, nor one with "
            "scaled RoPE; name a Llama, or a folder of safetensors"
        )
    heads, width = facts["llama.attention.head_count"], facts["llama.embedding_length"]
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": len(facts["tokenizer.ggml.tokens"]),
        "num_hidden_layers": facts["llama.block_count"],
        "hidden_size": width,
        "intermediate_size": facts["llama.feed_forward_length"],
        "num_attention_heads": heads,
        "num_key_value_heads": facts["llama.attention.head_count_kv"],
        "head_dim": facts.get("llama.rope.dimension_count", width // heads),
        "max_position_embeddings": facts["llama.context_length"],
        "rope_theta": _as_written(facts["llama.rope.freq_base"]),
        "rms_norm_eps": _as_written(facts["llama.attention.layer_norm_rms_epsilon"]),
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
        "bos_token_id": facts["tokenizer.ggml.bos_token_id"],
        "eos_token_id": facts["tokenizer.ggml.eos_token_id"],
        "pad_token_id": facts["tokenizer.ggml.padding_token_id"],
        "torch_dtype": "float32",
    }


def tokenizer_of(facts: Mapping[str, Any]) -> Any:
    """The `tokenizers.Tokenizer` that a GGUF file's metadata describe."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    kind, cut = facts["tokenizer.ggml.model"], facts.get("tokenizer.ggml.pre")
    if kind != "gpt2" or cut not in _DIGITS_APART:
        raise ValueError(
            f"a GGUF tokenizer of kind {kind!r} that cuts text as {cut!r} is not "
            f"converted; have gpt2 with {', '.join(_DIGITS_APART)}"
        )
    tokens, types = facts["tokenizer.ggml.tokens"], facts["tokenizer.ggml.token_type"]
    merges = [tuple(pair.split(" ")) for pair in facts["tokenizer.ggml.merges"]]
    vocabulary = {token: i for i, token in enumerate(tokens)}
    made = Tokenizer(models.BPE(vocabulary, merges))
    words = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    digits = pre_tokenizers.Digits(individual_digits=True)
    made.pre_tokenizer = (  # type: ignore[assignment]
        pre_tokenizers.Sequence([digits, words]) if _DIGITS_APART[cut] else words
    )
    made.decoder = decoders.ByteLevel()  # type: ignore[assignment]
    pairs = list(zip(tokens, types, strict=True))
    special = [AddedToken(t, special=True) for t, of in pairs if of == _CONTROL]
    made.add_special_tokens(special)
    made.add_tokens([AddedToken(t, normalized=False) for t, of in pairs if of == _OWN])
    return made


def _tokenizer_config(facts: Mapping[str, Any]) -> dict[str, Any]:
    tokens = facts["tokenizer.ggml.tokens"]
    named = {"bos": "bos", "eos": "eos", "unk": "unknown", "pad": "padding"}
    special = {
        f"{name}_token": tokens[facts[f"tokenizer.ggml.{of}_token_id"]]
        for name, of in named.items()
        if f"tokenizer.ggml.{of}_token_id" in facts
    }
    template = facts.get("tokenizer.chat_template")
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": facts["llama.context_length"],
        "clean_up_tokenization_spaces": False,
        **special,
        **({"chat_template": template} if template else {}),
    }


def _name(name: str) -> str:
    """What Hugging Face calls a tensor; `ValueError` for one that no Llama has."""
    if name in _TOP:
        return _TOP[name]
    match name.split("."):
        case ["blk", layer, part, "weight"] if part in _OF_A_LAYER:
            return f"model.layers.{layer}.{_OF_A_LAYER[part]}.weight"
    raise ValueError(
        f"the GGUF file has a tensor {name!r}, which is not converted; name a folder "
        "of safetensors"
    )


def _as_written(number: float) -> float:
    """A float32 as a person wrote it: 1e-5, not 9.999999747378752e-06."""
    return float(str(np.float32(number)))


def _write(file: Path, content: Mapping[str, Any]) -> None:
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
