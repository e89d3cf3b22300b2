"""The words of `select`: which rows of a rollout are learned from."""

import dataclasses
import functools
from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Bool

from rewardlab.core import masked
from rewardlab.core.sentence import Language, build_each, fill, parse, reads
from rewardlab.core.types import Rollout, SignalName
from rewardlab.selection.difficulty_filter import accuracy_within, all_shorter
from rewardlab.selection.groups import informative
from rewardlab.selection.kept import (
    Selector,
    heard,
    keep_best_and_another,
    keep_best_and_worst,
    keep_consistent,
    keep_first,
    keep_varied,
)
from rewardlab.selection.refill import Refill, refill

Select = Callable[[Rollout], Rollout]


def drop_uniform(signal: SignalName, min_std: float = 0.0) -> Selector:
    """Drops the rows of prompts whose `signal` is equal in all rows: std <= min_std.

    Of (1, 0), (1, 1) the second group is dropped. A group of one stays, as in verl's
    recipe of DAPO (arXiv 2503.14476), which samples other prompts in their place.
    Rows in which the signal abstained are dropped too.
    """

    return _by_prompt(signal, functools.partial(informative, min_std=min_std))


def keep_middling(signal: SignalName, low: float = 0.2, high: float = 0.8) -> Selector:
    """Keeps the rows of prompts whose mean `signal` lies in [low, high].

    Of (1, 0), (1, 1) the second group is dropped, and so is a verdict alone. PRIME
    (arXiv 2502.01456) samples other prompts in their place. Rows in which the signal
    abstained are dropped too.
    """
    return _by_prompt(signal, functools.partial(accuracy_within, low=low, high=high))


def drop_truncated(signal: SignalName = "finished") -> Selector:
    """Drops the rows that a limit cut off: those whose `signal` [N] is 0.

    They are in no baseline either. Of rows that ended, were cut off and ended the first
    and the last stay. (DAPO, arXiv 2503.14476, keeps them in the baseline)
    """

    def keep(rollout: Rollout) -> Bool[Array, " N"]:
        ended, there = heard(rollout, signal)
        return there & (ended > 0)

    return keep


def drop_truncated_prompts() -> Selector:
    """Drops the prompts of which a row fills all columns there are.

    Of two prompts with longest rows of 30 and 32 of 32 tokens the first stays. (PRIME,
    arXiv 2502.01456, samples others in their place)
    """

    def keep(rollout: Rollout) -> Bool[Array, " N"]:
        length = jnp.sum(rollout.valid, axis=1)
        prompts, limit = rollout.prompts.shape[0], rollout.valid.shape[1]
        whole = all_shorter(length, rollout.group, prompts, limit)
        return jnp.any(rollout.mask, axis=1) & whole[rollout.group]

    return keep


def _by_prompt(signal: str, rule: Callable[..., Bool[Array, " B"]]) -> Selector:
    """Keeps the rows of the prompts that `rule(values, group, groups)` says."""

    def keep(rollout: Rollout) -> Bool[Array, " N"]:
        value = rollout.signal(signal)
        has = rollout.signals.get(f"{signal}_valid", jnp.ones(value.shape, bool))
        has &= jnp.any(rollout.mask, axis=1)
        prompts = rollout.prompts.shape[0]
        group = jnp.where(has, rollout.group, prompts)  # the last, of no prompt
        kept = rule(jnp.where(has, value, 0), group, prompts + 1)
        return has & kept[rollout.group]

    return keep


SELECTORS: dict[str, Callable[..., Selector]] = {
    "drop_uniform": drop_uniform,
    "drop_truncated": drop_truncated,
    "drop_truncated_prompts": drop_truncated_prompts,
    "keep_middling": keep_middling,
    "keep_first": keep_first,
    "keep_varied": keep_varied,
    "keep_best_and_worst": keep_best_and_worst,
    "keep_best_and_another": keep_best_and_another,
    "keep_consistent": keep_consistent,
    "refill": refill,
}


def joined(*selectors: Selector) -> Select:
    """A function that masks the rows which the selectors drop, one after another."""

    def select(rollout: Rollout) -> Rollout:
        rollout = rollout.with_signals(sampled=masked.sampled(rollout))
        for keep in selectors:
            mask = rollout.mask & keep(rollout)[:, None]
            rollout = dataclasses.replace(rollout, mask=mask)
        return rollout

    return select


SELECT = Language("selector", SELECTORS, joined)


def select_rows(text: str) -> Select | None:
    """A function that masks the rows which the sentence drops; None if it is empty.

    `drop_uniform('correct')`; several words are joined by `|` and each sees what the
    ones before have left. A row that is dropped has no True token, so it is in no
    baseline, no average and no gradient; that it was sampled stays known
    (`masked.sampled`). Raises `ValueError` for what is no sentence.
    """
    if not text.strip():
        return None
    return joined(*build_each(fill(parse(text, SELECT), {})))


def rounds_of(text: str) -> int:
    """How often an iteration may sample: as `refill` says, and else once.

    `ValueError` for a `refill` that is not the last word.
    """
    if not text.strip():
        return 1
    *others, last = build_each(fill(parse(text, SELECT), {}))
    if any(isinstance(other, Refill) for other in others):
        raise ValueError(
            f"select={text!r}: refill looks at the rows that all other words keep; "
            "write it last"
        )
    return last.rounds if isinstance(last, Refill) else 1


def signals_of(text: str) -> set[str]:
    """The signals that the sentence reads."""
    return reads(parse(text, SELECT)) if text.strip() else set()
