"""What a checkpoint may ask for that is not computed here: refused by name.

A model that ignores such a key still speaks, and wrongly; so each is one sentence.
"""

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]
_OFF = (None, False, 0)

# By key of `config.json`: the values that change nothing, and what others ask for.
_ASKS: dict[str, tuple[tuple[Any, ...], str]] = {
    "quantization_config": ((None,), "quantized weights"),
    "num_experts": (_OFF, "a mixture of experts"),
    "num_local_experts": (_OFF, "a mixture of experts"),
    "n_routed_experts": (_OFF, "a mixture of experts"),
    "attn_logit_softcapping": ((None,), "soft-capped attention"),
    "final_logit_softcapping": ((None,), "soft-capped logits"),
    "scale_attn_by_inverse_layer_idx": (_OFF, "attention scaled by its layer"),
    "scale_attn_weights": ((None, True), "attention that is not scaled"),
    "add_cross_attention": (_OFF, "cross-attention"),
    "is_encoder_decoder": (_OFF, "an encoder"),
    "partial_rotary_factor": ((None, 1, 1.0), "RoPE on a part of each head"),
    "no_rope_layers": ((None, []), "layers without RoPE"),
}
_WINDOWS = ("sliding_window", "attention_window")


def refuse_what_is_not_computed(raw: Json, of: str, switched: bool) -> None:
    """`ValueError` that names the first key that asks for more; `of` is the file.

    `switched` families slide their windows by `use_sliding_window` alone, and write a
    `sliding_window` that nobody reads.
    """
    for key, (harmless, what) in _ASKS.items():
        if raw.get(key) not in harmless:
            _refuse(raw, key, of, what)
    kinds = set(raw.get("layer_types") or ())
    if kinds - {"full_attention"}:
        _refuse(raw, "layer_types", of, "sliding windows or other kinds of layers")
    if raw.get("use_sliding_window") and not kinds:
        _refuse(raw, "use_sliding_window", of, "sliding windows")
    for key in _WINDOWS:
        if not switched and raw.get(key) is not None:
            _refuse(raw, key, of, "sliding windows")


def refuse_unknown(raw: Json, key: str, of: str, known: Mapping[str, Any]) -> Any:
    """What `known` has for `raw[key]`; if nothing, a sentence says what it has."""
    value = raw.get(key)
    if not isinstance(value, str) or value not in known:
        have = ", ".join(sorted(known))
        raise ValueError(
            f"{of} says {key}={value!r}, which is not computed here (have {have}); use "
            "a checkpoint of one of these"
        )
    return known[value]


def _refuse(raw: Json, key: str, of: str, what: str) -> None:
    raise ValueError(
        f"{of} says {key}={raw[key]!r}, which asks for {what} and is not computed "
        "here; use a checkpoint without it"
    )
