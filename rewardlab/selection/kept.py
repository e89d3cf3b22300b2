"""Words of `select` that keep some rows of each prompt, or some prompts."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from rewardlab.core import masked
from rewardlab.core.types import Rollout, Seed, SignalName
from rewardlab.selection import consistency, filtration
from rewardlab.selection.groups import greatest_share, group_std

Selector = Callable[[Rollout], Bool[Array, " N"]]


def keep_first(share: float = 0.5) -> Selector:
    """Keeps the first floor(share * n) of each prompt's n rows, and at least one.

    Of 64 rows the first 32. The others still vote in `majority_vote` (TTRL, arXiv
    2504.16084).
    """

    def keep(rollout: Rollout) -> Bool[Array, " N"]:
        there = jnp.any(rollout.mask, axis=1)
        rows = masked.sum_over_group(there.astype(jnp.int32), rollout)
        most = jnp.maximum(jnp.floor(share * rows + 1e-6), 1)
        return there & (_rank(rollout.group, there) < most)

    return keep


def keep_varied(signal: SignalName, share: float = 0.75) -> Selector:
    """Keeps the floor(share * B) prompts whose `signal` varies most; of equals the
    first.

    Spread is the standard deviation of a prompt's rows. Of four prompts with spreads
    0, 0.5, 0.1, 0 the first three stay. (SPEAR, arXiv 2509.22601)
    """

    def keep(rollout: Rollout) -> Bool[Array, " N"]:
        value, there = masked.heard(rollout, signal)
        prompts = rollout.prompts.shape[0]
        group = jnp.where(there, rollout.group, prompts)  # the last, of no prompt
        spread = group_std(jnp.where(there, value, 0), group, prompts + 1)[:prompts]
        return there & greatest_share(spread, share)[rollout.group]

    return keep


def keep_best_and_worst(signal: SignalName) -> Selector:
    """Keeps the rows of the greatest and of the least `signal` of each prompt.

    Of (3, 1, 2, 3) all but the third. A reward model is surest at its extremes. All
    rows that share an extreme stay, where the authors' code takes one. (PF-PPO, arXiv
    2409.06957)
    """

    def keep(rollout: Rollout) -> Bool[Array, " N"]:
        value, there = masked.heard(rollout, signal)
        groups = rollout.group, rollout.prompts.shape[0], True
        low, high = jnp.where(there, value, jnp.inf), jnp.where(there, value, -jnp.inf)
        best = filtration.best_of_group(high, *groups)
        return there & (best | filtration.worst_of_group(low, *groups))

    return keep


def keep_best_and_another(signal: SignalName, seed: Seed = 0) -> Selector:
    """Keeps the greatest `signal` of each prompt and one of its other rows at random.

    Of (3, 1, 2, 3) the first, and another that is drawn anew in each iteration. The
    rule that is active in the authors' trainer. (PF-PPO, arXiv 2409.06957)
    """

    def keep(rollout: Rollout) -> Bool[Array, " N"]:
        value, there = masked.heard(rollout, signal)
        prompts = rollout.prompts.shape[0]
        group = jnp.where(there, rollout.group, prompts)  # the last, of no prompt
        key = jax.random.fold_in(jax.random.key(seed), rollout.iteration)
        return there & filtration.best_and_another(key, value, group, prompts + 1)

    return keep


def keep_consistent(
    signal: SignalName, steps: SignalName, share: float = 0.5, charge: float = 10.0
) -> Selector:
    """Keeps rows whose step scores agree with their outcome, right and wrong balanced.

    Each prompt loses floor(share * n) of its n rows, the least consistent ones: of 8
    rows 4. A row is right if `signal` [N] is at least 0.5; the step scores are the
    signal `steps` [N, S]. Rows with fewer than 2 or more than 30 of them are charged.
    Of equally consistent rows the first goes. (PROF, arXiv 2509.03403, as its code)
    """

    def keep(rollout: Rollout) -> Bool[Array, " N"]:
        value, there = masked.heard(rollout, signal)
        right, wrong = there & (value >= 0.5), there & (value < 0.5)
        score, placed = step_scores(rollout, steps)
        critic = consistency.step_consistency(score, placed, right)
        critic += consistency.length_charge(jnp.sum(placed, axis=1), charge)
        prompts = rollout.prompts.shape[0]
        rows = masked.group_sum(there.astype(jnp.int32), rollout)
        remove = jnp.floor(share * rows + 1e-6).astype(jnp.int32)
        return consistency.keep_consistent(
            critic, right, wrong, rollout.group, prompts, remove
        )

    return keep


def step_scores(
    rollout: Rollout, name: str
) -> tuple[Float[Array, "N T"], Bool[Array, "N T"]]:
    """The signal [N, S] on the last True token of each step, and where it stands."""
    value = rollout.signal(name)
    valid = masked.speaks(rollout, name)
    valid = jnp.broadcast_to(valid[:, None] if valid.ndim == 1 else valid, value.shape)
    column = jnp.clip(rollout.step, 0, value.shape[1] - 1)
    where = masked.step_ends(rollout) & (rollout.step < value.shape[1])
    where &= jnp.take_along_axis(valid, column, axis=1)
    return jnp.take_along_axis(value, column, axis=1), where


def _rank(group: Int[Array, " N"], there: Bool[Array, " N"]) -> Int[Array, " N"]:
    """How many rows of its group that are there come before each row."""
    order = jnp.arange(len(group))
    before = (group[None] == group[:, None]) & (order[None] < order[:, None])
    return jnp.sum(before & there[None], axis=1)
