"""Verifiers of short answers: words of `scorers` that compare with a true one.

Each is asked on the host. `column` names a column of the data, one entry a problem.
"""

import ast
import functools
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from rewardlab.core.types import Rollout, Static
from rewardlab.data.batch import Batch
from rewardlab.rules import boxes as box
from rewardlab.rules import derl as derls
from rewardlab.rules import sql as queries
from rewardlab.rules.answers import exact_match as equal
from rewardlab.rules.answers import normalized, tagged
from rewardlab.rules.answers import word_f1 as f1
from rewardlab.rules.partial_credit import partial_credit as credit
from rewardlab.rules.shopping import action_reward
from rewardlab.rules.texts import own_words
from rewardlab.scorers.protocol import Context, Scorer, Setting
from rewardlab.scorers.text_rewards import questions
from rewardlab.scorers.verifier import Case, Maker, Verifier


def _texts(truth: Any) -> list[str]:
    """One true answer or several, as texts."""
    several = isinstance(truth, Sequence) and not isinstance(truth, str)
    return [str(x) for x in (truth if several else [truth])]


def said(text: str, tag: str) -> str | None:
    """The whole text, or what stands in the last <tag>...</tag> of it."""
    return tagged(text, tag) if tag else text


def exact_match(column: str, tag: str = "") -> Maker:
    """`exact_match` [N]: 1 if the answer is one of the true ones, once normalised.

    Case, punctuation, articles and spaces do not count, as in SQuAD. With a `tag` the
    answer is what stands in the last <tag>...</tag>, else the whole completion.

    exact_match('answer', tag='answer'): "so <answer>The cat.</answer>", "cat" -> 1
    """

    def judge(case: Case, truth: Any) -> dict[str, float]:
        return {"exact_match": equal(said(case.text, tag), _texts(truth))}

    return Verifier("exact_match", ("exact_match",), (column,), judge)


def cover_match(column: str, tag: str = "") -> Maker:
    """`cover_match` [N]: 1 if a true answer stands in the answer, once normalised.

    What is lenient is easily gamed: "1 2 3 4" holds every small number. (Search-R1,
    arXiv 2503.09516, calls it subem)

    cover_match('answer'): "The answer is 41.", "41" -> 1;  "12345", "3" -> 1
    """

    def judge(case: Case, truth: Any) -> dict[str, float]:
        text = normalized(said(case.text, tag) or "")
        true = [normalized(one) for one in _texts(truth)]
        return {"cover_match": float(any(one and one in text for one in true))}

    return Verifier("cover_match", ("cover_match",), (column,), judge)


def word_f1(column: str, tag: str = "") -> Maker:
    """`word_f1` [N]: F1 of the words of answer and truth, the best over the truths.

    word_f1('answer'): "the black cat", "cat" -> 2/3
    """

    def judge(case: Case, truth: Any) -> dict[str, float]:
        return {"word_f1": f1(said(case.text, tag), _texts(truth))}

    return Verifier("word_f1", ("word_f1",), (column,), judge)


def answer_ids(tag: str = "answer") -> Maker:
    """`answer_id` [N]: a number for what stands in the last <tag>...</tag>.

    Equal texts, once normalised, have equal numbers; no answer, or a blank one, has -1.
    What `majority_vote('answer_id')` reads on texts. (TTRL, arXiv 2504.16084)

    answer_ids(): "<answer>7</answer>", "<answer> 7.</answer>", "7" -> 0, 0, -1
    """

    def score(
        state: Any, context: Context, rollout: Rollout, batch: Batch, setting: Setting
    ) -> dict[str, Any]:
        asked = questions(rollout, batch, setting.tokenizer)
        tags = [tagged(own_words(text), tag) for text in asked["completions"]]
        said = [normalized(text or "") for text in tags]
        known: dict[str, int] = {}
        ids = [known.setdefault(x, len(known)) if x else -1 for x in said]
        return {"answer_id": np.array(ids, np.float32)}

    def make(setting: Setting) -> Scorer:
        bound = functools.partial(score, setting=setting)
        return Scorer("answer_ids", {"answer_id": "N"}, (), "host", bound)

    return make


def sql(column: str) -> Maker:
    """`sql_words`, `sql_bigrams` [N]: shared words, and pairs of them, with a query.

    |A and B| / |A or B| of their sets. (Reasoning-SQL, arXiv 2503.23157)

    sql('query'): "select a from t", "select b from t" -> 3/5, 1/5
    """

    def judge(case: Case, truth: str) -> dict[str, float]:
        return {
            "sql_words": queries.token_overlap(case.text, truth),
            "sql_bigrams": queries.ngram_overlap(case.text, truth),
        }

    return Verifier("sql", ("sql_words", "sql_bigrams"), (column,), judge)


def boxes(column: str, width: Static[float], height: Static[float]) -> Maker:
    """`hit`, `overlap`, `corners` [N]: a predicted box against the true one, in pixels.

    The completion is a list of dicts with "bbox_2d" and the column (x1, y1, x2, y2); a
    text without a box gets 0. `width` and `height` are the image's. (GUI-G1, arXiv
    2505.15810: the methods `gui_g1` and `gui_g1_boxes`)

    boxes('box', 100, 100): '[{"bbox_2d": [0, 0, 9, 9]}]', (0, 0, 9, 9) -> 1, 1, 1
    """
    names = ("hit", "overlap", "corners")

    def judge(case: Case, truth: box.Box) -> dict[str, float]:
        found = box.read_box(case.text)
        if found is None:
            return dict.fromkeys(names, 0.0)
        near = box.corners(found, truth, width, height)
        return {
            "hit": box.hit(found, truth),
            "overlap": box.iou(found, truth),
            "corners": near,
        }

    return Verifier("boxes", names, (column,), judge)


def derl(column: str) -> Maker:
    r"""`g1`, `g2`, `g3`, `g4` [N]: four atomic checks, each 1 + 1e-6 or 1e-6.

    The same extracted answer, a \boxed{, numbered steps, the truth somewhere in the
    text: the method `derl` composes them by a formula. (arXiv 2512.13399)

    derl('answer'): "1. a 2. b #### 7", "7" -> 1, 0, 1, 1
    """

    def judge(case: Case, truth: Any) -> dict[str, float]:
        return derls.checks(case.text, str(truth))

    return Verifier("derl", ("g1", "g2", "g3", "g4"), (column,), judge)


def derl_formula(column: str, expression: str) -> Maker:
    """`derl_formula` [N]: an expression over the checks of `derl`; 0 where it fails.

    `ValueError` for one that names no check or is not finite, as the paper's
    meta-model is refused.

    derl_formula('answer', 'g1 + 0.5 * g2'): a right answer without a box -> 1
    """
    if derls.meta_reward(expression) < 0:
        raise ValueError(
            f"derl_formula: expression={expression!r} must be finite and name one of "
            "g1, g2, g3, g4"
        )

    def judge(case: Case, truth: Any) -> dict[str, float]:
        checks = derls.checks(case.text, str(truth))
        return {"derl_formula": derls.composed(expression, checks)}

    return Verifier("derl_formula", ("derl_formula",), (column,), judge)


def shopping(column: str, scale: Static[float] = 1000.0) -> Maker:
    """`shopping` [N]: a shopper's next action, as JSON, against the true one.

    0.5 for the form, 0.3 for the type, then what the type asks for; the likeness of
    texts is worth `scale`. (Shop-R1, arXiv 2507.17842, from a summary)

    shopping('action'): '{"type": "terminate"}', {"type": "terminate"} -> 0.8
    """

    def judge(case: Case, truth: Any) -> dict[str, float]:
        try:
            action = json.loads(case.text)
        except (ValueError, RecursionError):
            action = None
        fits = isinstance(action, dict) and all(
            isinstance(x, str) for x in action.values()
        )
        wanted = json.loads(truth) if isinstance(truth, str) else truth
        return {"shopping": action_reward(action if fits else None, wanted, scale)}

    return Verifier("shopping", ("shopping",), (column,), judge)


def partial_credit(
    score: str, lines: str, failed: Static[float] = -10.0, each: Static[float] = 0.1
) -> Maker:
    """`partial_credit` [N]: a grader's score, or failed + each * lines of progress.

    The completion is what a programme printed. The score is the number behind the last
    line that begins with `score`; `lines` names a column of lists of texts, of which
    those that occur are counted where there is no such number. (arXiv 2509.01684)

    partial_credit('score:', 'lines'): "data loaded", ["data loaded"] -> -9.9
    """

    def judge(case: Case, progress: Sequence[str]) -> dict[str, float]:
        said = [x for x in case.text.splitlines() if x.startswith(score)]
        matched = sum(line in case.text for line in progress)
        number = _number(said[-1][len(score) :]) if said else None
        return {"partial_credit": credit(number, matched, failed, each)}

    return Verifier("partial_credit", ("partial_credit",), (lines,), judge)


def _number(text: str) -> float | None:
    try:
        return float(ast.literal_eval(text.strip()))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
