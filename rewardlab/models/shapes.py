"""What a model's name stands for: a shape, with sizes of one's own, or a checkpoint.

A name is a built-in shape, a known model (`rewardlab fetch`), the path of a Hugging
Face folder, or `package.module:attribute` of an `LMConfig` or of a pair of one and its
parameters. Of a folder and of a pair there are weights.
"""

import dataclasses
from pathlib import Path
from typing import Any

import jax

from rewardlab.core.lookup import look_up, place_of, unknown
from rewardlab.models import lm
from rewardlab.models.known import KNOWN, known_folder
from rewardlab.models.lm import CONFIGS, LMConfig
from rewardlab.models.weights import read_config, read_weights


def folder_of(name: Any) -> Path | None:
    """The folder of weights that a name stands for, if it stands for one.

    folder_of("models/mine") -> Path("models/mine");  folder_of("S") -> None

    `ValueError`, in one sentence, for one that is not there.
    """
    if not isinstance(name, str) or name in CONFIGS:
        return None
    if name in KNOWN:
        if (folder := known_folder(name)).is_dir():
            return folder
        raise ValueError(
            f"model.name={name!r} is not on this machine yet; run: rewardlab fetch "
            f"{name}"
        )
    path = Path(name).expanduser()
    if path.is_dir():
        return path
    if place_of(name) is not None:
        return None
    if len(path.parts) > 1:
        raise ValueError(
            f"model.name={name!r}: there is no such folder; name one with config.json, "
            "weights in safetensors and tokenizer.json (nothing is asked of a hub)"
        )
    said = unknown(name, "model", [*CONFIGS, *KNOWN])
    raise ValueError(f"model.name={name!r}: {said}, or a folder")


def shape_of(name: Any, **sizes: int) -> LMConfig:
    """The shape of a model by its name; a size of 0 is as it has it.

    shape_of("S", num_layers=1, width=64, num_heads=2, ffn=128)

    With `num_heads` every query head has a key head of its own; heads share the width.
    A model that has weights has a shape of its own.
    """
    own: dict[str, Any] = {size: number for size, number in sizes.items() if number}
    folder = folder_of(name)
    found: Any = read_config(folder) if folder else _looked_up(name)
    shape = found[0] if _is_pair(found) else found
    if not isinstance(shape, LMConfig):
        raise ValueError(
            f"model.name={name!r} is a {type(shape).__name__}; name an "
            "rewardlab.models.lm.LMConfig, a pair of one and its parameters, a folder, "
            f"or one of {', '.join((*CONFIGS, *KNOWN))}"
        )
    if own and (folder or shape is not found):
        size, number = next(iter(own.items()))
        raise ValueError(
            f"model.{size}={number}, and the weights of model.name={name!r} have a "
            "shape of their own; leave it at 0"
        )
    return _resized(shape, own)


def _resized(shape: LMConfig, own: dict[str, Any]) -> LMConfig:
    if "num_heads" in own:
        own["num_kv_heads"] = own["num_heads"]
    heads, width = own.get("num_heads", shape.num_heads), own.get("width", shape.width)
    if "num_heads" in own or "width" in own:
        if width % (2 * heads):
            raise ValueError(
                f"model.width={width} does not divide over model.num_heads={heads} "
                "into heads of an even size; change one of them"
            )
        own["head_dim"] = width // heads
    return dataclasses.replace(shape, **own)


def has_weights(name: Any) -> bool:
    """Whether a name stands for more than a shape."""
    return folder_of(name) is not None or _is_pair(_looked_up(name))


def weights_of(name: Any, config: LMConfig) -> lm.Params:
    """The weights of a name that `has_weights`, in the layout of the config."""
    if folder := folder_of(name):
        return read_weights(folder, config)
    _, params = _looked_up(name)
    params = (lm.stacked if config.is_stacked else lm.unstacked)(params)
    given = jax.tree.map(lambda x: x.shape, params)
    fresh = jax.eval_shape(lambda: lm.init(config, jax.random.key(0)))
    if given != jax.tree.map(lambda x: x.shape, fresh):
        raise ValueError(
            "the parameters that were handed over are not of the shape of their "
            "LMConfig; give what rewardlab.models.lm.init makes, or read_weights"
        )
    return params


def _looked_up(name: Any) -> Any:
    return look_up(name, "model", CONFIGS)


def _is_pair(found: Any) -> bool:
    return isinstance(found, tuple) and len(found) == 2 and isinstance(found[1], dict)
