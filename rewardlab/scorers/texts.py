"""Verifiers of whole texts: words of `scorers` that read style, form and likeness.

Each is asked on the host. `column` names a column of the data, one entry a problem.
"""

from collections.abc import Sequence

import numpy as np

from rewardlab.core.types import Static
from rewardlab.rules import bleu as likeness
from rewardlab.rules import medical as medicine
from rewardlab.rules import ngrams, phrases, relevance
from rewardlab.rules import router as routes
from rewardlab.rules.embedding import likeness as likeness_of
from rewardlab.rules.similarity import bidirectional_best_match
from rewardlab.scorers.verifier import Case, Maker, Verifier

References = str | Sequence[str]


def _several(references: References) -> list[str]:
    return [references] if isinstance(references, str) else list(references)


def bleu(column: str) -> Maker:
    """`bleu` [N]: smoothed BLEU-4 against reference texts, in [0, 1].

    The column holds a text or a list of them. (BLEUBERI, arXiv 2505.11080)

    bleu('reference'): "a b c d e", "a b c d e" -> 1
    """

    def judge(case: Case, references: References) -> dict[str, float]:
        return {"bleu": likeness.bleu(case.text, _several(references))}

    return Verifier("bleu", ("bleu",), (column,), judge)


def rouge(column: str) -> Maker:
    """`rouge` [N]: ROUGE-L, the F1 of the longest common run of words with gaps.

    rouge('reference'): "a x b", "a b" -> 0.8
    """

    def judge(case: Case, references: References) -> dict[str, float]:
        return {"rouge": likeness.rouge_l(case.text, _several(references))}

    return Verifier("rouge", ("rouge",), (column,), judge)


def bleu_rouge(column: str) -> Maker:
    """`bleu_rouge` [N]: the harmonic mean of BLEU and ROUGE-L; 0 if both are 0.

    bleu_rouge('reference'): "a b c d e", "a b c d e" -> 1
    """

    def judge(case: Case, references: References) -> dict[str, float]:
        return {"bleu_rouge": likeness.bleu_rouge(case.text, _several(references))}

    return Verifier("bleu_rouge", ("bleu_rouge",), (column,), judge)


def statements(column: str) -> Maker:
    """`similarity` [N]: lines of the text against lines of a reference, both ways.

    (mean_i max_j S + mean_j max_i S) / 2 with ROUGE-L as S: what is said must be in the
    reference, and what is there must be said. (Mixed-R1, arXiv 2505.24164)

    statements('reference'): "a b\nc d", "c d\na b" -> 1
    """

    def judge(case: Case, reference: str) -> dict[str, float]:
        said, wanted = case.text.splitlines(), reference.splitlines()
        table = [[likeness.rouge_l(one, [other]) for other in wanted] for one in said]
        square = np.array(table, float).reshape(len(said), len(wanted))
        return {"similarity": bidirectional_best_match(square)}

    return Verifier("statements", ("similarity",), (column,), judge)


def reasoning_phrases(mark: str = phrases.MARK) -> Maker:
    """`pattern` [N]: min(1, hits / 20) of the phrases of someone who thinks, in [0, 1].

    Less what is said again and again, and the turns that it writes for others. Read
    from behind `mark`. (arXiv 2505.22653: the methods `pattern_*`)

    reasoning_phrases(): "wait, let me check" -> 0.1
    """

    def judge(case: Case) -> dict[str, float]:
        thought = phrases.thinking(case.text, mark)
        return {"pattern": phrases.reasoning_pattern(thought)}

    return Verifier("reasoning_phrases", ("pattern",), (), judge)


def chat_phrases(mark: str = phrases.MARK) -> Maker:
    """`pattern` [N]: as `reasoning_phrases`, with the phrases of open conversation.

    chat_phrases(): "1. i will try again" -> 0.15
    """

    def judge(case: Case) -> dict[str, float]:
        thought = phrases.thinking(case.text, mark)
        return {"pattern": phrases.reasoning_pattern(thought, phrases.CHAT_PHRASES, ())}

    return Verifier("chat_phrases", ("pattern",), (), judge)


def repeated_words(size: Static[int] = 40, most: Static[float] = -0.5) -> Maker:
    """`repeated_words` [N]: most * share of runs of `size` words that came before.

    A penalty for wrong answers (arXiv 2502.03373); `most` is at most 0.

    repeated_words(1): "a a a a" -> -0.375
    """

    def judge(case: Case) -> dict[str, float]:
        return {"repeated_words": ngrams.repetition_penalty(case.text, size, most)}

    return Verifier("repeated_words", ("repeated_words",), (), judge)


def word_counts() -> Maker:
    """`length_share`, `distinct` [N]: words / 100, and the share of distinct trigrams.

    Two of three factors of the method `regularized_relevance` (arXiv 2402.03469).

    word_counts(): "a b c a b c" -> 0.06, 0.75
    """

    def judge(case: Case) -> dict[str, float]:
        return {
            "length_share": relevance.length_share(case.text),
            "distinct": relevance.distinct_trigrams(case.text),
        }

    return Verifier("word_counts", ("length_share", "distinct"), (), judge)


def medical(column: str) -> Maker:
    """`format`, `modality`, `judgeable` [N]: form, kind of image, something to judge.

    A text is "<CT> <thinking>...</thinking> <answer>...</answer>" and the column
    "<CT> the true answer". (MediX-R1, arXiv 2602.23363: the method `medix_r1`, which
    also reads a judge's verdict and embeddings)

    medical('answer'): "<CT> <thinking>x</thinking> <answer>ay</answer>", "<CT> no"
    -> 1, 1, 1
    """
    names = ("format", "modality", "judgeable")

    def judge(case: Case, truth: str) -> dict[str, float]:
        text = medicine.tight(case.text)
        return {
            "format": medicine.form(text),
            "modality": medicine.modality(text, truth),
            "judgeable": float(medicine.is_answer(medicine.answers(text, truth)[0])),
        }

    return Verifier("medical", names, (column,), judge)


def trigram_embedding(column: str, least: Static[float] = 0.8) -> Maker:
    """`embedding` [N]: 1 where answer and truth have a cosine of `least` or more.

    Of counts of runs of three characters, which stand in for a model's embeddings: they
    know spelling and no meaning. Answer and truth are read as by `medical`, and what
    cannot be judged has 0. (MediX-R1, arXiv 2602.23363: the method `medix_r1`)

    trigram_embedding('answer'): "<answer>an oedema</answer>", "<CT> oedema" -> 1
    """

    def judge(case: Case, truth: str) -> dict[str, float]:
        given, true = medicine.answers(medicine.tight(case.text), truth)
        near = medicine.is_answer(given) and likeness_of(given, true) >= least
        return {"embedding": float(near)}

    return Verifier("trigram_embedding", ("embedding",), (column,), judge)


def router(column: str) -> Maker:
    """`form` [N]: 0 for a text that thinks, asks known models and answers, else -1.

    The column lists the models' names, in lower case. (Router-R1, arXiv 2506.09033:
    the method `router_r1`, which also reads what the models cost)

    router('models'): "<think>x</think><answer>y</answer>", ["small"] -> 0
    """

    def judge(case: Case, models: Sequence[str]) -> dict[str, float]:
        return {"form": routes.form(case.text, lambda name: name in models)}

    return Verifier("router", ("form",), (column,), judge)
