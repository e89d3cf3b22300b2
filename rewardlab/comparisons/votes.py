"""Majority votes: the answer that most completions give stands in for the truth.

`transforms.majority_vote` is the same on the device, for answers that have numbers.
"""

from collections import Counter
from collections.abc import Hashable, Sequence

Answers = Sequence[Hashable | None]


def majority(answers: Answers, drop_empty: bool = False) -> Hashable | None:
    """The most common answer; a tie goes to the one that comes first.

    No answer (None or blank) is an answer as any other, as in TTRL (2504.16084) and
    MM-UPT (2505.22453), unless `drop_empty` (Co-Reward, 2508.00410). None of none.
    """
    kept = [a for a in answers if not (drop_empty and _empty(a))]
    return Counter(kept).most_common(1)[0][0] if kept else None


def _empty(answer: Hashable | None) -> bool:
    return answer is None or (isinstance(answer, str) and not answer.strip())


def agreement(answers: Answers, label: Hashable | None) -> list[float]:
    """1 for each answer that equals the label, else 0; without a label all are 0."""
    return [float(label is not None and a == label) for a in answers]


def self_vote(answers: Answers, drop_empty: bool = False) -> list[float]:
    """1 for the answers of the majority: their mean is the share of its votes."""
    label = majority(answers, drop_empty)
    if drop_empty:
        return agreement(answers, label)
    return [float(answer == label) for answer in answers]


def vote_share(answers: Answers, drop_empty: bool = False) -> float:
    """The share of all completions that gave the majority's answer; 0 of none."""
    votes = self_vote(answers, drop_empty)
    return sum(votes) / max(len(votes), 1)


def cross_vote(answers: Answers, rewritten: Answers) -> tuple[list[float], list[float]]:
    """Each prompt's answers against the majority of its rewriting's (2508.00410).

    Empty answers do not vote and are never right. Equal multisets give the self vote.
    """
    labels = majority(rewritten, drop_empty=True), majority(answers, drop_empty=True)
    return agreement(answers, labels[0]), agreement(rewritten, labels[1])
