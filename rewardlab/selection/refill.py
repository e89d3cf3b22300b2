"""Dynamic sampling: prompts that teach nothing are replaced by others."""

import dataclasses

import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from rewardlab.core.intervals import need
from rewardlab.core.types import Rollout, Static
from rewardlab.selection.kept import Selector


@dataclasses.dataclass(frozen=True)
class Refill:
    """A selector that keeps every row, and asks for up to `rounds` samplings."""

    rounds: int

    def __call__(self, rollout: Rollout) -> Bool[Array, " N"]:
        return jnp.any(rollout.mask, axis=1)


def refill(rounds: Static[int] = 3) -> Selector:
    """Samples other problems in the place of those of which no row is kept.

    Stands last: the words before it say which rows are kept. An iteration samples a
    batch of problems at most `rounds` times, and ends when each of the B places has a
    prompt with a kept row; a place that never gets one keeps its first prompt, whose
    rows stay dropped. Of 4 places, of which 1 and 2 are kept at once and one of the
    next four, three teach after two rounds. An iteration takes rounds * B problems off
    the data whether it needs them or not, so that the place in the data is a function
    of the step. (DAPO, arXiv 2503.14476, section 3.2)
    """
    need("refill", "[1, inf)", rounds=rounds)
    return Refill(rounds)


def places_for(
    full: Bool[Array, " B"], kept: Bool[Array, " B"]
) -> tuple[Bool[Array, " B"], Int[Array, " B"]]:
    """Which places are filled now, and by which of the new prompts.

    The first empty place gets the first prompt that is kept, and so on:
    full (1, 0, 0), kept (0, 1, 0) -> (0, 1, 0), (_, 1, _).
    """
    rank = jnp.cumsum(~full) - 1  # of each empty place among the empty ones
    first = jnp.argsort(~kept, stable=True)  # new prompts, kept ones before others
    filled = ~full & (rank < jnp.sum(kept))
    return filled, first[jnp.clip(rank, 0, len(full) - 1)]
