"""The sentence of `scorers`: words joined by `|`, each a maker of signals.

    reference(temperature=1, signal='base_logp') | my.judges:polite(time_limit=10)

`package.module:attribute` may be a word of one's own, which gives a function of the
`Setting`, a `Scorer`, or a plain function that reads text, as `TextReward` says.
"""

import inspect
import re
from collections.abc import Mapping
from typing import Any

from rewardlab.core import sentence
from rewardlab.core.grammar import bare_names, shown
from rewardlab.core.literals import put
from rewardlab.core.sentence import Language
from rewardlab.core.tree import PIPE, Tree
from rewardlab.data.columns import ASKED
from rewardlab.methods.method import Method
from rewardlab.scorers import SCORERS
from rewardlab.scorers.named_rewards import TOLD
from rewardlab.scorers.protocol import Scorer, Setting
from rewardlab.scorers.reward_words import INSIDE
from rewardlab.scorers.text_rewards import TextReward, text_scorer
from rewardlab.scorers.verifiers import VERIFIERS

SCORER = Language("scorer", {**INSIDE, **SCORERS}, lambda *scorers: scorers)
_BARE = re.compile(r"([A-Za-z_][\w.]*:[A-Za-z_][\w.]*)(?![\w.]*\s*\()")


def scorers_of(
    text: str, setting: Setting, numbers: Mapping[str, Any] | None = None
) -> tuple[Scorer, ...]:
    """The scorers of a sentence; `ValueError`, in one sentence, for what is none.

    `numbers` stand in the place of those of its `literals`, under the path `scorers`.
    """
    parts = tree_of(text).parts if text.strip() else ()
    plain = tuple(_scorer(part, setting) for part in parts)
    words = words_of(text)
    if words is None or not numbers:
        return plain
    filled = iter(put(words, numbers, "scorers").parts)
    again = [next(filled) if _has_numbers(part) else part for part in parts]
    return tuple(  # Python reads the numbers of what it is asked as they are
        scorer if scorer.place == "host" else _scorer(part, setting)
        for scorer, part in zip(plain, again, strict=True)
    )


def brought_by(method: Method) -> str:
    """The sentence of a row's own scorers, with the values of its bare names."""
    if not bare_names(method.scorers):
        return method.scorers
    return str(sentence.fill(tree_of(method.scorers), method.hp))


def tree_of(text: str) -> Tree:
    """The tree of a sentence; a path without brackets is a word without arguments."""
    return sentence.parse(_BARE.sub(r"\1()", text), SCORER)


def words_of(text: str) -> Tree | None:
    """What of a sentence has numbers to be traced: what reads text has none."""
    parts = tree_of(text).parts if text.strip() else ()
    words = tuple(filter(_has_numbers, parts))
    return Tree(PIPE, SCORER.join, words) if words else None


def _has_numbers(part: Tree) -> bool:
    return part.word not in VERIFIERS and not reads_text(part.make)


def texts_of(text: str) -> list[TextReward]:
    """The text rewards among the words of a sentence."""
    parts = tree_of(text).parts if text.strip() else ()
    return [_told(part) for part in parts if reads_text(part.make)]


def reads_text(thing: Any) -> bool:
    """Whether it is a text reward, by what it can be called with."""
    if isinstance(thing, TextReward):
        return True
    if isinstance(thing, Scorer) or isinstance(thing, type) or not callable(thing):
        return False
    try:
        parameters = inspect.signature(thing).parameters
    except (TypeError, ValueError):
        return False
    rest = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    return rest or not parameters.keys().isdisjoint(("prompts", *ASKED))


def _scorer(part: Tree, setting: Setting) -> Scorer:
    thing = part.make
    if reads_text(thing):
        return text_scorer(_told(part), setting.tokenizer)
    made: Any = thing
    if not isinstance(thing, Scorer):
        made = sentence.build(part)  # which checks its arguments
    if callable(made) and not isinstance(made, Scorer):
        made = made(setting)
    if not isinstance(made, Scorer):
        raise ValueError(
            f"{shown(str(part))} gives a {type(made).__name__} and no Scorer; let it "
            "give a Scorer, or a function of the Setting that does"
        )
    return made


def _told(part: Tree) -> TextReward:
    found: Any = part.make
    if part.args or not set(part.kwargs) <= set(TOLD):
        raise ValueError(
            f"{shown(str(part))} is not understood; in the brackets after "
            f"package.module:function there may be {', '.join(TOLD)}, as in (steps=7)"
        )
    if not isinstance(found, TextReward):
        found = TextReward(part.word.rpartition(":")[2].rpartition(".")[2], found)
    return found._replace(**part.kwargs)
