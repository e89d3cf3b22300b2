"""Laws of functions that read text, in TRL's signature, tried on texts."""

from rewardlab.testing.rewards.checking import check_reward
from rewardlab.testing.rewards.examples import Example, examples_of, read_examples
from rewardlab.testing.rewards.named import functions_of

__all__ = [
    "Example",
    "check_reward",
    "examples_of",
    "functions_of",
    "read_examples",
]
