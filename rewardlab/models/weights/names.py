"""Which tensor of a file holds which parameter.

A `Linear` of torch lies [out, in] and is turned; GPT-2's `Conv1D` lies [in, out], as
ours, and holds queries, keys and values side by side.
"""

import dataclasses
from typing import NamedTuple

import jax

from rewardlab.models import lm
from rewardlab.models.config import LMConfig
from rewardlab.models.parameters import are_stacked


class Place(NamedTuple):
    """Where a parameter of one layer, or of none, lies in the files."""

    tensor: str
    turned: bool = False  # as its transpose
    third: int | None = None  # of the last axis, where three lie side by side


class Names(NamedTuple):
    """The tensors of a family; names of layers follow `layers` and a number."""

    prefix: str  # of all but the head; files of a model without a head lack it
    layers: str
    top: dict[str, Place]
    layer: dict[str, Place]
    buffers: tuple[str, ...]  # ends of names that hold no parameter


_ATTENTION, _MLP = "self_attn", "mlp"
_TURNED = {
    "query": f"{_ATTENTION}.q_proj",
    "key": f"{_ATTENTION}.k_proj",
    "value": f"{_ATTENTION}.v_proj",
    "out": f"{_ATTENTION}.o_proj",
    "gate": f"{_MLP}.gate_proj",
    "up": f"{_MLP}.up_proj",
    "down": f"{_MLP}.down_proj",
}
LLAMA = Names(
    prefix="model.",
    layers="layers.",
    top={
        "embedding": Place("embed_tokens.weight"),
        "final_norm": Place("norm.weight"),
        "head": Place("lm_head.weight", turned=True),
    },
    layer={
        "attention_norm": Place("input_layernorm.weight"),
        "ffn_norm": Place("post_attention_layernorm.weight"),
        "query_norm": Place(f"{_ATTENTION}.q_norm.weight"),
        "key_norm": Place(f"{_ATTENTION}.k_norm.weight"),
        **{name: Place(f"{x}.weight", turned=True) for name, x in _TURNED.items()},
        **{f"{name}_bias": Place(f"{x}.bias") for name, x in _TURNED.items()},
    },
    buffers=("rotary_emb.inv_freq",),
)
_FUSED = ("query", "key", "value")
GPT2 = Names(
    prefix="transformer.",
    layers="h.",
    top={
        "embedding": Place("wte.weight"),
        "positions": Place("wpe.weight"),
        "final_norm": Place("ln_f.weight"),
        "final_norm_bias": Place("ln_f.bias"),
        "head": Place("lm_head.weight", turned=True),
    },
    layer={
        "attention_norm": Place("ln_1.weight"),
        "attention_norm_bias": Place("ln_1.bias"),
        **{x: Place("attn.c_attn.weight", third=i) for i, x in enumerate(_FUSED)},
        **{
            f"{x}_bias": Place("attn.c_attn.bias", third=i)
            for i, x in enumerate(_FUSED)
        },
        "out": Place("attn.c_proj.weight"),
        "out_bias": Place("attn.c_proj.bias"),
        "ffn_norm": Place("ln_2.weight"),
        "ffn_norm_bias": Place("ln_2.bias"),
        "up": Place("mlp.c_fc.weight"),
        "up_bias": Place("mlp.c_fc.bias"),
        "down": Place("mlp.c_proj.weight"),
        "down_bias": Place("mlp.c_proj.bias"),
    },
    buffers=(".attn.bias", ".attn.masked_bias"),
)
HEAD = "lm_head.weight"


def names_of(config: LMConfig) -> Names:
    """The names of the family that a config is of."""
    return GPT2 if config.positions == "learned" else LLAMA


class Leaf(NamedTuple):
    """One parameter of one layer (None: of the model), and where it lies."""

    name: str
    layer: int | None
    shape: tuple[int, ...]  # ours
    place: Place
    tensor: str  # the whole name, without the prefix

    @property
    def stored(self) -> tuple[int, ...]:
        """The shape of the tensor that holds it."""
        if self.place.turned:
            return self.shape[::-1]
        *first, last = self.shape
        return (*first, last if self.place.third is None else 3 * last)


def leaves_of(config: LMConfig) -> list[Leaf]:
    """Every parameter that a config has: those of no layer, then layer by layer."""
    names, tree = names_of(config), shapes_of(config)
    stacked = are_stacked(tree)
    layer = tree["layers"] if stacked else tree["layers"]["00"]
    cut = 1 if stacked else 0
    found = [
        Leaf(name, None, tree[name].shape, place, place.tensor)
        for name, place in names.top.items()
        if name in tree
    ]
    for i in range(config.num_layers):
        for name, place in names.layer.items():
            if name in layer:
                shape, tensor = layer[name].shape[cut:], f"{i}.{place.tensor}"
                found.append(Leaf(name, i, shape, place, names.layers + tensor))
    return found


def shapes_of(config: LMConfig) -> lm.Params:
    """The parameters of a config, adapters aside, as shapes in its own layout."""
    plain = dataclasses.replace(config, lora=None)
    return jax.eval_shape(lambda key: lm.init(plain, key), jax.random.key(0))
