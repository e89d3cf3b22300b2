"""Kept steps under another sentence: the run's own programs on what a bundle has."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Bool
from ml_collections import ConfigDict

from rewardlab.core.compose import estimator, only
from rewardlab.core.literals import arrays, literals
from rewardlab.core.stages import words
from rewardlab.core.types import Reward, Rollout
from rewardlab.methods import reads
from rewardlab.methods.sentence import shaped_reward
from rewardlab.runs.builders import reward_of, select_of, sentence_of, transform_of
from rewardlab.runs.bundle import Bundle, named_leaves
from rewardlab.runs.completions import Worth
from rewardlab.runs.worth import stages_with, worth_of
from rewardlab.scorers.makers import makers_of
from rewardlab.selection import select_rows


class Again(NamedTuple):
    """A kept step, and what its rollout is worth under a sentence."""

    kept: Bundle
    worth: Worth

    @property
    def mask(self) -> Bool[np.ndarray, "N T"]:
        """The policy's tokens in rows that are learned from."""
        return np.asarray(self.kept.rollout.mask) & self.worth.kept[:, None]


class Rescorer:
    """A sentence at work on bundles, handed in in order, of which it is given the rows
    that the run's `select` kept.

    As long as its words are those of the run's sentence, their states are the run's
    own; from the first other word on a state begins anew at the first bundle, and goes
    from each bundle to the next.
    """

    def __init__(self, config: ConfigDict) -> None:
        self.transform = transform_of(config)
        self.words = words(self.transform)
        self.numbers = arrays(literals(reward_of(config), "reward"))
        self.anew: tuple[str, ...] = ()  # words whose states are not the run's
        self.state: Any = None
        sentence, select = sentence_of(config), select_rows(select_of(config))
        self.stages = stages_with(sentence, select)

        def beside(
            state: Any, rollout: Rollout, hp: Mapping[str, Any]
        ) -> tuple[Reward, Any]:
            reward = shaped_reward(sentence(hp))(state, rollout)
            seen = select(rollout) if select else rollout
            return reward, estimator(sentence(hp)).update({}, state, seen)[1]

        self.beside = jax.jit(beside)

    def __call__(self, kept: Bundle) -> Again:
        """What the next bundle's rollout is worth."""
        state, rollout = self.before(kept), kept.rollout
        stages = jax.device_get(self.stages(state, rollout, self.numbers))
        reward, after = jax.device_get(self.beside(state, rollout, self.numbers))
        value = np.asarray(only(stages.channels[-1]).value)
        seen = rollout.mask & stages.kept[:, None]
        advantage = np.where(seen, value, np.zeros((), value.dtype))
        self.state = after if np.all(np.isfinite(advantage)) else state
        return Again(kept, worth_of(advantage, reward, stages, self.words))

    def before(self, kept: Bundle) -> Any:
        """The state of each word, the run's own as far as the words are."""
        self._refuse_lacking(kept)
        state = self.state
        if state is None:
            state = estimator(self.transform).init(kept.rollout)
        same = _length_of_common(self.words, kept.words)
        chained = bool(self.transform.parts)
        states = state if chained else (state,)
        pairs = list(zip(self.words, states, strict=True))[same:]
        self.anew = tuple(word for word, own in pairs if jax.tree.leaves(own))
        named = named_leaves(state)

        def leaf(name: str) -> Any:
            number = int(name.partition(".")[0]) if chained else 0
            return kept.state[name] if number < same else named[name]

        return jax.tree.unflatten(jax.tree.structure(state), map(leaf, named))

    def _refuse_lacking(self, kept: Bundle) -> None:
        """`ValueError` for a signal that is read and not there."""
        have = kept.rollout.signals
        for name in sorted(reads(self.transform) - {*have}):
            shown = [x for x in sorted(have) if not x.endswith(_COMPANIONS)]
            raise ValueError(
                f"the sentence reads the signal {name!r}, which step {kept.step} of "
                f"this run's bundle lacks{_made(name)}; it has {', '.join(shown)}"
            )


_COMPANIONS = ("_valid", "_error", "_timeout")


def _made(name: str) -> str:
    """Who would make a signal, as a part of a sentence."""
    way, who = makers_of(name)
    if way == "scorers":
        said = " or ".join(f'--config.scorers="{text}"' for text in who[:3])
        return f" (a run that reads it makes it, or one with {said})"
    if way == "tasks":
        return f" (runs make it with task.name={' or '.join(map(repr, who[:6]))})"
    return f" (it waits for {who[0]})" if who else ""


def _length_of_common(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    """How many words are equal from the beginning on; of a sentence of one word, whose
    state has another place, all or none."""
    if one != other and 1 in (len(one), len(other)):
        return 0
    pairs = enumerate(zip(one, other, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(one), len(other)))
