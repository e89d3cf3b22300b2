"""Where a thing lies on a screen that is told in words: a box as GUI-G1 asks for it.

    prompt   On a screen of 1000 by 1000: "apple" 120 from the left, 40 from the top,
             300 wide, 80 high; "river" 500 from the left, ... Where is "apple"?
    answer   [{"bbox_2d": [120, 40, 420, 120]}]

Small boxes are the hard ones: `difficulty` is their weight in the data set.
"""

import pathlib
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from rewardlab.data.datasets import Example
from rewardlab.data.jsonl import Row
from rewardlab.selection.difficulty import box_weights
from rewardlab.tasks.questions import SIZES, Questions, WordProblems, loader

SIDE, STEP = 1000, 10  # of the screen, and what every number is a multiple of
DIFFICULTY = {"min_words": 2, "max_words": 3, **SIZES}
Place = tuple[int, int, int, int]  # left, top, width, height
Problem = tuple[str, tuple[Place, ...], int]  # names, their places, which is asked for


class Screens(Questions):
    """The questions of this task; splits share no set of words."""

    builder_config: WordProblems

    def features(self) -> dict[str, Any]:
        box = tfds.features.Tensor(shape=(4,), dtype=np.int32)
        return {**super().features(), "box": box}

    def key(self, problem: Problem) -> list[str]:
        return sorted(problem[0].split())

    def draw(self, rng: np.random.Generator) -> Problem:
        names = self.builder_config.text(rng)
        count = len(names.split())
        places = tuple(_place(rng) for _ in range(count))
        return names, places, int(rng.integers(count))

    def example(self, problem: Problem) -> Example:
        names, places, asked = problem
        words = names.split()
        told = "; ".join(map(_told, words, places))
        left, top, width, height = places[asked]
        box = [left, top, left + width, top + height]
        prompt = f'On a screen of {SIDE} by {SIDE}: {told}. Where is "{words[asked]}"?'
        return {"prompt": prompt, "answer": f'[{{"bbox_2d": {box}}}]', "box": box}


def _place(rng: np.random.Generator) -> Place:
    """Inside the screen, of 20 to 400 pixels a side."""
    width, height = (int(x) * STEP for x in rng.integers(2, 41, 2))
    left = int(rng.integers(0, (SIDE - width) // STEP + 1)) * STEP
    top = int(rng.integers(0, (SIDE - height) // STEP + 1)) * STEP
    return left, top, width, height


def _told(name: str, place: Place) -> str:
    left, top, width, height = place
    return (
        f'"{name}" {left} from the left, {top} from the top, {width} wide, '
        f"{height} high"
    )


def load(split: str, data_dir: str | pathlib.Path, **options: Any) -> list[Row]:
    """A split's rows with the weight of each prompt, `difficulty`, in 0.5 to 1.5."""
    rows = _load(split, data_dir, **options)
    boxes = np.array([row["box"] for row in rows], float)
    area = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) / SIDE**2
    weights = np.asarray(box_weights(area)).tolist()
    return [
        {**row, "difficulty": weight} for row, weight in zip(rows, weights, strict=True)
    ]


_load = loader(Screens, WordProblems, DIFFICULTY)
