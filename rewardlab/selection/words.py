"""The words of `select`: which rows of a rollout are learned from."""

import dataclasses
import functools
from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Bool

from rewardlab.core import masked
from rewardlab.core.sentence import Language, build_each, fill, parse, reads
from rewardlab.core.types import Rollout, SignalName
from rewardlab.selection.brings import Brings
from rewardlab.selection.choosing import (
    leave_solved,
    prefer_hard,
    prefer_middling,
    prefer_valuable,
    replace_flat,
)
from rewardlab.selection.difficulty_filter import accuracy_within, all_shorter
from rewardlab.selection.groups import informative
from rewardlab.selection.hints import expert_rows, hint_failed
from rewardlab.selection.kept import (
    Selector,
    keep_best_and_another,
    keep_best_and_worst,
    keep_consistent,
    keep_first,
    keep_varied,
)
from rewardlab.selection.recalling import recall
from rewardlab.selection.refill import Refill, refill
from rewardlab.selection.replaying import replay_opposite, replay_solved

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
        ended, there = masked.heard(rollout, signal)
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
        value, has = masked.heard(rollout, signal)
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
    "replay_solved": replay_solved,
    "replay_opposite": replay_opposite,
    "recall": recall,
    "replace_flat": replace_flat,
    "prefer_valuable": prefer_valuable,
    "prefer_middling": prefer_middling,
    "prefer_hard": prefer_hard,
    "leave_solved": leave_solved,
    "hint_failed": hint_failed,
    "expert_rows": expert_rows,
}


def joined(*selectors: Selector) -> Select:
    """A function that masks the rows which the selectors drop, one after another.

    What stands before a word that brings rows in does not see those that came.
    """
    brings = [isinstance(word, Brings) for word in selectors]
    last = len(brings) - 1 - brings[::-1].index(True) if any(brings) else -1

    def select(rollout: Rollout) -> Rollout:
        rollout = rollout.with_signals(sampled=masked.sampled(rollout))
        came = masked.borrowed(rollout)
        for number, keep in enumerate(selectors):
            stays = came & (number < last)
            own = dataclasses.replace(rollout, mask=rollout.mask & ~stays[:, None])
            mask = rollout.mask & (keep(own) | stays)[:, None]
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
    return joined(*words_of(text))


def rounds_of(text: str) -> int:
    """How many times the problems of a batch an iteration is given.

    As often as `refill` may sample, or as a word that chooses problems says; once else.
    `ValueError` for a `refill` that is not the last word, and for two such words.
    """
    words = words_of(text)
    refills = [word for word in words if isinstance(word, Refill)]
    chooses = [word for word in words if isinstance(word, Brings) and word.among > 1]
    if refills and not isinstance(words[-1], Refill) or len(refills) > 1:
        raise ValueError(
            f"select={text!r}: refill looks at the rows that all other words keep; "
            "write it last"
        )
    if len(refills + chooses) > 1:
        raise ValueError(
            f"select={text!r} has two words that take the problems of a batch from "
            "more of them; leave one out"
        )
    return refills[0].rounds if refills else chooses[0].among if chooses else 1


def refills_of(text: str) -> int:
    """How often an iteration may sample."""
    rounds = [word.rounds for word in words_of(text) if isinstance(word, Refill)]
    return max(rounds, default=1)


def words_of(text: str) -> tuple[Selector, ...]:
    """What each word of the sentence makes, in order."""
    return build_each(fill(parse(text, SELECT), {})) if text.strip() else ()


def signals_of(text: str) -> set[str]:
    """The signals that the sentence reads."""
    return reads(parse(text, SELECT)) if text.strip() else set()
