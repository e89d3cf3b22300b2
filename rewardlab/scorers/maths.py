"""The verifier of mathematics: answers are compared by math-verify, in a pool."""

import functools
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jaxtyping import Array

from rewardlab import rules
from rewardlab.core.types import Rollout, Static
from rewardlab.data.batch import Batch
from rewardlab.rules.texts import own_words
from rewardlab.scorers.protocol import Context, Scorer, Setting
from rewardlab.scorers.text_rewards import (
    SUFFIXES,
    questions,
    report,
    signals_of,
)
from rewardlab.system.pool import Pool, Work

_FILE = Path(rules.__path__[0], "maths.py")


def maths(
    column: str, time_limit: Static[float] = 5.0, signal: str = "correct"
) -> Callable[[Setting], Scorer]:
    r"""`correct` [N]: 1 if the last mathematics of the text equals the column's.

    Numbers, fractions, sets, intervals, equations, in LaTeX or plain; the column is
    such an answer, with or without dollar signs. `time_limit` is in seconds an answer:
    later is a time-out, and what math-verify cannot do an error; neither is a 0.

    maths('answer'): "so it is \\boxed{\\frac{2}{4}}", "0.5" -> 1
    """
    if importlib.util.find_spec("math_verify") is None:
        raise ValueError(
            "the scorer maths needs math-verify; install it with: pip install "
            "'rewardlab[maths]'"
        )
    name = "maths" if signal == "correct" else f"maths_{signal}"

    def make(setting: Setting) -> Scorer:
        def score(
            state: Any, context: Context, rollout: Rollout, batch: Batch
        ) -> dict[str, Array]:
            asked = questions(rollout, batch, setting.tokenizer)
            texts = [own_words(text) for text in asked["completions"]]
            truths = map(str, asked[column])
            pairs = list(zip(texts, truths, strict=True))
            answers = pool_of(float(time_limit)).ask(pairs)
            report(signal, answers)
            return signals_of(signal, answers)

        provides = {signal + suffix: "N" for suffix in SUFFIXES}
        return Scorer(name, provides, (), "host", score, columns=(column,))

    return make


@functools.lru_cache(4)
def pool_of(limit: float) -> Pool:
    """The workers that compare answers, as many as there are cores."""
    return Pool(Work(_FILE, "equal", limit))
