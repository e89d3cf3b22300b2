"""Atomic checks of an answer, and rewards composed of them by a formula.

DERL (arXiv 2512.13399): a meta-model writes an expression over g1..g4, whose value is
the reward. It is read with a grammar of names, numbers, + - * / ** and parentheses.
"""

import math
import re

import numpy as np

from rewardlab.rules.expression import calculate, calculate_or_zero, names

HIGH, LOW = 1 + 1e-6, 1e-6  # no check gives 0, so quotients of checks exist


def extract(text: str) -> str:
    r"""What follows the first "####", else the last \boxed{...}, else the whole text.

    An unclosed box gives the empty string.
    """
    if found := re.search(r"####\s*(.+)", text):
        return found.group(1).strip()
    start = text.rfind("\\boxed{")
    if start < 0:
        return text.strip()
    depth = 0
    for i in range(start + len("\\boxed"), len(text)):
        depth += (text[i] == "{") - (text[i] == "}")
        if depth == 0:
            return text[start + len("\\boxed{") : i].strip()
    return ""


def checks(text: str, ground_truth: str) -> dict[str, float]:
    r"""g1: the same extracted answer; g2: a \boxed{; g3: two numbered steps or more;
    g4: the extracted truth stands in the text. Each is `HIGH` or `LOW`.

    An empty text or truth is `LOW` throughout. An unclosed box in the truth extracts
    an empty string, which stands in every text.
    """
    if not text or not ground_truth:
        return dict.fromkeys(("g1", "g2", "g3", "g4"), LOW)
    truth = extract(ground_truth)
    items = len(re.findall(r"\b\d+\.\s+", text))
    steps = len(re.findall(r"step \d+", text, re.IGNORECASE))
    passed = {
        "g1": extract(text) == truth,
        "g2": "\\boxed{" in text,
        "g3": items >= 2 or steps >= 2,
        "g4": truth in text,
    }
    return {name: HIGH if ok else LOW for name, ok in passed.items()}


def composed(expression: str, values: dict[str, float]) -> float:
    """The expression's value in float32; 0 for whatever fails or is not finite."""
    with np.errstate(over="ignore"):
        result = float(np.float32(calculate_or_zero(expression, values)))
    return result if math.isfinite(result) else 0.0


def meta_reward(expression: str) -> float:
    """0 for an expression that the meta-model may write, else -1.

    It names a check and is finite at g = (1, 1, 1e-6, 1 + 1e-6).
    """
    point = {"g1": 1.0, "g2": 1.0, "g3": LOW, "g4": HIGH}
    try:
        usable = bool(names(expression) & set(point))
        return 0.0 if usable and math.isfinite(calculate(expression, point)) else -1.0
    except (ValueError, ArithmeticError, TypeError):
        return -1.0
