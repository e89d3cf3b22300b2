"""Countdown: an expression that uses the given numbers, each once, for a target."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from rewardlab.rules.expression import BINARY, Operator, steps


def solves(text: str, numbers: Sequence[int], target: int) -> bool:
    """Whether the text is such an expression, worked out in fractions.

    solves("(25 + 3) * 8", [3, 8, 25], 224) is True

    Anything but whole numbers, + - * / and brackets is no solution; nothing is worked
    out before the numbers are known to be the given ones, so no text takes long.
    """
    try:
        order = steps(text)
    except ValueError:
        return False
    used = [step for step in order if isinstance(step, float)]
    if sorted(used) != sorted(map(float, numbers)):
        return False
    stack: list[Any] = []
    for step in order:
        if isinstance(step, str) or step == BINARY["**"]:
            return False
        if not isinstance(step, Operator):
            stack.append(Fraction(step))
            continue
        sides = stack[-step.sides :]
        try:
            stack[-step.sides :] = [step.apply(*sides)]
        except ZeroDivisionError:
            return False
    return stack == [target]
