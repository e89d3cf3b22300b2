"""Environments that an agent acts in, turn by turn.

    prompt | action | observation | action | observation | ... | action
           '------- turn 0 -------'------- turn 1 -------'     last turn

An `Environment` is pure functions of one episode: a whole episode, sampling and all, is
one compiled program. A `TextEnvironment` is the same record in Python, for tools that
need it: `tasks.text_episodes` asks it once a turn for all rows.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from rewardlab.text import Text

State = Any  # a pytree of arrays, whose shapes do not change


class Observation(NamedTuple):
    """What one action leads to."""

    state: State
    tokens: Int[Array, " O"]  # what the environment writes, from the left
    length: Int[Array, ""]  # how many of them there are
    done: Bool[Array, ""]  # the episode is over; nothing is written any more
    rewards: dict[str, Float[Array, ""]]  # of this turn, by the signal's name


class Limits(NamedTuple):
    """How long turns and episodes may be; `turn_end` is the token that ends a turn."""

    turn_end: int
    max_turns: int  # S
    action_length: int  # A, tokens
    observation_length: int  # O, tokens


class Environment(NamedTuple):
    """An environment for one episode; the sampler maps it over rows.

    `init(facts)` gives the first state, where `facts` are the columns of one prompt.
    `observe(state, action, length)` is asked when a turn ends: `action` [A] holds the
    turn's `length` tokens from the left, its `turn_end` included if the policy wrote
    it, and padding after them. `outcome(state)` are facts about a whole episode, by the
    signal's name, 0 or 1 for `correct`; of an episode that was cut off, too.

    A turn ends with `turn_end` or after A tokens. The episode ends when the environment
    says so, after S turns, or at the length limit.
    """

    init: Callable[[dict[str, Array]], State]
    observe: Callable[[State, Int[Array, " A"], Int[Array, ""]], Observation]
    outcome: Callable[[State], dict[str, Float[Array, ""]]]
    turn_end: int
    max_turns: int  # S
    action_length: int  # A, tokens
    observation_length: int  # O, tokens

    @property
    def limits(self) -> Limits:
        """Its last four fields."""
        return Limits(*self[3:])


class Agents(NamedTuple):
    """Several agents that take turns: a reward `agent` says who wrote each turn, from 0
    on.

    `without(columns, agent)` gives the problems' columns for episodes in which that
    agent says nothing; prompts may be longer, by equally much for each agent. What such
    an episode is worth is the signals `solo` and `marginal`.
    """

    number: int
    without: Callable[[dict[str, Array], int], dict[str, Array]]


class Turn(NamedTuple):
    """What one action leads to, in Python; a reward of None does not apply.

    `text` is what the environment says: text as it stands in the row, or messages.
    """

    state: Any
    text: Text
    done: bool
    rewards: dict[str, float | None]


class TextEnvironment(NamedTuple):
    """An environment in Python, for one episode.

    `reset(facts)` gives the first state from one problem's columns; `step(state,
    action)` reads an action as text, its end apart, and may be an `async def`;
    `outcome(state)` as above.
    """

    reset: Callable[[dict[str, Any]], Any]
    step: Callable[[Any, str], Any]  # a `Turn`, or what is awaited for one
    outcome: Callable[[Any], dict[str, float | None]]


def select(condition: Bool[Array, ""], yes: State, no: State) -> State:
    """One of two states, leaf by leaf."""
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), yes, no)
