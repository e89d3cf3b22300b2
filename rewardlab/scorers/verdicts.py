"""Verifiers of an outcome: words of `scorers` that make the verdict `correct`.

Each is asked on the host. `column` names a column of the data, one entry a problem,
and `signal` another name for the verdict, where a run has two.
"""

import difflib
import functools
from collections.abc import Sequence
from typing import Any

from rewardlab.data.generated import gym
from rewardlab.rules.countdown import solves
from rewardlab.rules.numbers import last_number as last
from rewardlab.rules.numbers import marked_number, number
from rewardlab.scorers.answers import said
from rewardlab.scorers.verifier import Case, Judge, Maker, Verifier


def _verdict(word: str, signal: str, columns: tuple[str, ...], judge: Judge) -> Maker:
    name = word if signal == "correct" else f"{word}_{signal}"
    return Verifier(name, (signal,), columns, judge)


def exact(column: str, tag: str = "", signal: str = "correct") -> Maker:
    """`correct` [N]: 1 if the answer is the column's text, outer spaces apart.

    With a `tag` the answer is what stands in the last <tag>...</tag>, else the whole
    completion.

    exact('answer'): " 41\n", "41" -> 1
    """

    def judge(case: Case, truth: Any) -> dict[str, float]:
        text = said(case.text, tag)
        return {signal: float(text is not None and text.strip() == str(truth).strip())}

    return _verdict("exact", signal, (column,), judge)


def last_number(column: str, signal: str = "correct") -> Maker:
    """`correct` [N]: 1 if the last number of the text is the column's.

    last_number('answer'): "7 + 5 = 12.", "12" -> 1
    """

    def judge(case: Case, truth: Any) -> dict[str, float]:
        return {signal: float(last(case.text) == _true(truth))}

    return _verdict("last_number", signal, (column,), judge)


def gsm8k(column: str, signal: str = "correct") -> Maker:
    """`correct` [N]: 1 if the number behind the last `####` is the column's.

    The column is the number, or a solution that ends with one behind `####`. (GSM8K,
    arXiv 2110.14168)

    gsm8k('answer'): "2 + 3 = 5\n#### 5", "3 + 2 = 5\n#### 5" -> 1
    """

    def judge(case: Case, truth: Any) -> dict[str, float]:
        return {signal: float(marked_number(case.text) == _true(truth))}

    return _verdict("gsm8k", signal, (column,), judge)


def _true(truth: Any) -> Any:
    """The number that a column says; `ValueError` where it says none."""
    text = str(truth)
    found = marked_number(text)
    found = number(text) if found is None else found
    if found is None:
        raise ValueError(f"the true answer {text[:60]!r} is no number")
    return found


def countdown(
    numbers: str, target: str, tag: str = "answer", signal: str = "correct"
) -> Maker:
    """`correct` [N]: 1 if the answer uses all numbers, each once, and hits the target.

    `numbers` and `target` name columns. The answer is what stands in the last
    <tag>...</tag>, or with tag='' the whole text; it is worked out in fractions.

    countdown('nums', 'target'): "<answer>(3 + 25) * 8</answer>", [3, 8, 25], 224 -> 1
    """

    def judge(case: Case, given: Sequence[int], wanted: int) -> dict[str, float]:
        text = said(case.text, tag)
        return {signal: float(text is not None and solves(text, given, wanted))}

    return _verdict("countdown", signal, (numbers, target), judge)


def likeness(column: str, tag: str = "") -> Maker:
    """`likeness` [N]: 2 * matching characters / all of both texts, in [0, 1].

    Those of the longest common run, then of the ones before and behind it, and so on
    (Ratcliff and Obershelp). A text without its `tag` gets 0.

    likeness('answer'): "elttek", "elttik" -> 5/6
    """

    def judge(case: Case, truth: Any) -> dict[str, float]:
        text, truth = said(case.text.strip(), tag), str(truth).strip()
        match = difflib.SequenceMatcher(None, text or "", truth, autojunk=False)
        return {"likeness": 0.0 if text is None else match.ratio()}

    return Verifier("likeness", ("likeness",), (column,), judge)


def reasoning_gym(
    column: str = "entry", tag: str = "", signal: str = "correct"
) -> Maker:
    """`correct` [N]: 1 if reasoning-gym scores the answer 1, else 0.

    Its partial credit is none: it is given to any text that holds the true answer. The
    answer is the whole completion, or what stands in the last <tag>...</tag>, and the
    column is a problem as `data.path="reasoning_gym:NAME(...)"` has it.

    reasoning_gym(): "-4", {"answer": "-4", ...} -> 1
    """
    score_of = functools.cache(gym("the scorer reasoning_gym").get_score_answer_fn)

    def judge(case: Case, entry: Any) -> dict[str, float]:
        score = score_of(entry["metadata"]["source_dataset"])
        answer = said(case.text.strip(), tag)
        return {signal: float(score(answer=answer, entry=entry) == 1.0)}

    return _verdict("reasoning_gym", signal, (column,), judge)
