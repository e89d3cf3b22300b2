"""Sentences of transforms: a method's reward, joined by `|`.

    build("outcome('correct') | center_by_group() | broadcast_to_tokens()")

A quoted name is a signal or a channel; a bare name is a hyperparameter. A coefficient
may be a schedule: `weighted_sum(correct=1, prm=linear(1, 0, 500))`.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

from rewardlab.contrib import CONTRIB, LATER
from rewardlab.core import sentence
from rewardlab.core.compose import chain, only
from rewardlab.core.sentence import Language
from rewardlab.core.tree import PIPE, Tree, with_values
from rewardlab.core.types import Reward, RewardTransform, Rollout, Table
from rewardlab.methods.observed import foreign, observed
from rewardlab.transforms import BASELINES, CREDIT, TRANSFORMS, WEIGHTS
from rewardlab.transforms.shapers import shift

WORDS: Table = {**TRANSFORMS, **CONTRIB}
TRANSFORM = Language("transform", WORDS, chain)


def build(text: str, **hp: Any) -> RewardTransform:
    """The transform that a sentence says, with the values of its bare names in `hp`.

    Raises `ValueError`, in one sentence, for text that is not a sentence, an unknown
    transform or hyperparameter, an unused hyperparameter, or wrong arguments.
    """
    tree = sentence.fill(sentence.parse(text, TRANSFORM), hp)
    sentence.refuse_unused(hp, tree)
    return sentence.build(tree)


def describe(transform: RewardTransform) -> str:
    """The sentence of a transform: `build(describe(t))` behaves as `t` does."""
    return transform.sentence


def hyperparameters(text: str) -> set[str]:
    """The bare names that a sentence needs values for; `ValueError` if it is none."""
    return sentence.hyperparameters(sentence.parse(text, TRANSFORM))


def reads(transform: RewardTransform) -> set[str]:
    """The names of the signals that a transform reads, from its sentence.

    They are the arguments that a word annotates as `SignalName`, and what a word of
    one's own asks for as it runs on shapes; `name_valid` is read too where it exists.
    """
    found = sentence.reads(transform.tree) if transform.tree else set()
    return found | observed(transform) if foreign(transform) else found


def shaped_reward(transform: RewardTransform) -> Callable[[Any, Rollout], Reward]:
    """The reward that a sentence trains on: it without baselines, credit and weights.

    A part in which one of these stands, as in `on('prm', whiten())`, is left out. A
    word that joins channels stays, without what it does to each of them first.
    """
    parts = [_shaping(part) for part in transform.parts or (transform,)]

    def reward(state: Any, rollout: Rollout) -> Reward:
        rewards: Any = {}
        states = state if transform.parts else (state,)
        for part, own in zip(parts, states, strict=True):
            if part is not None:
                rewards, _ = part.update(rewards, own, rollout)
        return only(rewards)

    return reward


def expected_reward(
    transform: RewardTransform, signal: str
) -> Callable[[Any, Rollout], Reward]:
    """What a critic learns to expect: the one channel that reaches the first word that
    reads its `signal`; the `shaped_reward` where none does, or several channels."""
    shaped, parts = shaped_reward(transform), transform.parts or (transform,)
    before = next((i for i, part in enumerate(parts) if signal in reads(part)), 0)

    def reward(state: Any, rollout: Rollout) -> Reward:
        rewards: Any = {}
        states = state if transform.parts else (state,)
        for part, own in zip(parts[:before], states[:before], strict=True):
            rewards, _ = part.update(rewards, own, rollout)
        return only(rewards) if len(rewards) == 1 else shaped(state, rollout)

    return reward


_LATER = {*BASELINES, *CREDIT, *WEIGHTS, *LATER}
_ON_ONE = {"on", "gate"}  # they act where they are told and join nothing


def _shaping(part: RewardTransform) -> RewardTransform | None:
    """A part without the words of `_LATER`; None if nothing is left of it."""
    tree = part.tree
    if tree is None or not _comes_later(tree):
        return part
    if tree.word in _LATER | _ON_ONE:
        return None
    args = tuple(map(_before, tree.args))
    return sentence.build(dataclasses.replace(tree, args=args))


def _before(value: Any) -> Any:
    """An argument that does nothing where `_LATER` begins; of a chain, those parts."""
    if not _comes_later(value):
        return value
    if value.word == PIPE:
        return with_values(value, map(_before, value.args))
    return shift(0).tree  # whatever state it is handed


def _comes_later(tree: Any) -> bool:
    words = tree.words if isinstance(tree, Tree) else ()
    return any(word.word in _LATER for word in words)
