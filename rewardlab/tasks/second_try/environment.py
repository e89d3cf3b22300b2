r"""A sum in two tries: the agent is asked again, whatever it has said.

    prompt   48+5+71=
    turns    #123\n   ?\n       nobody says whether the first answer is right
             #124\n             the second ends the episode

A turn keeps to the grammar if it is "#" number and a new line; any other is an attempt
that failed. So an agent is paid for mending its own answers, or for leaving right ones
as they are. (The setting of SCoRe, arXiv 2409.12917)
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from rewardlab.core.types import Rollout
from rewardlab.tasks.arithmetic.numbers import number_in
from rewardlab.tasks.arithmetic.verifier import TOKENIZER
from rewardlab.tasks.environment import Environment, Observation

MAX_TURNS = 2
ACTION_LENGTH = len("#1234\n") + 1  # one to spare: a cut-off turn is no answer
OBSERVATION_LENGTH = len("?\n")
COMPLETION_LENGTH = 2 * ACTION_LENGTH + OBSERVATION_LENGTH
REWARDS = ("attempt",)  # of turns
OUTCOMES = ("correct", "first_correct", "answer_id")  # of episodes

ASK, HASH, END = TOKENIZER.encode("?#\n")


class Tries(NamedTuple):
    """An episode's answer, and what was said."""

    answer: Int[Array, ""]
    turns: Int[Array, ""]
    first: Bool[Array, ""]  # the first try was right
    correct: Bool[Array, ""]  # the last was
    answered: Int[Array, ""]  # -1 where nothing could be read


def _init(facts: dict[str, Array]) -> Tries:
    no, zero = jnp.array(False), jnp.zeros((), jnp.int32)
    return Tries(facts["answer"], zero, no, no, zero - 1)


def _observe(
    state: Tries, action: Int[Array, " A"], length: Int[Array, ""]
) -> Observation:
    said = _read(action, length)
    right = said == state.answer
    done = state.turns + 1 >= MAX_TURNS
    text = jnp.array([ASK, END])
    return Observation(
        state=Tries(
            state.answer,
            state.turns + 1,
            jnp.where(state.turns == 0, right, state.first),
            right,
            said,
        ),
        tokens=jnp.where(done, TOKENIZER.pad_id, text),
        length=jnp.where(done, 0, OBSERVATION_LENGTH),
        done=done,
        rewards={"attempt": right.astype(jnp.float32)},
    )


def _read(action: Int[Array, " A"], length: Int[Array, ""]) -> Int[Array, ""]:
    """The number of "#" number new line; or -1."""
    return jnp.where(action[0] == HASH, number_in(action, length, begin=1), -1)


def _outcome(state: Tries) -> dict[str, Array]:
    facts = {"correct": state.correct & (state.turns == MAX_TURNS)}
    facts["first_correct"] = state.first
    known = {name: fact.astype(jnp.float32) for name, fact in facts.items()}
    return {**known, "answer_id": state.answered.astype(jnp.float32)}


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

    - `attempt` [N, S]: 1 if the turn is the right answer.
    - `correct` [N]: 1 if the second answer is right.
    - `first_correct` [N]: 1 if the first is.
    - `answer_id` [N]: the number that was answered last, or -1.
    """
    return rollout
