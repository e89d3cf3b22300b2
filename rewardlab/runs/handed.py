"""What comes in as an object goes on under a name that a config can have.

The name is `package.module:attribute` where that is the very object, so that another
process finds it too, and else `given:NAME`, which means something until `train` ends.
"""

import contextlib
import copy
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

from ml_collections import ConfigDict

from rewardlab.core.lookup import (
    GIVEN,
    handing,
    imported,
    module_named,
    name_of,
    place_of,
    words_in,
)
from rewardlab.core.schedules import SCHEDULES
from rewardlab.core.tree import Tree
from rewardlab.core.types import RewardTransform
from rewardlab.methods import resolve
from rewardlab.methods.sentence import WORDS
from rewardlab.objectives import LOSSES, Objective
from rewardlab.runs.config import name_hyperparameters, use_reward, use_task
from rewardlab.selection import SELECTORS
from rewardlab.tasks import Task

Words = ModuleType | Mapping[str, Any] | str  # or a module's name


@contextlib.contextmanager
def handed(
    config: ConfigDict,
    task: "Task | str | None" = None,
    reward: "RewardTransform | str | None" = None,
    loss: "Objective | str | None" = None,
    words: "Words | Sequence[Words]" = (),
) -> Iterator[ConfigDict]:
    """A config that names these, and in which the names mean them meanwhile.

    What is None is as the config says. The config that is given stays as it is.
    """
    config, objects = copy.deepcopy(config), dict[str, Any]()
    for holder in (words,) if isinstance(words, str | ModuleType | Mapping) else words:
        config.words = (*config.words, *_words_named(holder, objects))
    if task is not None:
        name = task if isinstance(task, str) else name_of(task) or f"{GIVEN}:task"
        objects |= {} if isinstance(task, str) else {f"{GIVEN}:task": task}
        if config.task.name != name:
            use_task(config, task)
    if reward is not None:
        with handing(objects), at_hand(config):
            sentence = reward_named(reward, objects)
        with handing(objects), at_hand(config):
            use_reward(config, sentence)
    if loss is not None:
        config.loss = loss if isinstance(loss, str) else f"{GIVEN}:loss()"
        objects |= {f"{GIVEN}:loss": lambda: loss}
        name_hyperparameters(config)
    with handing(objects), at_hand(config):
        yield config


@contextlib.contextmanager
def at_hand(config: ConfigDict) -> Iterator[None]:
    """Sentences may use the words of `config.words` meanwhile.

    `ValueError` for a module that cannot be imported, and for a word that is built in.
    """
    found: dict[str, Any] = {}
    for name in config.words:
        if (place := place_of(name, "word")) is None:
            found |= words_in(module_named(name, "the module of words"))
        elif place.module != GIVEN:  # what is handed over is known already
            found[place.attribute] = imported(place, "word")
    with handing(_new(found)):
        yield


def _words_named(words: Words, objects: dict[str, Any]) -> list[str]:
    """The names of a module, or of the words of a mapping."""
    if isinstance(words, str | ModuleType):
        return [words if isinstance(words, str) else words.__name__]
    objects |= _new(words)
    paths = {name: name_of(word) for name, word in words.items()}
    return [
        path if path.endswith(f":{name}") else f"{GIVEN}:{name}"
        for name, path in paths.items()
    ]


def _new(words: Mapping[str, Any]) -> Mapping[str, Any]:
    if taken := sorted(set(words) & {*WORDS, *LOSSES, *SELECTORS, *SCHEDULES}):
        raise ValueError(
            f"the word {taken[0]!r} of yours has a name that is built in; give it "
            "another"
        )
    return words


def reward_named(reward: "RewardTransform | str", objects: dict[str, Any]) -> str:
    """The sentence of a transform; a path, or `given:reward`, where there is none."""
    if isinstance(reward, str):
        return reward
    if not isinstance(reward, RewardTransform):
        raise ValueError(
            f"reward={reward!r} is no RewardTransform, such as chain(...) makes, and "
            "no sentence; give one of them"
        )
    text = str(_with_paths(reward.tree)) if reward.tree else ""
    with contextlib.suppress(ValueError):  # a part that has no name
        if text and resolve(text).sentence == text:
            return text
    if path := name_of(reward):
        return f"{path}()"
    objects[f"{GIVEN}:reward"] = reward
    return f"{GIVEN}:reward()"


def _with_paths(tree: Tree) -> Tree:
    """The tree with words of one's own under their paths."""

    def renamed(value: Any) -> Any:
        return _with_paths(value) if isinstance(value, Tree) else value

    args = tuple(map(renamed, tree.args))
    kwargs = {name: renamed(value) for name, value in tree.kwargs.items()}
    known = tree.word in {*WORDS, *SCHEDULES, "|"} or ":" in tree.word
    word = tree.word if known else name_of(tree.make) or tree.word
    return dataclasses.replace(tree, word=word, args=args, kwargs=kwargs)
