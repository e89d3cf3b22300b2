"""Whether an answer equals the true one as mathematics, by math-verify.

Asked in a process of its own (`system.pool`): what is parsed may take for ever. So this
file imports nothing of rewardlab.
"""

import logging

import math_verify

logging.disable(logging.WARNING)  # it warns that nobody watches its time


def equal(text: str, truth: str) -> float:
    r"""1 if the last mathematics of the text equals the true answer, else 0.

    equal("so it is $\\frac{2}{4}$", "0.5") == 1

    `ValueError` if the truth cannot be read, and what else math-verify raises.
    """
    marked = any(mark in truth for mark in ("$", r"\[", r"\(", r"\boxed"))
    gold = _read(truth if marked else f"${truth}$")
    if not gold:
        raise ValueError(f"the true answer {truth[:60]!r} cannot be read")
    said = _read(text)
    return float(
        math_verify.verify(gold, said, timeout_seconds=None, raise_on_error=True)
    )


def _read(text: str) -> list:
    return math_verify.parse(text, parsing_timeout=None, raise_on_error=True)
