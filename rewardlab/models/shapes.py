"""The shape of a model by its name, with sizes of one's own."""

import dataclasses
from typing import Any

from rewardlab.core.lookup import look_up
from rewardlab.models.lm import CONFIGS, LMConfig


def shape_of(name: str, **sizes: int) -> LMConfig:
    """A built-in shape, or the `LMConfig` of a path; a size of 0 is as it has it.

    shape_of("S", num_layers=1, width=64, num_heads=2, ffn=128)

    With `num_heads` every query head has a key head of its own; heads share the width.
    """
    shape = look_up(name, "model", CONFIGS)
    if not isinstance(shape, LMConfig):
        raise ValueError(
            f"model.name={name!r} is a {type(shape).__name__}; name an "
            "rewardlab.models.lm.LMConfig, or one of " + ", ".join(CONFIGS)
        )
    own: dict[str, Any] = {size: number for size, number in sizes.items() if number}
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
