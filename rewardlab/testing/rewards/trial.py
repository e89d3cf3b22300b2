"""A reward of texts on trial: the smallest draw that breaks a law."""

import random
from collections.abc import Callable
from typing import Any, NamedTuple

from hypothesis import HealthCheck, Phase, find, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from rewardlab.testing.finding import FAILS, Finding
from rewardlab.testing.rewards.asking import Case, Reward
from rewardlab.testing.rewards.examples import Example

CLOSE = 1e-5  # of a reward: numbers of a batch may be rounded otherwise


class Trial(NamedTuple):
    """A reward, and what it is tried on."""

    reward: Reward
    examples: tuple[Example, ...]
    tries: int
    bound: float
    limit: float  # seconds a call with a hostile text

    def smallest(
        self, strategy: st.SearchStrategy[Any], breaks: Callable[[Any], bool]
    ) -> Any:
        """The smallest draw that breaks a law; None if none of the tries does."""
        how = settings(
            max_examples=self.tries,
            database=None,
            deadline=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )
        try:
            return find(strategy, breaks, settings=how, random=random.Random(0))
        except NoSuchExample:
            return None

    @property
    def cases(self) -> list[Case]:
        """Every completion that was given."""
        return [Case(e, text) for e in self.examples for text in (*e.right, *e.wrong)]

    def any_case(self) -> st.SearchStrategy[Case]:
        """One of them."""
        return st.sampled_from(self.cases)

    @property
    def duels(self) -> list[tuple[Case, Case]]:
        """A right completion and a wrong one of the same problem."""
        return [
            (Case(e, right), Case(e, wrong))
            for e in self.examples
            for right in e.right
            for wrong in e.wrong
        ]


def broken(why: str) -> Finding:
    """A law that does not hold, with the counterexample."""
    return Finding(FAILS, why=why)
