"""A line of words, to be written backwards.

prompt   Write this backwards, letter by letter: kettle river
answer   revir elttek
"""

import numpy as np

from rewardlab.data.datasets import Example
from rewardlab.tasks.questions import SIZES, Questions, WordProblems, loader

DIFFICULTY = {"min_words": 2, "max_words": 4, **SIZES}


class ReverseText(Questions):
    """The lines of this task; splits share no set of words."""

    builder_config: WordProblems

    def key(self, problem: str) -> list[str]:
        return sorted(problem.split())

    def draw(self, rng: np.random.Generator) -> str:
        return self.builder_config.text(rng)

    def example(self, problem: str) -> Example:
        prompt = f"Write this backwards, letter by letter: {problem}"
        return {"prompt": prompt, "answer": problem[::-1]}


load = loader(ReverseText, WordProblems, DIFFICULTY)
