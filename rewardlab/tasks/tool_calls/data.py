r"""Orders that one or two calls of tools carry out, in the form that ToolRL reads.

    prompt   Tools: set_timer(minutes), send(to, text), weather(city, days).
             Send "kettle" to river. Set a timer for 12 minutes.
    answer   <think>2 calls</think>\n<tool_call>\n
             {"name": "send", "parameters": {"to": "river", "text": "kettle"}}\n
             {"name": "set_timer", "parameters": {"minutes": 12}}\n</tool_call>

The column `calls` is the answer, by the name that the method `toolrl` reads.
"""

import json
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from rewardlab.data.datasets import Example
from rewardlab.tasks.questions import SIZES, Questions, WordProblems, loader

TOOLS = "Tools: set_timer(minutes), send(to, text), weather(city, days)."
DIFFICULTY = {"min_words": 2, "max_words": 3, **SIZES}
KINDS = 3  # of orders
Problem = tuple[
    str, tuple[tuple[int, int], ...]
]  # words; kind and number of each order


class Orders(Questions):
    """The orders of this task; splits share no set of words."""

    builder_config: WordProblems

    def features(self) -> dict[str, Any]:
        return {**super().features(), "calls": tfds.features.Text()}

    def key(self, problem: Problem) -> list[str]:
        return sorted(problem[0].split())

    def draw(self, rng: np.random.Generator) -> Problem:
        words = self.builder_config.text(rng)
        kinds = rng.choice(KINDS, int(rng.integers(1, 3)), replace=False)
        numbers = rng.integers(2, 60, len(kinds))
        return words, tuple(zip(kinds.tolist(), numbers.tolist(), strict=True))

    def example(self, problem: Problem) -> Example:
        first, second, *_ = problem[0].split()
        orders = [_order(kind, n, first, second) for kind, n in problem[1]]
        said = " ".join(text for text, _, _ in orders)
        lines = [
            json.dumps({"name": name, "parameters": given}) for _, name, given in orders
        ]
        thought = f"<think>{len(lines)} call{'s' * (len(lines) > 1)}</think>"
        answer = "\n".join([thought, "<tool_call>", *lines, "</tool_call>"])
        return {"prompt": f"{TOOLS}\n{said}", "answer": answer, "calls": answer}


def _order(
    kind: int, number: int, first: str, second: str
) -> tuple[str, str, dict[str, Any]]:
    """What is said, the tool, and its parameters."""
    orders: list[tuple[str, str, dict[str, Any]]] = [
        (f"Set a timer for {number} minutes.", "set_timer", {"minutes": number}),
        (f'Send "{first}" to {second}.', "send", {"to": second, "text": first}),
        (
            f"How is the weather in {first} for {number} days?",
            "weather",
            {"city": first, "days": number},
        ),
    ]
    return orders[kind]


load = loader(Orders, WordProblems, DIFFICULTY)
