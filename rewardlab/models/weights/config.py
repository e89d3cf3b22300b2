"""`config.json` of a folder as an `LMConfig`, and back; what differs is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from rewardlab.models.config import LMConfig
from rewardlab.models.weights.refusals import (
    Json,
    refuse_unknown,
    refuse_what_is_not_computed,
)
from rewardlab.models.weights.rope import read_rope, write_rope
from rewardlab.system.files import short

_SILU = {"silu": "swiglu", "swish": "swiglu"}
_GELU = {"gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh"}


class Family(NamedTuple):
    """How a `model_type` says its shape.

    `keys` are keys of `config.json` and the fields that they are, with what is meant
    where a key is absent (`...`: it must be there). `fields` gives the other fields.
    """

    architecture: str
    keys: dict[str, tuple[str, Any]]
    fields: Callable[[Json, str], dict[str, Any]]
    has_window_switch: bool = False


def read_config(folder: str | Path) -> LMConfig:
    """The shape of the model in a Hugging Face folder; no weight is read.

    Raises `ValueError`, in one sentence that names the key, for what is not computed:
    another family, sliding windows, soft-capping, another RoPE, experts.
    """
    raw, of = read_json(folder)
    family = family_of(raw, of)
    refuse_what_is_not_computed(raw, of, family.has_window_switch)
    fields = {}
    for key, (field, absent) in family.keys.items():
        fields[field] = absent if raw.get(key) is None else raw[key]
        if fields[field] is ...:
            raise ValueError(f"{of} has no {key}; add it, or download the file again")
    fields |= family.fields(raw, of)
    fields["norm_eps"] = float(fields["norm_eps"])
    try:
        return LMConfig(**fields)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{of} gives a model that cannot be: {error}") from error


def read_json(folder: str | Path) -> tuple[Json, str]:
    """`config.json` of a folder, and its name for a sentence."""
    file = Path(folder) / "config.json"
    of = short(file)
    try:
        raw = json.loads(file.read_bytes())
    except FileNotFoundError:
        raise ValueError(
            f"{short(Path(folder))} has no config.json; name a folder with "
            "config.json, weights in safetensors and tokenizer.json"
        ) from None
    except (ValueError, RecursionError):
        raw = None
    if not isinstance(raw, dict):
        raise ValueError(f"{of} is no JSON of a model; download it again")
    return raw, of


def family_of(raw: Json, of: str) -> Family:
    """The family that `model_type` names; unknown ones are refused by name."""
    return refuse_unknown(raw, "model_type", of, FAMILIES)


def written(config: LMConfig) -> Json:
    """`config.json` of a shape that came from no folder."""
    name = _family_for(config)
    family = FAMILIES[name]
    raw: Json = {"architectures": [family.architecture], "model_type": name}
    raw |= {key: getattr(config, field) for key, (field, _) in family.keys.items()}
    if name == "gpt2":
        return {**raw, "activation_function": "gelu_new"}
    raw |= {"hidden_act": "silu"}
    if config.max_positions:
        raw["max_position_embeddings"] = config.max_positions
    raw |= {"attention_bias": config.out_bias, "mlp_bias": config.mlp_bias}
    return {**raw, **write_rope(config)}


def _family_for(config: LMConfig) -> str:
    """The family that computes what a config says."""
    kind = config.norm, config.mlp, config.positions
    biases = config.qkv_bias, config.out_bias, config.mlp_bias
    if kind == ("layer", "gelu_tanh", "learned") and all(biases):
        return "gpt2"
    if kind == ("rms", "swiglu", "rope"):
        if config.qk_norm and config.qkv_bias == config.out_bias and not biases[2]:
            return "qwen3"
        if not config.qk_norm and biases == (True, False, False):
            return "qwen2"
        if not config.qk_norm and config.qkv_bias == config.out_bias:
            return "llama"
    raise ValueError(
        f"no family of transformers computes {config}; export a model of one of "
        f"{', '.join(sorted(FAMILIES))}"
    )


def _rope_fields(raw: Json, of: str) -> dict[str, Any]:
    """What llama and the qwens share."""
    heads = raw["num_attention_heads"]
    return {
        "mlp": refuse_unknown({"hidden_act": "silu", **raw}, "hidden_act", of, _SILU),
        "head_dim": raw.get("head_dim") or raw["hidden_size"] // heads,
        "num_kv_heads": raw.get("num_key_value_heads") or heads,
        "tied": bool(raw.get("tie_word_embeddings", False)),
        "max_positions": raw.get("max_position_embeddings") or 0,
        **read_rope(raw, of),
    }


def _llama(raw: Json, of: str) -> dict[str, Any]:
    attention = bool(raw.get("attention_bias"))
    biases = {"qkv_bias": attention, "out_bias": attention}
    biases["mlp_bias"] = bool(raw.get("mlp_bias"))
    return {**_rope_fields(raw, of), **biases}


def _qwen2(raw: Json, of: str) -> dict[str, Any]:
    return {**_rope_fields(raw, of), "qkv_bias": True}


def _qwen3(raw: Json, of: str) -> dict[str, Any]:
    attention = bool(raw.get("attention_bias"))
    biases = {"qkv_bias": attention, "out_bias": attention}
    fields = {**_rope_fields(raw, of), **biases, "qk_norm": True}
    return {**fields, "head_dim": raw.get("head_dim") or 128}


def _gpt2(raw: Json, of: str) -> dict[str, Any]:
    said = {"activation_function": "gelu_new", **raw}
    return {
        "mlp": refuse_unknown(said, "activation_function", of, _GELU),
        "num_kv_heads": raw["n_head"],
        "head_dim": raw["n_embd"] // raw["n_head"],
        "ffn": raw.get("n_inner") or 4 * raw["n_embd"],
        "norm": "layer",
        "positions": "learned",
        "qkv_bias": True,
        "out_bias": True,
        "mlp_bias": True,
    }


_ROPE_KEYS: dict[str, tuple[str, Any]] = {
    "vocab_size": ("vocab_size", ...),
    "hidden_size": ("width", ...),
    "num_hidden_layers": ("num_layers", ...),
    "num_attention_heads": ("num_heads", ...),
    "num_key_value_heads": ("num_kv_heads", None),
    "head_dim": ("head_dim", None),
    "intermediate_size": ("ffn", ...),
    "tie_word_embeddings": ("tied", False),
    "rms_norm_eps": ("norm_eps", 1e-6),
}
_GPT2_KEYS: dict[str, tuple[str, Any]] = {
    "vocab_size": ("vocab_size", ...),
    "n_embd": ("width", ...),
    "n_layer": ("num_layers", ...),
    "n_head": ("num_heads", ...),
    "n_inner": ("ffn", None),
    "n_positions": ("max_positions", ...),
    "tie_word_embeddings": ("tied", True),
    "layer_norm_epsilon": ("norm_eps", 1e-5),
}

FAMILIES: dict[str, Family] = {
    "gpt2": Family("GPT2LMHeadModel", _GPT2_KEYS, _gpt2),
    "llama": Family("LlamaForCausalLM", _ROPE_KEYS, _llama),
    "qwen2": Family("Qwen2ForCausalLM", _ROPE_KEYS, _qwen2, True),
    "qwen3": Family("Qwen3ForCausalLM", _ROPE_KEYS, _qwen3, True),
}
