"""Short answers against true ones: exact match and F1 of words, as in SQuAD."""

import re
import string
from collections import Counter
from collections.abc import Sequence

from rewardlab.rules.blocks import blocks

CLOSED = ("yes", "no", "noanswer")  # answers that are right or wrong, never in part


def normalized(answer: str) -> str:
    """Lower case, without punctuation, articles and double spaces."""
    answer = answer.lower().translate(str.maketrans("", "", string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", answer).split())


def exact_match(answer: str | None, truths: str | Sequence[str]) -> float:
    """1 if the answer equals one of the truths once normalised; 0 for no answer."""
    truths = [truths] if isinstance(truths, str) else truths
    if answer is None:
        return 0.0
    return float(normalized(answer) in [normalized(truth) for truth in truths])


def word_f1(answer: str | None, truths: str | Sequence[str]) -> float:
    """F1 of the words, the best over the truths; yes and no count only as a whole."""
    truths = [truths] if isinstance(truths, str) else truths
    if answer is None:
        return 0.0
    return max((_f1(normalized(answer), normalized(t)) for t in truths), default=0.0)


def _f1(said: str, true: str) -> float:
    if said != true and (said in CLOSED or true in CLOSED):
        return 0.0
    some, others = said.split(), true.split()
    common = (Counter(some) & Counter(others)).total()
    if common == 0:
        return 0.0
    precision, recall = common / len(some), common / len(others)
    return 2 * precision * recall / (precision + recall)


def tagged(text: str, tag: str = "answer") -> str | None:
    """What stands in the last <tag>...</tag>, without outer spaces; None if none."""
    found = [content for _, content in blocks(text, (tag,))]
    return found[-1].strip() if found else None
