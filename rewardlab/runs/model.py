"""The shape of the policy that a config names."""

import dataclasses

from ml_collections import ConfigDict

from rewardlab.models import lm
from rewardlab.models.shapes import has_weights, shape_of
from rewardlab.tasks import Task


def _adapters_of(config: ConfigDict) -> lm.LoRA | None:
    said = config.model.lora
    if not said.rank:
        return None
    return lm.LoRA(said.rank, said.alpha, tuple(said.targets))  # a record has a list


def model_of(config: ConfigDict, task: Task) -> lm.LMConfig:
    """The sizes of the model that a config names, for the task's tokens.

    A model with weights keeps its vocabulary, of which some may be no token's.
    """
    sizes = ("num_layers", "width", "num_heads", "ffn")
    name, size = config.model.name, task.tokenizer.vocab_size
    shape = shape_of(name, **{size: config.model[size] for size in sizes})
    if has_weights(name):
        if size > shape.vocab_size:
            raise ValueError(
                f"the tokenizer has {size} tokens and model.name={name!r} knows "
                f"{shape.vocab_size}; use the tokenizer that belongs to it"
            )
        size = shape.vocab_size
    shape = dataclasses.replace(shape, vocab_size=size, lora=_adapters_of(config))
    return as_the_policy(shape, config)


def as_the_policy(shape: lm.LMConfig, config: ConfigDict) -> lm.LMConfig:
    """The same sizes, computed in the precision and layout that the config says."""
    dtype, stacked = config.model.dtype, lm.LAYERS[config.model.layers]
    return dataclasses.replace(shape, dtype=dtype, stacked=stacked)
