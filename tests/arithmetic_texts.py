"""The arithmetic verifier and its process reward again, as rewards that read text."""

import re
from typing import Any

from rewardlab.tasks.arithmetic.verifier import (
    MAX_DIGITS,
    PRM_RIGHT,
    PRM_WRONG,
    TOKENIZER,
)

NUMBER = rf"(0|[1-9][0-9]{{0,{MAX_DIGITS - 1}}})"
EQUATION = re.compile(rf"{NUMBER}\+{NUMBER}={NUMBER}")
COMPLETION = re.compile(rf"(?:{EQUATION.pattern};)*#{NUMBER}")


def correct(
    prompts: list[str],
    completions: list[str],
    completion_ids: list[list[int]],
    answer: list[int],
    **columns: Any,
) -> list[float]:
    """1 for whole equations, the right answer and an end, else 0."""
    verdicts = []
    for text, ids, wanted in zip(completions, completion_ids, answer, strict=True):
        match = COMPLETION.fullmatch(text) if TOKENIZER.eos_ids[0] in ids[-1:] else None
        verdicts.append(float(match is not None and int(match[4]) == wanted))
    return verdicts


def prm(
    prompts: list[str],
    completions: list[str],
    completion_ids: list[list[int]],
    **columns: Any,
) -> list[list[float | None]]:
    """A number for each step that has ended; the answer's is `None`."""
    rewards = []
    for text, ids in zip(completions, completion_ids, strict=True):
        *steps, rest = text.split(";")
        if TOKENIZER.eos_ids[0] in ids[-1:]:
            steps.append(rest + "<eos>")
        rewards.append([_step(step) for step in steps])
    return rewards


def _step(text: str) -> float | None:
    if text.startswith("#"):
        return None
    match = EQUATION.fullmatch(text)
    holds = match is not None and int(match[1]) + int(match[2]) == int(match[3])
    return PRM_RIGHT if holds else PRM_WRONG
