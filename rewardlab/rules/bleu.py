"""BLEU and ROUGE-L as rewards: likeness to reference texts (BLEUBERI, 2505.11080)."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from rewardlab.rules.ngrams import ngrams

# The rules of mteval-v13a, in order: what is found, and what stands in its place.
_SYMBOLS = re.findall(r"[\{-\~\[-\` -\&\(-\+\:-\@\/]", "".join(map(chr, range(128))))
_AROUND = str.maketrans({sign: f" {sign} " for sign in _SYMBOLS})
_SPACED = (
    (re.compile(r"([^0-9])([\.,])"), r"\1 \2 "),  # a stop or comma after no digit
    (re.compile(r"([\.,])([^0-9])"), r" \1 \2"),  # or before none
    (re.compile(r"([0-9])(-)"), r"\1 \2 "),  # a dash after a digit
)
_ENTITIES = (("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"))


def words_13a(text: str) -> list[str]:
    """The words and signs of a text, cut as in WMT's mteval-v13a."""
    text = text.replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
    for entity, sign in _ENTITIES:
        text = text.replace(entity, sign)
    text = f" {text} ".translate(_AROUND)
    for found, spaced in _SPACED:
        text = found.sub(spaced, text)
    return text.split()


class Bleu(NamedTuple):
    """A BLEU score and what it is made of; lengths are in words."""

    score: float
    brevity: float
    ratio: float
    length: int
    reference_length: int
    precisions: tuple[float, ...]


def bleu_parts(
    text: str, references: Sequence[str], order: int = 4, smooth: bool = True
) -> Bleu:
    """brevity * (p_1 ... p_order)^(1 / order) against the union of the references.

    p_n = (matches + 1) / (possible + 1), also for n = 1; without `smooth` plain, and 0
    where nothing is possible. brevity = exp(1 - reference / length) for texts shorter
    than the shortest reference. Smoothing is generous to short texts: four words that
    match nothing have 0.302, and one wrong word has 0.841.
    """
    said, others = words_13a(text), [words_13a(reference) for reference in references]
    precisions = []
    for n in range(1, order + 1):
        counts = Counter[tuple]()
        for other in others:
            counts |= Counter(ngrams(other, n))
        runs = ngrams(said, n)
        matches = (Counter(runs) & counts).total()
        plain = matches / len(runs) if runs else 0.0
        precisions.append((matches + 1) / (len(runs) + 1) if smooth else plain)
    shortest = min(map(len, others), default=0)
    ratio = len(said) / shortest if shortest else math.inf
    brevity = 1.0 if ratio > 1 else math.exp(1 - 1 / ratio) if ratio else 0.0
    mean = 0.0
    if min(precisions) > 0:
        mean = math.exp(math.fsum(math.log(p) / order for p in precisions))
    sizes = (ratio, len(said), shortest)
    return Bleu(brevity * mean, brevity, *sizes, tuple(precisions))


def bleu(text: str, references: Sequence[str]) -> float:
    """Smoothed BLEU-4 in [0, 1]; 0 for an empty text."""
    return bleu_parts(text, references).score if text.strip() else 0.0


def rouge_l(text: str, references: Sequence[str]) -> float:
    """F1 of the longest common subsequence of words, the best over references.

    Words are runs of a-z and 0-9 in lower case, as in Google's rouge_score without
    stemming. 0 for an empty text.
    """
    said = _plain_words(text)
    return max((_lcs_f1(said, _plain_words(r)) for r in references), default=0.0)


def bleu_rouge(text: str, references: Sequence[str]) -> float:
    """2 b r / (b + r) of BLEU and ROUGE-L; 0 if both are 0."""
    one, other = bleu(text, references), rouge_l(text, references)
    return 2 * one * other / (one + other) if one + other > 0 else 0.0


def _plain_words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower())


def _lcs_f1(said: list[str], wanted: list[str]) -> float:
    if not said or not wanted:
        return 0.0
    common = _common_subsequence(said, wanted)
    precision, recall = common / len(said), common / len(wanted)
    return 2 * precision * recall / (precision + recall) if common else 0.0


def _common_subsequence(said: list[str], wanted: list[str]) -> int:
    """The length of the longest common subsequence.

    A row of the table is one integer of len(wanted) bits, 0 where it grows (Hyyrö,
    2004): texts of some ten thousand words take a fraction of a second.
    """
    places = dict[str, int]()
    for j, word in enumerate(wanted):
        places[word] = places.get(word, 0) | 1 << j
    full = (1 << len(wanted)) - 1
    row = full
    for word in said:
        met = row & places.get(word, 0)
        row = ((row + met) | (row - met)) & full
    return len(wanted) - row.bit_count()
