"""What comes in as an object goes on under a name that a config can have.

The name is `package.module:attribute` where that is the very object, so that another
process finds it too, and else `given:NAME`, which means something until `train` ends.
"""

import contextlib
import copy
import dataclasses
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

from ml_collections import ConfigDict

from rewardlab.core.lookup import (
    GIVEN,
    handing,
    name_of,
)
from rewardlab.core.schedules import SCHEDULES
from rewardlab.core.tree import Tree
from rewardlab.core.types import RewardTransform
from rewardlab.methods import Method, resolve
from rewardlab.methods.outside import new_words, words_at_hand
from rewardlab.methods.sentence import WORDS
from rewardlab.models.lm import LMConfig, Params
from rewardlab.objectives import Objective
from rewardlab.runs.config import name_hyperparameters, use_reward, use_task
from rewardlab.scorers.protocol import Scorer
from rewardlab.scorers.text_rewards import TextReward
from rewardlab.tasks import Task
from rewardlab.text.tokenizers import Tokenizer

Scorers = TextReward | Scorer | Callable[..., Any] | str
Words = ModuleType | Mapping[str, Any] | str  # or a module's name


@contextlib.contextmanager
def handed(
    config: ConfigDict,
    task: "Task | str | None" = None,
    reward: "RewardTransform | Method | str | None" = None,
    loss: "Objective | str | None" = None,
    scorers: "Scorers | Sequence[Scorers]" = (),
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
        with handing(objects), words_at_hand(config.words):
            sentence = reward_named(reward, objects)
        with handing(objects), words_at_hand(config.words):
            use_reward(config, sentence)
    if loss is not None:
        config.loss = loss if isinstance(loss, str) else f"{GIVEN}:loss()"
        objects |= {f"{GIVEN}:loss": lambda: loss}
        name_hyperparameters(config)
    texts = [_scorer_named(scorer, objects) for scorer in _several(scorers)]
    config.scorers = " | ".join(filter(None, (*texts, config.scorers)))
    with handing(objects), words_at_hand(config.words):
        yield config


@contextlib.contextmanager
def handed_model(
    config: ConfigDict,
    model: "str | os.PathLike | tuple[LMConfig, Params] | None" = None,
    tokenizer: "str | os.PathLike | Tokenizer | None" = None,
) -> Iterator[ConfigDict]:
    """Likewise, of the model that is trained and of its tokenizer."""
    config, objects = copy.deepcopy(config), dict[str, Any]()
    for key, thing in (("name", model), ("tokenizer", tokenizer)):
        if isinstance(thing, str | os.PathLike):
            config.model[key] = os.fspath(thing)
        elif thing is not None:
            kind = "model" if key == "name" else key
            config.model[key] = name_of(thing) or f"{GIVEN}:{kind}"
            objects[f"{GIVEN}:{kind}"] = thing
    with handing(objects):
        yield config


def _words_named(words: Words, objects: dict[str, Any]) -> list[str]:
    """The names of a module, or of the words of a mapping."""
    if isinstance(words, str | ModuleType):
        return [words if isinstance(words, str) else words.__name__]
    names = []
    for name, word in new_words(words).items():
        path = name_of(word)
        if not path.endswith(f":{name}"):
            path = f"{GIVEN}:{name}"
            objects[path] = word
        names.append(path)
    return names


def _several(scorers: "Scorers | Sequence[Scorers]") -> Sequence[Scorers]:
    if isinstance(scorers, TextReward | Scorer | str) or callable(scorers):
        return [scorers]
    return scorers


def _scorer_named(thing: Scorers, objects: dict[str, Any]) -> str:
    """The path of a maker of signals, or `given:NAME`, where NAME is its signal's."""
    if isinstance(thing, str):
        return thing
    if isinstance(thing, TextReward) and not isinstance(thing.name, str):
        raise ValueError(
            f"a text reward is called {thing.name!r}; its name must be text"
        )
    if path := name_of(thing):
        return path
    name = getattr(thing, "name", getattr(thing, "__name__", ""))
    if not name.isidentifier():
        raise ValueError(
            f"the scorer {thing!r} has no name that a signal can have; give it one, as "
            "in TextReward('name', it)"
        )
    objects[f"{GIVEN}:{name}"] = thing
    return f"{GIVEN}:{name}"


def reward_named(
    reward: "RewardTransform | Method | str", objects: dict[str, Any]
) -> str:
    """The sentence of a transform; a path, or `given:reward`, where there is none."""
    if isinstance(reward, str):
        return reward
    if isinstance(reward, Method):
        objects[f"{GIVEN}:reward"] = reward
        return name_of(reward) or f"{GIVEN}:reward"
    if not isinstance(reward, RewardTransform):
        raise ValueError(
            f"reward={reward!r} is no RewardTransform, such as chain(...) makes, no "
            "Method and no sentence; give one of them"
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
