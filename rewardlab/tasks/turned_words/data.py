"""A word whose first letters were moved to its end: by how many was it turned?

    prompt   By how many letters was each word turned to the left to give "verri"?
             Answer as <answer>1</answer>.
    answer   <answer>2</answer>

The puzzle is made of the words themselves, and what was done to them is its solution:
nobody has labelled anything. `turn` is that solution.
"""

from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from rewardlab.data.datasets import Example
from rewardlab.tasks.questions import SIZES, Questions, WordProblems, loader

DIFFICULTY = {"min_words": 1, "max_words": 2, **SIZES}
Problem = tuple[str, int]


class TurnedWords(Questions):
    """The puzzles of this task, of a word or two; splits share no set of words."""

    builder_config: WordProblems

    def features(self) -> dict[str, Any]:
        return {**super().features(), "turn": tfds.features.Text()}

    def key(self, problem: Problem) -> list[str]:
        return sorted(problem[0].split())

    def draw(self, rng: np.random.Generator) -> Problem:
        text = self.builder_config.text(rng)
        return text, int(rng.integers(1, min(map(len, text.split()))))

    def example(self, problem: Problem) -> Example:
        text, turn = problem
        turned = " ".join(word[turn:] + word[:turn] for word in text.split())
        prompt = (
            f'By how many letters was each word turned to the left to give "{turned}"? '
            "Answer as <answer>1</answer>."
        )
        answer = f"<answer>{turn}</answer>"
        return {"prompt": prompt, "answer": answer, "turn": str(turn)}


load = loader(TurnedWords, WordProblems, DIFFICULTY)
