"""Sums written out in steps, scored by array functions of the tokens.

    prompt       37+48+5=
    completion   37+48=85;85+5=90;#90<eos>

    completion   { equation } "#" number <eos>
    equation     number "+" number "=" number ";"
    number       "0", or up to 6 digits of which the first is not 0

A step ends with its `;` or with <eos>; the answer is the last step. A step that the
length limit cuts off has no score: nobody has seen how it ends.
"""

import dataclasses
import string
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Int

from rewardlab.core import masked
from rewardlab.core.types import Rollout
from rewardlab.tasks.environment import select
from rewardlab.text.tokenizers import CharTokenizer

LETTERS = string.ascii_lowercase + " \n.,:!?'\"()<>[]*/%-_^&"  # for other texts
TOKENIZER = CharTokenizer(string.digits + "+=;#" + LETTERS)
ZERO, PLUS, EQUALS, SEMICOLON, HASH = TOKENIZER.encode("0+=;#")

MAX_DIGITS = 6  # sums of such numbers fit int32
SHORTEST_EQUATION = len("0+0=0;")
SIGNALS = (
    "correct",
    "format",
    "parsed",
    "answer_id",
    "is_answer",
    "step_correct",
    "milestones",
    "prm",
)  # of completions  # of steps
PRM_RIGHT, PRM_WRONG = 0.9, 0.1  # as sure as process reward models are


def max_steps(length: int) -> int:
    """S: as many equations as fit `length` tokens, an answer, and one step to spare."""
    return length // SHORTEST_EQUATION + 2


def segment(rollout: Rollout) -> Rollout:
    """The rollout with its equations, and the answer, as steps.

    Tokens after S = `max_steps(T)` steps, which whole equations never reach, belong to
    the last step.
    """
    last = max_steps(rollout.tokens.shape[1]) - 1
    step = jnp.minimum(_ended_before(rollout), last)
    return dataclasses.replace(rollout, step=jnp.where(rollout.valid, step, -1))


def _ended_before(rollout: Rollout) -> Int[Array, "N T"]:
    """How many steps have ended before each token."""
    ends = rollout.valid & (rollout.tokens == SEMICOLON)
    return jnp.cumsum(ends, axis=1) - ends


def score(rollout: Rollout, columns: dict[str, Array]) -> Rollout:
    """Marks the steps of each completion and adds what is true of it as signals.

    `columns` are facts of the prompts: `answer` [B], and `terms` [B, K] padded with -1.
    With S = `max_steps(T)`:

    - `correct` [N]: 1 if the completion is well formed and its answer is right.
    - `format` [N]: 1 if it is whole equations, an answer and <eos>.
    - `parsed` [N]: 1 if it ends with an answer and <eos>, whatever stands before.
    - `answer_id` [N]: the number that it answers, or -1 where it is not `parsed`.
    - `is_answer` [N, T]: 1 on the digits of that answer.
    - `step_correct` [N, S]: 1 if the step is the next of the solution: the sum so far,
      plus the next term, equals their sum. After a slip, only doing that step again,
      rightly, is correct.
    - `milestones` [N, S]: the share of such steps that came before, in [0, 1].
    - `prm` [N, S]: what a process reward model sees, each equation by itself: 0.9 if
      it holds, else 0.1. Useless ones are paid too (`85+0=85;`, one already written,
      numbers of no prompt), so the sum over steps grows by writing more of them.
    - `prm_valid`, `step_correct_valid` [N, S]: the step exists, has ended and is not
      the answer.
    """
    steps = max_steps(rollout.tokens.shape[1])
    rollout = segment(rollout)
    step, before = rollout.step, _ended_before(rollout)
    answer, terms = columns["answer"][rollout.group], columns["terms"][rollout.group]
    read = jax.vmap(_read)(rollout.tokens, rollout.valid, answer, terms)

    slot = before[:, None, :] == jnp.arange(steps)[None, :, None]
    by_step = lambda fact: jnp.any(slot & fact[:, None, :], axis=2)  # noqa: E731
    scored, useful = by_step(read.step_ended), by_step(read.useful)
    parsed = jnp.any(read.parsed, axis=1)
    last = jnp.max(step, axis=1, keepdims=True)
    done = jnp.cumsum(useful, axis=1) - useful
    due = jnp.sum(terms >= 0, axis=1, keepdims=True) - 1
    prm = jnp.where(by_step(read.holds), PRM_RIGHT, PRM_WRONG)
    return rollout.with_signals(
        correct=jnp.any(read.correct, axis=1).astype(jnp.float32),
        format=jnp.any(read.formed, axis=1).astype(jnp.float32),
        parsed=parsed.astype(jnp.float32),
        answer_id=jnp.max(jnp.where(read.parsed, read.said, -1), axis=1),
        is_answer=(read.in_answer & parsed[:, None] & (step == last)).astype(
            jnp.float32
        ),
        step_correct=useful.astype(jnp.float32),
        step_correct_valid=scored,
        milestones=masked.safe_divide(done.astype(jnp.float32), due),
        prm=jnp.where(scored, prm, 0),
        prm_valid=scored,
    )


class _Facts(NamedTuple):
    """What becomes true with a token: most of it only where a step ends."""

    step_ended: Bool[Array, "..."]  # of a step that is not an answer
    holds: Bool[Array, "..."]
    useful: Bool[Array, "..."]
    parsed: Bool[Array, "..."]
    formed: Bool[Array, "..."]
    correct: Bool[Array, "..."]
    in_answer: Bool[Array, "..."]  # the token follows the "#" of its step
    said: Int[Array, "..."]  # what has been read of the answer


class _Reader(NamedTuple):
    """What is known of a completion before its next token."""

    numbers: Int[Array, "4"]  # of this step, by the parts below
    part: Int[Array, ""]  # which of them is being read
    digits: Int[Array, ""]  # how many of its digits have been
    legal: Bool[Array, ""]  # this step keeps to the grammar
    sound: Bool[Array, ""]  # so did the ones before it
    used: Int[Array, ""]  # terms in the sum of the correct steps


LEFT, RIGHT, RESULT, ANSWER = range(4)


def _read(
    tokens: Int[Array, " T"],
    valid: Bool[Array, " T"],
    answer: Int[Array, ""],
    terms: Int[Array, " K"],
) -> _Facts:
    """Reads one completion from left to right and tells the facts of each token."""
    terms = jnp.append(terms, -1)  # no number is -1: past the last term nothing is due
    sums = jnp.cumsum(terms)

    def advance(
        at: _Reader, now: tuple[Int[Array, ""], Bool[Array, ""]]
    ) -> tuple[_Reader, _Facts]:
        token, real = now
        by_semicolon = real & (token == SEMICOLON)
        by_end = real & (token == TOKENIZER.eos_ids[0])
        ended = by_semicolon | by_end
        whole = at.legal & (at.digits > 0)
        left, right, result, said = at.numbers

        equation = by_semicolon & whole & (at.part == RESULT)
        holds = equation & (left + right == result)
        useful = holds & (left == sums[at.used - 1]) & (right == terms[at.used])
        parsed = by_end & whole & (at.part == ANSWER)
        formed = parsed & at.sound
        correct = formed & (said == answer)

        fresh = _start()._replace(sound=at.sound & equation, used=at.used + useful)
        inside = select(real, _within_step(at, token), at)
        facts = _Facts(
            step_ended=ended & (at.part != ANSWER),
            holds=holds,
            useful=useful,
            parsed=parsed,
            formed=formed,
            correct=correct,
            in_answer=real & ~ended & (at.part == ANSWER),
            said=said,
        )
        return select(ended, fresh, inside), facts

    return lax.scan(advance, _start(), (tokens, valid))[1]


def _start() -> _Reader:
    zero, true = jnp.zeros((), jnp.int32), jnp.array(True)
    return _Reader(jnp.zeros(4, jnp.int32), zero, zero, true, true, zero + 1)


def _within_step(at: _Reader, token: Int[Array, ""]) -> _Reader:
    """The grammar of a step, a token at a time."""
    digit = token - ZERO
    is_digit = (digit >= 0) & (digit <= 9)
    number = at.numbers[at.part]
    after_zero = (at.digits > 0) & (number == 0)
    longer = is_digit & (at.digits < MAX_DIGITS) & ~after_zero

    to_right = (token == PLUS) & (at.part == LEFT) & (at.digits > 0)
    to_result = (token == EQUALS) & (at.part == RIGHT) & (at.digits > 0)
    to_answer = (token == HASH) & (at.part == LEFT) & (at.digits == 0)
    turns = at.legal & (to_right | to_result | to_answer)
    part = jnp.where(turns & to_answer, ANSWER, at.part + turns)
    return at._replace(
        numbers=at.numbers.at[at.part].set(
            jnp.where(longer, 10 * number + digit, number)
        ),
        part=part,
        digits=jnp.where(turns, 0, at.digits + longer),
        legal=at.legal & (longer | turns),
    )
