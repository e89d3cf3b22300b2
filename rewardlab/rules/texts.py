"""From a rule for one text to a reward function for a batch."""

from collections.abc import Callable
from typing import Any


def each(rule: Callable[..., float | None], *columns: str) -> Callable[..., list]:
    """A function for `TextReward`: rule(completion, *row's columns) for each row.

    `each(bleu, "references")` scores every completion with the column `references` of
    its prompt.
    """

    def score(
        prompts: list[str],
        completions: list[str],
        completion_ids: list[list[int]] | None = None,
        **facts: list[Any],
    ) -> list[float | None]:
        missing = [name for name in columns if name not in facts]
        if missing:
            raise ValueError(f"no column {missing[0]!r}; have {sorted(facts)}")
        rows = zip(completions, *(facts[name] for name in columns), strict=True)
        return [rule(*row) for row in rows]

    return score
