"""The words of `updates`: how often a rollout is learned from.

    mini_batches(16) | epochs(2)

Without a word it is once. From the second update on, ratios to the policy that sampled
leave 1, and what a loss does with them begins to act.
"""

from collections.abc import Callable
from typing import NamedTuple

from rewardlab.core.sentence import Language
from rewardlab.core.types import Static


class Updates(NamedTuple):
    """How a rollout is learned from."""

    mini_batches: int = 1
    epochs: int = 1

    @property
    def steps(self) -> int:
        """Optimizer steps a rollout."""
        return self.mini_batches * self.epochs

    def fitted(self, prompts: int) -> "Updates":
        """As many mini-batches as cut the `prompts` of a device evenly, at most these.

        16 of 8 prompts are 8 of one prompt; 6 of 8 prompts are 4.
        """
        fits = [n for n in range(1, self.mini_batches + 1) if prompts % n == 0]
        return self._replace(mini_batches=fits[-1])


ONCE = Updates()


def mini_batches(number: Static[int]) -> Updates:
    """The prompts of a rollout are cut into `number` parts, an optimizer step each."""
    return Updates(mini_batches=number)


def epochs(number: Static[int]) -> Updates:
    """The whole rollout is gone through `number` times (`num_iterations` of TRL)."""
    return Updates(epochs=number)


def joined(*parts: Updates) -> Updates:
    """What all words say together; of two alike, the product."""
    made = ONCE
    for part in parts:
        both = (x * y for x, y in zip(made, part, strict=True))
        made = Updates(*both)
    return made


WORDS: dict[str, Callable[..., Updates]] = {
    "mini_batches": mini_batches,
    "epochs": epochs,
}
UPDATES = Language("word of the updates", WORDS, joined)
