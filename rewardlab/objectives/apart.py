"""Losses apart: each with inputs and a count of its own, beside the policy's or alone.

    clipped() | token_mean() | dpo(beta=0.1, weight=0.5)

Each is divided by its own count over the whole batch. One that reads other rows than
those that were sampled, as with a token more or in another prompt, is given the policy
that is trained to read them with.
"""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp

from rewardlab.core.types import Coefficient, Rollout, Sum, coefficient
from rewardlab.models.logprobs import TokenStats
from rewardlab.objectives.objective import Advantage, Metrics, Objective

Read = Callable[[Rollout], TokenStats]  # under the policy that is trained


class Apart(NamedTuple):
    """`weight` times the mean of a loss that counts what it likes.

    `loss(stats, rollout, read)` gives a `Sum` and metrics. `stats` are of the sampled
    rows and are anything outside the mask; `read(rows)` are those of other rows.
    """

    loss: Callable[[TokenStats, Rollout, Read], tuple[Sum, Metrics]]
    weight: Coefficient = 1.0


@dataclasses.dataclass(frozen=True)
class Together:
    """An objective of several losses: value and count are those of each, [K]."""

    policy: Objective | None
    apart: tuple[Apart, ...]

    @property
    def several(self) -> bool:
        """Whether there are several counts; else value and count are scalars."""
        return len(self.apart) + (self.policy is not None) > 1

    def __call__(
        self,
        stats: TokenStats,
        rollout: Rollout,
        advantage: Advantage,
        read: Read | None = None,
    ) -> tuple[Sum, Metrics]:
        """The sums of all losses, and their metrics."""
        parts = [self.policy(stats, rollout, advantage)] if self.policy else []
        for one in self.apart:
            total, metrics = one.loss(stats, rollout, read or _nothing_else)
            weighed = coefficient(one.weight, rollout) * total.value
            parts.append((Sum(weighed, total.count), metrics))
        told = {name: x for _, metrics in parts for name, x in metrics.items()}
        sums = [total for total, _ in parts]
        if not self.several:
            return sums[0], told
        columns = (jnp.stack([x * 1.0 for x in xs]) for xs in zip(*sums, strict=True))
        return Sum(*columns), told


def _nothing_else(rollout: Rollout) -> TokenStats:
    raise ValueError(
        "this loss reads rows beside the sampled ones, and here is no policy that could"
    )
