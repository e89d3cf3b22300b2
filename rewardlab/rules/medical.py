"""MediX-R1: form and modality of a medical answer (2602.23363).

A text is "<MODALITY> <thinking>...</thinking> <answer>...</answer>". The reward is a
sentence, the method `medix_r1`, that adds a judge's verdict and `near` embeddings.
"""

import re

from rewardlab.rules.answers import tagged

_BEGIN, _BETWEEN = "<thinking>", re.compile(r"</thinking>\s*<answer>")
_END = "</answer>"
SIGNS = ("__", ":", "?")  # an answer with one of them is not one


def tight(text: str) -> str:
    """Without spaces around <, > and /, as the other rules expect it."""
    first, *rest = re.split("([<>/])", text)
    if not rest:
        return text
    *middle, last = rest
    return first.rstrip() + "".join(part.strip() for part in middle) + last.lstrip()


def form(text: str) -> float:
    """1 if from the first <thinking> on there is a thought, an answer, no more."""
    _, found, said = text.partition(_BEGIN)
    said = said.rstrip()
    ends = found and said.endswith(_END)
    between = _BETWEEN.search(said, 0, len(said) - len(_END)) if ends else None
    return float(between is not None)


def modality(text: str, truth: str) -> float:
    """1 if what stands before <thinking> is the modality that begins the truth."""
    before, found, _ = text.partition("<thinking>")
    return float(bool(found) and before.strip().upper() == _modality(truth).upper())


def answers(text: str, truth: str) -> tuple[str, str]:
    """The answer given and the true one, ready to be compared."""
    given = tagged(text)
    true = truth.split(">", maxsplit=1)[-1]
    return (text.strip() if given is None else given).strip("."), true.strip().strip(
        "."
    )


def is_answer(answer: str) -> bool:
    """Whether an answer can be judged: two characters or more, and no odd signs.

    The single letter of a multiple choice is no answer here.
    """
    return len(answer) > 1 and not any(sign in answer for sign in SIGNS)


def _modality(truth: str) -> str:
    return truth.split(">", maxsplit=1)[0] + ">"
