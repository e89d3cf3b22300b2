"""The words of `updates`: how often a rollout is learned from.

    epochs(2)

Without a word it is once. The later updates compare the policy with the one that
sampled: there ratios leave 1, and clips begin to act.
"""

from collections.abc import Callable
from typing import NamedTuple

from rewardlab.core.sentence import Language
from rewardlab.core.types import Static


class Updates(NamedTuple):
    """How a rollout is learned from."""

    epochs: int = 1

    @property
    def steps(self) -> int:
        """Optimizer steps a rollout."""
        return self.epochs


def epochs(number: Static[int]) -> Updates:
    """The whole rollout is gone through `number` times (`num_iterations` of TRL)."""
    return Updates(epochs=number)


def joined(*parts: Updates) -> Updates:
    """What all words say together."""
    said = {k: x for part in parts for k, x in part._asdict().items() if x != 1}
    return Updates(**said)


WORDS: dict[str, Callable[..., Updates]] = {"epochs": epochs}
UPDATES = Language("word of the updates", WORDS, joined)
