"""Sections of a config become methods and optimizers."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import jax
import optax
from jaxtyping import Array, Float
from ml_collections import ConfigDict

from rewardlab.core import sentence
from rewardlab.core.clipping import clip_by_norm
from rewardlab.core.tree import Tree
from rewardlab.core.types import RewardTransform
from rewardlab.methods import Method, method_of
from rewardlab.objectives import Objective, compared_tokens, refuse_reversed
from rewardlab.objectives.updates import Updates
from rewardlab.selection import words_of
from rewardlab.selection.brings import Brings

OPTIMIZERS = {
    "adamw": lambda rate, c: optax.adamw(rate, c.b1, c.b2, weight_decay=c.weight_decay),
    "adam": lambda rate, c: optax.adam(rate, c.b1, c.b2),
    "sgd": lambda rate, c: optax.sgd(rate, c.b1),
    "lion": lambda rate, c: optax.lion(rate, c.b1, c.b2),
}
SCHEDULES = {
    "constant": lambda lr, steps: optax.constant_schedule(lr),
    "linear": lambda lr, steps: optax.linear_schedule(lr, 0.0, steps),
    "cosine": lambda lr, steps: optax.cosine_decay_schedule(lr, steps),
}


def method_in(config: ConfigDict) -> Method:
    """What the config trains by: a method, or the usual one round a sentence, with
    each sentence and each value that the config says in the place of its own."""
    method = method_of(config.reward)
    values = {k: x for k, x in config.hp.items() if x is not None}
    return dataclasses.replace(
        method,
        loss=config.loss or method.loss,
        select=method.select if config.select is None else config.select,
        updates=config.updates or method.updates,
        hp={**method.hp, **values},
    )


def transform_of(config: ConfigDict) -> RewardTransform:
    """What the reward of a config says."""
    return method_in(config).build()


def reward_of(config: ConfigDict) -> Tree:
    """The sentence of the reward."""
    tree = method_in(config).tree("reward")
    assert tree is not None, "a method has a reward"
    return tree


def sentence_of(
    config: ConfigDict,
) -> Callable[[Mapping[str, Any]], RewardTransform]:
    """The sentence of the reward, as a function of the numbers that are traced."""
    tree = reward_of(config)
    return lambda hp: sentence.build(tree, hp, "reward")


def loss_of(config: ConfigDict) -> Tree:
    """The loss: what the config says, and else its method."""
    tree = method_in(config).tree("loss")
    assert tree is not None, "a method has a loss"
    return tree


def select_of(config: ConfigDict) -> str:
    """Which rows are learned from: what the config says, and else its method."""
    return method_in(config).said("select")


def updates_of(config: ConfigDict) -> Updates:
    """How often a rollout is learned from; once unless something says more."""
    tree = method_in(config).tree("updates")
    return sentence.build(tree) if tree else Updates()


def compares_finely(config: ConfigDict) -> bool:
    """Whether the policy is compared with a sampler that is too coarse.

    At a whole rollout's first update the old log-probs are its own pass's; those of the
    mini-batches, of rows that come from elsewhere, and of other tokens than the sampled
    ones, are made before it. A sampler on a CPU in float32 is as exact.
    """
    exact = config.model.dtype == "float32" and jax.default_backend() == "cpu"
    keeps = any(isinstance(word, Brings) for word in words_of(select_of(config)))
    keeps |= compared_tokens(loss_of(config)) is not None
    return (keeps or updates_of(config).mini_batches > 1) and not exact


def reads_of_loss(config: ConfigDict) -> set[str]:
    """The signals that the loss reads."""
    return sentence.reads(loss_of(config))


def build_objective(
    config: ConfigDict, numbers: Mapping[str, Any] | None = None
) -> Objective:
    """What the loss of a config says, with `numbers` for those of its `literals`."""
    tree = loss_of(config)
    refuse_reversed(tree)
    return sentence.build(tree, numbers, "loss")


def unused(config: ConfigDict) -> list[str]:
    """The names in `hp` that no sentence of the config has.

    A row's own value may stand there although the config has another sentence.
    """
    method, known = method_in(config), method_of(config.reward).hp
    said = config.hp.items()
    return sorted(
        name
        for name, value in said
        if name not in method.names and not (name in known and known[name] == value)
    )


def build_optimizer(
    config: ConfigDict, lr: float | Float[Array, ""] | None = None, devices: int = 1
) -> optax.GradientTransformation:
    """Clipping by global norm (a norm of 0: none), then the optimizer on its schedule.

    It moves each number by itself. `lr`, if it is traced, stands for that of the
    config. A schedule counts optimizer steps, of which a rollout may have several.
    """
    updates = updates_of(config).fitted(config.rollout.num_prompts // devices)
    c, steps = config.optim, config.train.max_steps * updates.steps
    lr = c.lr if lr is None else lr
    rate = SCHEDULES[c.schedule](lr, max(steps - c.warmup_steps, 1))
    if c.warmup_steps:
        ramp = optax.linear_schedule(0.0, lr, c.warmup_steps)
        rate = optax.join_schedules([ramp, rate], [c.warmup_steps])
    norm = c.max_grad_norm
    clip = clip_by_norm(norm) if norm else optax.identity()
    return optax.chain(clip, OPTIMIZERS[c.name](rate, c))
