"""A text reward that is asked what completions of examples are worth."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from rewardlab.system.answers import Failure, Row, ask
from rewardlab.testing.rewards.examples import Example

SHOWN = 48  # characters of a text that are printed


class Case(NamedTuple):
    """A completion of an example's problem."""

    example: Example
    text: str

    def __str__(self) -> str:
        return shortened(self.text)


class Reward:
    """A function with TRL's signature, as a run calls it: a batch at a time."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(
        self, cases: Sequence[Case], limit: float = math.inf
    ) -> list[Row | Failure]:
        """What it gives for each; after `limit` seconds it is a time-out."""
        answers = ask(self.function, questions(cases), 0, limit)
        return [answers] * len(cases) if isinstance(answers, Failure) else answers

    def pays(self, *cases: Case) -> list[float] | None:
        """A number for each of them; None if any has none."""
        answers = self(cases)
        numbers = [x for x in answers if isinstance(x, float)]
        return numbers if len(numbers) == len(cases) else None


def questions(cases: Sequence[Case]) -> dict[str, list[Any]]:
    """The arguments of the function; ids are the code points of the text."""
    found: dict[str, list[Any]] = {
        "prompts": [case.example.prompt for case in cases],
        "completions": [_as_prompt(case) for case in cases],
        "completion_ids": [[ord(c) for c in case.text] for case in cases],
    }
    names = cases[0].example.columns
    return {**{k: [c.example.columns[k] for c in cases] for k in names}, **found}


def _as_prompt(case: Case) -> Any:
    """Text, or where the prompt is messages a list of one."""
    if isinstance(case.example.prompt, str):
        return case.text
    return [{"role": "assistant", "content": case.text}]


def shortened(value: Any) -> str:
    """The text in quotes, as short as a line allows."""
    text = repr(value)
    if len(text) <= SHOWN:
        return text
    half = SHOWN // 2 - 2
    length = f"({len(value)} characters)" if isinstance(value, str) else ""
    return f"{text[:half]}...{text[-half:]} {length}".rstrip()


def spoken(answers: Iterable[Row | Failure]) -> str:
    """What was given, as text: numbers, None, or why there is none."""
    said = [x.reason if isinstance(x, Failure) else _said(x) for x in answers]
    return ", ".join(said)


def _said(x: Row) -> str:
    return f"{x:.6g}" if isinstance(x, float) else str(x)
