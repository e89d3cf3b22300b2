r"""Long sums, with a tool that is right for hard steps and waste for easy ones.

    prompt   48+5+271=
    turns    48+5=53\n              in the head: nothing is observed
             ?53+271\n  324\n       a call: the tool writes the sum
             #324\n                 the answer ends the episode

A turn keeps to the grammar if it is

    step     number "+" number "=" number
    call     "?" number "+" number       observed: their sum
    answer   "#" number
    number   "0", or up to 4 digits of which the first is not 0

and a new line; any other turn is answered by "!". The next step of the solution adds
the next term to the sum so far, in this order. It is hard if both have two digits or
more. After a slip, only doing that step again, rightly, is correct.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from rewardlab.core.types import Rollout
from rewardlab.tasks.arithmetic.verifier import PRM_RIGHT, PRM_WRONG, TOKENIZER
from rewardlab.tasks.environment import Environment, Observation

MAX_DIGITS = 4
HARD = 10  # both numbers of a hard step are at least this
MAX_TURNS = 8
ACTION_LENGTH = 16  # a turn of so many tokens is cut off, and none of the grammar's
OBSERVATION_LENGTH = len("19998\n")
COMPLETION_LENGTH = 64
REWARDS = (
    "step_correct",
    "format",
    "call",
    "needed",
    "productive",
    "subgoals",
    "match",
    "prm",
    "duration",
)  # of turns
OUTCOMES = (
    "correct",
    "answer_id",
    "calls",
    "tool_calls",
    "least_calls",
    "useless_calls",
    "cost",
    "form",
)  # of episodes
PRICE = 1 / 64  # of a character that the tool writes: no episode costs 1

ZERO, PLUS, EQUALS, ASK, HASH, WRONG, END = TOKENIZER.encode("0+=?#!\n")
STEP, CALL, ANSWER = (PLUS, EQUALS, END), (PLUS, END), (END,)  # what ends their numbers


class Calculation(NamedTuple):
    """An episode's problem, and how far the agent has come."""

    terms: Int[Array, " K+1"]  # padded with -1; no number is -1, so nothing is due then
    answer: Int[Array, ""]
    used: Int[Array, ""]  # terms in the sum of the correct steps
    calls: Int[Array, ""]
    useful: Int[Array, ""]  # those that did a hard step
    correct: Bool[Array, ""]
    answered: Int[Array, ""]  # -1 before there is an answer
    written: Int[Array, ""]  # characters by the tool, at calls
    sound: Bool[Array, ""]  # every turn so far kept to the grammar

    @property
    def sums(self) -> Int[Array, " K+1"]:
        """The sum of the first terms, by the last of them."""
        return jnp.cumsum(jnp.maximum(self.terms, 0))

    @property
    def hard(self) -> Bool[Array, " K+1"]:
        """Whether adding each term is a hard step; the first is not added."""
        before = self.sums - jnp.maximum(self.terms, 0)
        return jnp.minimum(before, self.terms) >= HARD

    @property
    def all_used(self) -> Bool[Array, ""]:
        """No term is left to add."""
        return self.terms[self.used] < 0


class _Line(NamedTuple):
    """What a turn says: its kind, by the grammar, and its numbers."""

    step: Bool[Array, ""]
    call: Bool[Array, ""]
    answer: Bool[Array, ""]
    numbers: Int[Array, "3"]


def _init(facts: dict[str, Array]) -> Calculation:
    terms = jnp.append(facts["terms"], -1)
    zero = jnp.zeros((), jnp.int32)
    begun = (zero + 1, zero, zero, jnp.array(False), zero - 1, zero, jnp.array(True))
    return Calculation(terms, facts["answer"], *begun)


def _observe(
    state: Calculation, action: Int[Array, " A"], length: Int[Array, ""]
) -> Observation:
    line = _read(action, length)
    left, right, result = line.numbers
    due = (left == state.sums[state.used - 1]) & (right == state.terms[state.used])
    productive = line.call & due
    forward = productive | (line.step & due & (left + right == result))
    correct = line.answer & (left == state.answer)
    called = action[0] == ASK  # by the grammar or not
    hard = state.hard[state.used]
    needed = called & hard
    sound = (line.step & (left + right == result)) | line.call | line.answer
    rewards = {
        "step_correct": forward | correct,
        "format": line.step | line.call | line.answer,
        "call": called,
        "needed": needed,
        "productive": productive,
        "subgoals": forward,
        "match": (forward & (called == hard)) | (correct & state.all_used),
        "prm": jnp.where(sound, PRM_RIGHT, PRM_WRONG),
    }
    tokens, written = _written(line, left + right)
    by_tool = jnp.where(line.call, written, 0)
    rewards["duration"] = 1 + by_tool
    return Observation(
        state=state._replace(
            used=state.used + forward,
            calls=state.calls + called,
            useful=state.useful + (productive & needed),
            correct=correct,
            answered=jnp.where(line.answer, left, -1),
            written=state.written + by_tool,
            sound=state.sound & (line.step | line.call | line.answer),
        ),
        tokens=tokens,
        length=written,
        done=line.answer,
        rewards={name: fact.astype(jnp.float32) for name, fact in rewards.items()},
    )


def _read(action: Int[Array, " A"], length: Int[Array, ""]) -> _Line:
    """All tokens at once: each belongs to the number that the next mark ends."""
    place, digit = jnp.arange(action.shape[0]), action - ZERO
    begin = (action[0] == ASK) | (action[0] == HASH)
    inside = (place >= begin) & (place < length)
    is_digit = inside & (digit >= 0) & (digit <= 9)
    is_mark = inside & ~is_digit
    number = jnp.cumsum(is_mark) - is_mark
    member = inside & (number == jnp.arange(len(STEP))[:, None])

    marks = jnp.sum(jnp.where(member & is_mark, action, 0), axis=1)
    after = jnp.sum(jnp.where(member & is_mark, place, 0), axis=1)[:, None] - 1 - place
    worth = 10 ** jnp.clip(after, 0, MAX_DIGITS)
    numbers = jnp.sum(jnp.where(member & is_digit, digit * worth, 0), axis=1)
    digits = jnp.sum(member & is_digit, axis=1)
    no_zero_first = (digits == 1) | (numbers >= 10 ** (digits - 1))
    whole = (digits >= 1) & (digits <= MAX_DIGITS) & no_zero_first

    def reads(kind: tuple[int, ...]) -> Bool[Array, ""]:
        count = len(kind)
        ended = is_mark[length - 1] & (jnp.sum(is_mark) == count)
        return ended & jnp.all(whole[:count] & (marks[:count] == jnp.array(kind)))

    return _Line(
        step=~begin & reads(STEP),
        call=(action[0] == ASK) & reads(CALL),
        answer=(action[0] == HASH) & reads(ANSWER),
        numbers=numbers,
    )


def _written(
    line: _Line, total: Int[Array, ""]
) -> tuple[Int[Array, " O"], Int[Array, ""]]:
    """What the environment writes, and how many tokens that is."""
    place = jnp.arange(OBSERVATION_LENGTH)
    digits = 1 + jnp.sum(total >= 10 ** place[1:-1])
    digit = total // 10 ** jnp.maximum(digits - 1 - place, 0) % 10
    wrong = jnp.where(place == 0, WRONG, END)
    text = jnp.where(line.call, jnp.where(place < digits, ZERO + digit, END), wrong)
    length = jnp.where(line.call, digits + 1, 2)
    length = jnp.where(line.step | line.answer, 0, length)
    return jnp.where(place < length, text, TOKENIZER.pad_id), length


def _outcome(state: Calculation) -> dict[str, Array]:
    facts = {
        "correct": state.correct,
        "answer_id": state.answered,
        "calls": state.calls,
        "tool_calls": state.calls,
        "least_calls": jnp.sum(state.hard),
        "useless_calls": state.calls - state.useful,
        "cost": PRICE * state.written,
        "form": jnp.where(state.sound, 0, -1),
    }
    return {name: fact.astype(jnp.float32) for name, fact in facts.items()}


ENVIRONMENT = Environment(
    init=_init,
    observe=_observe,
    outcome=_outcome,
    turn_end=END,
    max_turns=MAX_TURNS,
    action_length=ACTION_LENGTH,
    observation_length=OBSERVATION_LENGTH,
)


def score(rollout: Rollout, columns: dict[str, Array]) -> Rollout:
    """The rollout as it is: every signal is the environment's.

    - `step_correct` [N, S]: 1 if the turn is the next step of the solution, by a call
      or, with the right sum, in the head; or the right answer.
    - `format` [N, S]: 1 if it keeps to the grammar.
    - `call` [N, S]: 1 if it is a call, which begins with `?`, well formed or not.
    - `needed` [N, S]: 1 if it is a call while a hard step is due.
    - `productive` [N, S]: 1 if it is a call of the next step of the solution.
    - `subgoals` [N, S]: 1 if the turn adds the next term, by a call or in the head.
    - `match` [N, S]: 1 if it is the turn of one who calls for hard steps alone, and
      answers when all terms are added.
    - `prm` [N, S]: what a process reward model sees, each turn by itself: 0.9 for an
      equation that holds, for a call and for an answer of the grammar, else 0.1.
    - `duration` [N, S]: seconds by a clock that is simulated: 1 for a turn, and 1 more
      for each character that the tool writes at a call.
    - `correct` [N]: 1 if the answer is right, however it was found.
    - `answer_id` [N]: the number that was answered, or -1.
    - `calls` [N]: how many calls there were; `tool_calls` is the same.
    - `least_calls` [N]: how many hard steps the problem has: the calls that pay.
    - `useless_calls` [N]: calls that are not needed, or not productive.
    - `cost` [N]: what the calls cost, 1/64 a character that the tool writes; below 1.
    - `form` [N]: 0, or -1 where a turn does not keep to the grammar.
    """
    return rollout
