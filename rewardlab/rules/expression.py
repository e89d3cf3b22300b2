"""Arithmetic written as text, read with a grammar and never evaluated as code."""

import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

DEEPEST = 200  # parentheses within parentheses, as many as Python reads
_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[^\W\d]\w*)|(?P<sign>\*\*|[-+*/()]))"
)


class Operator(NamedTuple):
    """What it does, to how many numbers, and how tightly it binds."""

    apply: Callable[..., Any]
    sides: int
    binds: int


BINARY = {
    "+": Operator(operator.add, 2, 1),
    "-": Operator(operator.sub, 2, 1),
    "*": Operator(operator.mul, 2, 2),
    "/": Operator(operator.truediv, 2, 2),
    "**": Operator(operator.pow, 2, 4),
}
UNARY = {"+": Operator(operator.pos, 1, 3), "-": Operator(operator.neg, 1, 3)}
RESERVED = {"and", "or", "not", "in", "is", "if", "else", "lambda", "await", "yield"}
RESERVED |= {"for", "True", "False", "None"}  # no channel is named so
Step = float | str | Operator  # a number, a name, or what is done to the last ones


def names(text: str) -> set[str]:
    """The names that an expression reads; `ValueError` if it is not an expression."""
    return {step for step in steps(text) if isinstance(step, str)}


def calculate(text: str, values: Mapping[str, Any]) -> Any:
    """The value of names, numbers, + - * / ** and parentheses, for floats or arrays.

    Numbers are floats, so no power grows without end. Raises `ValueError` for text
    outside the grammar or an unknown name, and what the arithmetic raises.
    """
    stack: list[Any] = []
    for step in steps(text):
        if isinstance(step, Operator):
            sides = stack[-step.sides :]
            stack[-step.sides :] = [step.apply(*sides)]
        elif isinstance(step, str):
            if step not in values:
                raise ValueError(f"no {step!r} in {_cut(text)}; have {sorted(values)}")
            stack.append(values[step])
        else:
            stack.append(step)
    return stack[0]


def calculate_or_zero(text: str, values: Mapping[str, float]) -> float:
    """As `calculate`, and 0 for whatever fails or is not a finite number."""
    try:
        result = float(calculate(text, values))
    except (ValueError, ArithmeticError, TypeError):
        return 0.0
    return result if math.isfinite(result) else 0.0


def steps(text: str) -> list[Step]:
    """The expression in the order in which it is worked out (Dijkstra's shunting yard).

    No recursion, so that an expression may be as long as it likes.
    """
    order: list[Step] = []
    waiting: list[Operator | None] = []  # None is an open parenthesis
    value_next, depth = True, 0
    for kind, token in _tokens(text):
        if value_next and kind != "sign":
            order.append(_read(kind, token, text))
            value_next = False
        elif value_next and token == "(":
            waiting.append(None)
            depth += 1
            if depth > DEEPEST:
                raise _refusal(text)
        elif value_next and token in UNARY:
            waiting.append(UNARY[token])
        elif not value_next and token in BINARY:
            found = BINARY[token]
            order += _before(waiting, found.binds + (token == "**"))
            waiting.append(found)
            value_next = True
        elif not value_next and token == ")":
            order += _before(waiting, 0)
            if not waiting:
                raise _refusal(text)
            waiting.pop()
            depth -= 1
        else:
            raise _refusal(text)
    order += _before(waiting, 0)
    if value_next or waiting:
        raise _refusal(text)
    return order


def _before(waiting: list[Operator | None], binds: int) -> Iterator[Operator]:
    """Takes from the end what binds at least so tightly, up to a parenthesis."""
    while waiting and (last := waiting[-1]) is not None and last.binds >= binds:
        waiting.pop()
        yield last


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    text, at = text.strip(), 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise _refusal(text)
        kind, at = str(found.lastgroup), found.end()
        yield kind, found[kind]


def _read(kind: str, token: str, text: str) -> Step:
    if kind == "name":
        if token in RESERVED:
            raise _refusal(text)
        return token
    try:
        return float(token)
    except ValueError:  # 1__0
        raise _refusal(text) from None


def _refusal(text: str) -> ValueError:
    return ValueError(
        f"this is not an expression: {_cut(text)} is not a name, a number, or some of "
        f"them with + - * / ** and parentheses, at most {DEEPEST} deep"
    )


def _cut(text: str, most: int = 80) -> str:
    return repr(text if len(text) <= most else text[:most] + "…")
