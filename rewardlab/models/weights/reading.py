"""The weights of a folder as parameters: each tensor used once, each parameter filled.

All that can be wrong is looked for in the files' headers, before a weight is read. The
arrays are filled one tensor at a time, in the layout that they will have: beside them
there is never more than one tensor in memory.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from rewardlab.models.config import LMConfig
from rewardlab.models.lm import Params
from rewardlab.models.parameters import are_stacked
from rewardlab.models.weights.files import DTYPES, Tensors
from rewardlab.models.weights.names import (
    HEAD,
    Leaf,
    Names,
    leaves_of,
    names_of,
    shapes_of,
)
from rewardlab.system.files import short


def read_weights(folder: str | Path, config: LMConfig) -> Params:
    """Float32 parameters (NumPy) of the model in a Hugging Face folder.

    `config` is that of `read_config(folder)`, with a layout of one's choice. Raises
    `ValueError`, in one sentence that names the tensor, where a tensor is missing, of
    another shape or type, or nobody's.
    """
    tensors = Tensors(Path(folder))
    leaves, names = leaves_of(config), names_of(config)
    found = _named(tensors, names)
    where = short(Path(folder))
    _refuse_others(found, leaves, where)
    for leaf in leaves:
        _refuse_kind(tensors, found[leaf.tensor], leaf)
    if config.tied and HEAD in found:
        _refuse_another_head(tensors, found, leaves, where)
    shapes = shapes_of(config)
    stacked = are_stacked(shapes)
    params: Params = {"layers": {}}
    for leaf in leaves:
        numbers = tensors.read(found[leaf.tensor], leaf.place.third)
        _put(params, leaf, numbers.T if leaf.place.turned else numbers, stacked, config)
    return params


def _put(
    params: Params, leaf: Leaf, numbers: np.ndarray, stacked: bool, config: LMConfig
) -> None:
    """One tensor into its place, as float32."""
    layers = params["layers"]
    if leaf.layer is None:
        params[leaf.name] = _float32(numbers)
    elif not stacked:
        layers.setdefault(f"{leaf.layer:02}", {})[leaf.name] = _float32(numbers)
    else:
        if leaf.layer == 0:
            layers[leaf.name] = np.empty((config.num_layers, *leaf.shape), np.float32)
        layers[leaf.name][leaf.layer] = numbers


def _float32(numbers: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(numbers, dtype=np.float32)


def _named(tensors: Tensors, names: Names) -> dict[str, str]:
    """The names in the files by those without their prefix; buffers are left out."""
    held = [x for x in tensors.file_of if not x.endswith(names.buffers)]
    return {name.removeprefix(names.prefix): name for name in held}


def _refuse_others(found: Iterable[str], leaves: list[Leaf], where: str) -> None:
    """What is missing, and what is nobody's."""
    there, wanted = set(found), {leaf.tensor for leaf in leaves}
    if missing := sorted(wanted - there):
        more = f" (and {len(missing) - 1} more)" if missing[1:] else ""
        raise ValueError(
            f"the weights of {where} lack {missing[0]}{more}, which its config.json "
            "asks for; download the folder again, or mend config.json"
        )
    if foreign := sorted(there - wanted - {HEAD}):
        more = f" (and {len(foreign) - 1} more)" if foreign[1:] else ""
        raise ValueError(
            f"the weights of {where} hold {foreign[0]}{more}, which a model of its "
            "config.json does not use; it would be another model without it"
        )


def _refuse_kind(tensors: Tensors, name: str, leaf: Leaf) -> None:
    """A type that is no float, and a shape that is not the config's."""
    dtype, shape = tensors.kind(name)
    where = short(tensors.file_of[name])
    if dtype not in DTYPES:
        raise ValueError(
            f"{name} in {where} is of type {dtype}; weights are read as "
            f"{', '.join(DTYPES)}, so save it as one of these"
        )
    if shape != leaf.stored:
        what = "vocab_size" if leaf.name in ("embedding", "head") else "config.json"
        raise ValueError(
            f"{name} in {where} has the shape {list(shape)}, and {what} gives "
            f"{list(leaf.stored)}; the two are of different models"
        )


def _refuse_another_head(
    tensors: Tensors, found: dict[str, str], leaves: list[Leaf], where: str
) -> None:
    """A tied file may hold its embedding twice, but no head of its own."""
    embedding = next(leaf.tensor for leaf in leaves if leaf.name == "embedding")
    if not np.array_equal(tensors.read(found[embedding]), tensors.read(found[HEAD])):
        raise ValueError(
            f"the weights of {where} hold a {HEAD} of their own, and config.json ties "
            "it to the embedding; write tie_word_embeddings: false there"
        )
