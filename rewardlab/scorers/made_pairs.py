"""Pairs that are made: a right row with another answer, a demonstration, a file."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from rewardlab.core import masked
from rewardlab.core.types import Rollout
from rewardlab.data.batch import Batch
from rewardlab.data.pairs import read_pairs
from rewardlab.scorers.pair_losses import Pairs
from rewardlab.scorers.preferences import (
    Preference,
    Read,
    Source,
    keys_of,
    sampled,
    siblings,
)
from rewardlab.scorers.protocol import Context, Setting
from rewardlab.scorers.reading import rows_of

DIGITS = "0123456789"


def digits_replaced() -> Preference:
    """A right row of each prompt, and the same row with other digits in its answer.

    "3+4=7;#7" -> chosen, and "3+4=7;#2" rejected.

    Every digit of the answer moves on by the same number from 1 to 9, so none stays. A
    prompt that no row solves gives no pair. For tasks with `is_answer`, in tokens of
    digits. (After Cooper, arXiv 2508.05613, whose negatives a language model rewrites)
    """

    def make(setting: Setting) -> Source:
        digits = digit_ids(setting)

        def source(read: Read, context: Context, rollout: Rollout, batch: Batch) -> Any:
            solved = rollout.signal("correct") > 0.5
            solved &= masked.speaks(rollout, "correct")
            right = masked.by_prompt(solved, rollout)
            row = jnp.argmax(right, axis=1)  # the first that is right
            pick = lambda x: jnp.take_along_axis(  # noqa: E731
                masked.by_prompt(x, rollout), row[:, None, None], axis=1
            )
            tokens, valid = pick(rollout.tokens), pick(rollout.valid)
            answer = pick(rollout.signal("is_answer")) > 0.5
            draw = lambda key: jax.random.randint(key, (), 1, 10)  # noqa: E731
            by = jax.vmap(draw)(keys_of(context, batch))[:, None, None]
            wrong = jnp.where(answer, moved_on(tokens, digits, by), tokens)
            both = jnp.concatenate([tokens, wrong], axis=1)
            twice = jnp.concatenate([valid, valid], axis=1)
            changed = jnp.any(wrong != tokens, axis=(1, 2))
            whole = jnp.any(right, axis=1) & changed
            rows = rows_of(rollout.prompts, rollout.prompt_mask, both, twice)
            return of_two(read, rows, whole)

        return source

    return Preference(make, ("correct", "is_answer"))


def digit_ids(setting: Setting) -> Int[np.ndarray, "10"]:
    """The token of each digit; `ValueError` where a digit is no token of its own."""
    ids = [setting.tokenizer.encode(digit) for digit in DIGITS]
    if any(len(one) != 1 for one in ids):
        raise ValueError(
            "digits_replaced() needs a token for each digit, which the tokenizer of "
            "this task has not; name pairs of another kind"
        )
    return np.array([one[0] for one in ids], np.int32)


def moved_on(
    tokens: Int[Array, "*n"], digits: Int[np.ndarray, "10"], by: Int[Array, "*n"]
) -> Int[Array, "*n"]:
    """Digits that are `by` higher, modulo 10; what is no digit stays."""
    is_digit = tokens[..., None] == jnp.asarray(digits)
    new = (jnp.argmax(is_digit, axis=-1) + by) % 10
    return jnp.where(jnp.any(is_digit, axis=-1), jnp.asarray(digits)[new], tokens)


def of_two(read: Read, rows: Rollout, pair: Array) -> Pairs:
    """Pairs of rows that lie chosen, rejected, chosen, ...; `pair` says which count."""
    found = read(rows)
    both = found.score.reshape(len(found.score), -1, 2)
    shape = both.shape[:2]
    weight = jnp.broadcast_to(pair * 1.0, shape)
    ones, zeros = jnp.ones(shape), jnp.zeros(shape)
    logp = found.logp
    if logp is not None:
        logp = jnp.broadcast_to(logp.reshape(-1, 2)[:, 0], shape)
    return Pairs(both[..., 0], both[..., 1], weight, ones, zeros, logp)


def from_file(path: str) -> Preference:
    """Pairs of a file of JSON lines, `{"prompt": ..., "chosen": ..., "rejected": ...}`.

    Each prompt of a batch stands for one pair of the file, drawn by the problem's id
    and the iteration; the task's own rows and labels are not read. What is longer than
    a completion may be is refused when the run begins.
    """

    def make(setting: Setting) -> Source:
        length = setting.sizes.get("T", 0)
        table = read_pairs(path, setting.tokenizer, length)
        count = len(table.prompts)

        def source(read: Read, context: Context, rollout: Rollout, batch: Batch) -> Any:
            draw = lambda key: jax.random.randint(key, (), 0, count)  # noqa: E731
            at = jax.vmap(draw)(keys_of(context, batch))
            columns = [jnp.asarray(x)[at] for x in table]
            return of_two(read, rows_of(*columns), jnp.ones(len(at), bool))

        return source

    return Preference(make, (), ())


def demonstrated(reference: str = "reference_ids") -> Preference:
    """The reference answer of a prompt, chosen, against every row of the policy's.

    Rows that equal it make no pair. `reference_ids(column)` makes it of a column of
    text. (Learning a reward from demonstrations, as DR-IRL does, arXiv 2503.18991)
    """

    def make(setting: Setting) -> Source:
        def source(read: Read, context: Context, rollout: Rollout, batch: Batch) -> Any:
            shown = reference_rows_of(rollout.signal(reference), rollout)
            rows = read(rollout).score
            best = read(shown).score[:, :, None]  # [K, B, 1]
            pair = masked.by_prompt(~equal_rows(rollout, reference), rollout)
            pair &= masked.by_prompt(jnp.any(rollout.valid, axis=1), rollout)
            pair &= jnp.any(shown.valid, axis=1)[:, None]
            shape = (len(rows), *pair.shape)
            wide = [jnp.broadcast_to(x, shape) for x in (best, pair * 1.0)]
            lost = rows.reshape(shape)
            return Pairs(wide[0], lost, wide[1], jnp.ones(shape), jnp.zeros(shape))

        return source

    return Preference(make, (reference,), ())


def reference_rows_of(ids: Int[Array, "N T"], rollout: Rollout) -> Rollout:
    """The reference answer of each prompt as a row; ids below 0 are padding."""
    first = masked.by_prompt(ids, rollout)[:, :1]
    tokens = jnp.maximum(first, 0).astype(jnp.int32)
    return rows_of(rollout.prompts, rollout.prompt_mask, tokens, first >= 0)


def equal_rows(rollout: Rollout, reference: str) -> Array:
    """The rows that are the reference answer, token by token."""
    ids = rollout.signal(reference)
    own = jnp.where(rollout.valid, rollout.tokens, -1)
    return jnp.all(own == ids, axis=1)


def gap_to(
    read: Read, score: Float[Array, " N"], ids: Int[Array, "N T"], rollout: Rollout
) -> Float[Array, " N"]:
    """The score of each row less that of its prompt's reference answer."""
    shown = read(reference_rows_of(ids, rollout)).score[0]
    return score - shown[rollout.group]


# Words that stand in the brackets of a reward model, after `pairs=`.
PREFERENCES: dict[str, Callable[..., Preference]] = {
    "demonstrated": demonstrated,
    "digits_replaced": digits_replaced,
    "from_file": from_file,
    "sampled": sampled,
    "siblings": siblings,
}
