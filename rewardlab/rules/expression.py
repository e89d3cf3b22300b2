"""Arithmetic written as text, read with a grammar and never evaluated as code."""

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

OPERATORS: dict[type, Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}


def names(text: str) -> set[str]:
    """The names that an expression reads; `ValueError` if it is not an expression."""
    found: set[str] = set()

    def note(name: str) -> float:
        found.add(name)
        return 1.0

    _walk(_parse(text), note, lambda *_: 1.0)
    return found


def calculate(text: str, values: Mapping[str, Any]) -> Any:
    """The value of names, numbers, + - * / ** and parentheses, for floats or arrays.

    Numbers are floats, so no power grows without end. Raises `ValueError` for text
    outside the grammar or an unknown name, and what the arithmetic raises.
    """

    def look(name: str) -> Any:
        if name not in values:
            raise ValueError(f"no {name!r} in {text!r}; have {sorted(values)}")
        return values[name]

    return _walk(_parse(text), look, lambda f, *sides: f(*sides))


def calculate_or_zero(text: str, values: Mapping[str, float]) -> float:
    """As `calculate`, and 0 for whatever fails or is not a finite number."""
    try:
        result = float(calculate(text, values))
    except (ValueError, ArithmeticError, TypeError):
        return 0.0
    return result if math.isfinite(result) else 0.0


def _parse(text: str) -> ast.expr:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, RecursionError, MemoryError):
        raise ValueError(f"this is not an expression: {text!r}") from None


def _walk(node: ast.expr, look: Callable, apply: Callable) -> Any:
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        left, right = (_walk(side, look, apply) for side in (node.left, node.right))
        return apply(OPERATORS[type(node.op)], left, right)
    if isinstance(node, ast.UnaryOp) and type(node.op) in OPERATORS:
        return apply(OPERATORS[type(node.op)], _walk(node.operand, look, apply))
    if isinstance(node, ast.Name):
        return look(node.id)
    number = node.value if isinstance(node, ast.Constant) else None
    if isinstance(number, int | float) and not isinstance(number, bool):
        return float(number)
    raise ValueError(
        f"{ast.unparse(node)!r} is not a name, a number, or one of + - * / **"
    )
