"""ToolRL's rewards on text: format, correctness and length (2504.13958).

The total is their sum, format in [0, 1], correctness in [-3, 3] and, if wanted, length
in [0, 1]. There is no gate: calls can be right in a text of the wrong format.
"""

import json
import re
from typing import NamedTuple

from rewardlab.core.intervals import need
from rewardlab.rules.tool_calls import Call, Rule, between, graded_calls


class Ranges(NamedTuple):
    """The least and the greatest format and correctness rewards."""

    format: tuple[float, float] = (0.0, 1.0)
    correctness: tuple[float, float] = (-3.0, 3.0)


PLAIN = Ranges()
EQUAL_WEIGHT = Ranges(correctness=(-1.0, 1.0))
STEPS = 150  # over which the smooth schedule runs


def two_stages(step: int, ranges: Ranges = PLAIN) -> Ranges:
    """A third of the correctness before step 30, half of the format from it on."""
    if step < 30:
        low, high = ranges.correctness
        return ranges._replace(correctness=(low / 3, high / 3))
    low, high = ranges.format
    return ranges._replace(format=(low / 2, high / 2))


def smooth_stages(step: int, ranges: Ranges = PLAIN) -> Ranges:
    """Format from [-2, 2] to [-1, 1], correctness from there to [-3, 3], linearly."""
    done = step / STEPS
    (low, high), (least, most) = ranges
    return Ranges(
        (min(-2 + (2 + low) * done, -1.0), max(2 - (2 - high) * done, 1.0)),
        (max(-2 + (least + 2) * done, -3.0), min(2 + (most - 2) * done, 3.0)),
    )


def has_format(text: str, answer: str) -> bool:
    """Whether a text is <think>, then the calls and the response that the answer has.

    Each block but the first must stand there exactly once. A response-only answer is
    not met by a text that calls a tool.
    """
    blocks = {"tool_call": r"\n.*?\n", "response": ".*?"}
    wanted = [tag for tag in blocks if f"<{tag}>" in answer]
    parts = ["<think>.*?</think>", *(f"<{t}>{blocks[t]}</{t}>" for t in wanted)]
    once = all(text.count(f"<{t}>") == text.count(f"</{t}>") == 1 for t in wanted)
    return once and re.search("^" + "\n".join(parts) + "$", text, re.DOTALL) is not None


def calls_in(text: str) -> list[Call]:
    """The calls of the first <tool_call> block, one JSON object a line.

    `ValueError` for a text without a block, or one that cannot be read.
    """
    _, found, after = text.partition("<tool_call>")
    if not found:
        raise ValueError("no <tool_call> in the text")
    try:
        block = after.split("</tool_call>", maxsplit=1)[0]
        return [json.loads(line) for line in block.strip().split("\n")]
    except RecursionError:
        raise ValueError("the calls are nested too deeply to be read") from None


def correctness(
    text: str,
    answer: str,
    range_: tuple[float, float] = (-3.0, 3.0),
    rule: Rule = graded_calls,
) -> float:
    """The share of the calls that is right, stretched over the range.

    0 if the answer has no call, whatever the text calls; the least if the text's calls
    cannot be read.
    """
    if "<tool_call>" not in answer:
        return 0.0
    truth = calls_in(answer)
    if "<tool_call>" not in text or "</tool_call>" not in text:
        return range_[0]
    try:
        return between(*range_, rule(truth, calls_in(text)))
    except (ValueError, KeyError, TypeError, AttributeError):
        return range_[0]


def thinking_length(text: str, full: float = 512.0) -> float:
    """min(words of the last <think> / full, 1), to 2 decimals; 0 without one."""
    need("thinking_length", "(0, inf)", full=full)
    if "<think>" not in text or "</think>" not in text:
        return 0.0
    thought = text.split("<think>")[-1].split("</think>")[0]
    return min(round(len(thought.split()) / full, 2), 1.0)


def growing_length(step: int) -> float:
    """384 + (640 - 384) step / 105: the words that are worth a whole length reward."""
    return 384 + (640 - 384) * step / 105
