"""Rewards of texts by their names: functions of yours, and verifiers of ours."""

from collections.abc import Callable, Sequence
from typing import Any

from rewardlab.core import sentence
from rewardlab.core.lookup import imported, place_of
from rewardlab.core.tree import Tree
from rewardlab.methods.sentence import WORDS
from rewardlab.rules.texts import own_words
from rewardlab.scorers.sentence import reads_text, texts_of, tree_of
from rewardlab.scorers.text_rewards import TextReward
from rewardlab.scorers.verifier import Case, Verifier
from rewardlab.scorers.verifiers import VERIFIERS


def functions_of(text: str) -> list[TextReward]:
    """What a text names: `checks:exact`, or words of `scorers` that judge by rule.

    functions_of("exact('answer') | checks:short") has two.  Empty for what is no such
    thing: the name of a method, a sentence of rewards.
    """
    if not _is_named(text):
        return []
    found = list(texts_of(text))
    for part in tree_of(text).parts:
        if part.word in VERIFIERS:
            found += _of_word(part)
    return found


def _is_named(text: str) -> bool:
    first = text.strip().split("(")[0].split("|")[0].strip()
    if place := place_of(first, "reward"):
        return reads_text(imported(place, "reward"))
    return first in VERIFIERS and first not in WORDS


def _of_word(part: Tree) -> list[TextReward]:
    """A function for each signal that the word makes."""
    made: Any = sentence.build(part)
    if not isinstance(made, Verifier):
        raise ValueError(
            f"{part.word} is no rule that reads one completion at a time, so no law is "
            "tried on it"
        )
    return [TextReward(name, _function(made, name)) for name in made.provides]


def _function(word: Verifier, signal: str) -> Callable[..., list[Any]]:
    def reward(completions: Sequence[Any], **columns: Any) -> list[Any]:
        facts = [columns[name] for name in word.columns]
        return [
            _judged(word, signal, text, row)
            for text, *row in zip(completions, *facts, strict=True)
        ]

    return reward


def _judged(word: Verifier, signal: str, text: Any, facts: list[Any]) -> Any:
    """A number, None, or for that row alone what the rule raised."""
    try:
        said = word.judge(Case(own_words(text), 0), *facts)
        return None if said is None else said[signal]
    except Exception as error:
        return error
