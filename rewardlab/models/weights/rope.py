"""RoPE as `config.json` says it, in the newer and in the older way.

rope_parameters: {"rope_theta": 1e6, "rope_type": "llama3", "factor": 8.0, ...}
rope_theta: 1e6, rope_scaling: {"type": "linear", "factor": 2.0}
"""

from typing import Any

from rewardlab.models.config import LMConfig, RopeScaling
from rewardlab.models.weights.refusals import Json, refuse_unknown

# Keys of each kind of scaling, and the field that each is.
_YARN = {
    "factor": "factor",
    "original_max_position_embeddings": "original_length",
    "attention_factor": "attention_factor",
    "beta_fast": "beta_fast",
    "beta_slow": "beta_slow",
    "truncate": "truncate",
}
_LLAMA3 = {
    "factor": "factor",
    "original_max_position_embeddings": "original_length",
    "low_freq_factor": "low_freq_factor",
    "high_freq_factor": "high_freq_factor",
}
_KINDS: dict[str, dict[str, str]] = {
    "default": {},
    "linear": {"factor": "factor"},
    "llama3": _LLAMA3,
    "yarn": _YARN,
}
_IGNORED = {"rope_theta", "rope_type", "type", "original_max_position_embeddings"}


def read_rope(raw: Json, of: str) -> dict[str, Any]:
    """The fields `rope_theta` and `rope_scaling`; kinds not computed are refused."""
    both = raw.get("rope_parameters") or raw.get("rope_scaling") or {}
    if not isinstance(both, dict) or any(isinstance(x, dict) for x in both.values()):
        raise ValueError(
            f"{of} gives each kind of layer a RoPE of its own, which is not computed "
            "here; use a checkpoint with one for all layers"
        )
    theta = both.get("rope_theta") or raw.get("rope_theta") or 10_000.0
    said: Json = {"rope_type": both.get("rope_type") or both.get("type") or "default"}
    fields = refuse_unknown(said, "rope_type", of, _KINDS)
    foreign = {key for key, x in both.items() if x is not None}
    if both.get("partial_rotary_factor") == 1:  # the whole of each head turns
        foreign.remove("partial_rotary_factor")
    if foreign := foreign - set(fields) - _IGNORED:
        raise ValueError(
            f"{of} says {sorted(foreign)[0]}={both[sorted(foreign)[0]]!r} for RoPE, "
            "which is not computed here; use a checkpoint without it"
        )
    if not fields:
        return {"rope_theta": float(theta), "rope_scaling": None}
    numbers = {f: both[key] for key, f in fields.items() if both.get(key) is not None}
    if "factor" not in numbers:
        raise ValueError(f"{of} gives RoPE no factor to be scaled by; add it")
    if "original_length" in fields.values():
        numbers.setdefault("original_length", raw.get("max_position_embeddings", 0))
    scaling = RopeScaling(said["rope_type"], **numbers)
    return {"rope_theta": float(theta), "rope_scaling": scaling}


def write_rope(config: LMConfig) -> Json:
    """Both ways, so that versions old and new of a reader find theirs."""
    scaling = config.rope_scaling
    said: Json = {"rope_type": scaling.kind if scaling else "default"}
    for key, field in _KINDS[said["rope_type"]].items():
        value = getattr(scaling, field)
        if value is not None:
            said[key] = value
    theta = {"rope_theta": config.rope_theta}
    older = {"rope_scaling": said if scaling else None}
    return {"rope_parameters": {**theta, **said}, **theta, **older}
