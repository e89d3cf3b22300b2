"""From a rule for one text to a reward function for a batch."""

from collections.abc import Callable
from typing import Any

from rewardlab.text import Text


def own_words(completion: Text) -> str:
    """What the policy wrote: a text as it is, of messages those of the assistant."""
    if isinstance(completion, str):
        return completion
    own = [m["content"] for m in completion if m["role"] == "assistant"]
    return "".join(own)


def each(rule: Callable[..., float | None], *columns: str) -> Callable[..., list]:
    """A function for `TextReward`: rule(completion, *row's columns) for each row.

    `each(bleu, "references")` scores every completion with the column `references` of
    its prompt. Of an episode the rule sees the policy's own words.
    """

    def score(
        prompts: list[Text],
        completions: list[Text],
        completion_ids: list[list[int]] | None = None,
        **facts: list[Any],
    ) -> list[float | None]:
        missing = [name for name in columns if name not in facts]
        if missing:
            raise ValueError(f"no column {missing[0]!r}; have {sorted(facts)}")
        texts = map(own_words, completions)
        rows = zip(texts, *(facts[name] for name in columns), strict=True)
        return [rule(*row) for row in rows]

    return score
