r"""Multi-hop search: a private store of facts, and questions that need several of them.

    prompt   a7:rst?                which entity is reached from a7 by r, then s, then t
    turns    ?a7r\n  =k2\n          the store knows that r leads from a7 to k2
             ?k2s\n  =m5\n
             ?m5t\n  =b4\n
             #b4\n                  the answer ends the episode

An entity is a letter and a digit, a relation is a letter; both are drawn anew for each
problem, so they must be looked up. A turn keeps to the grammar if it is

    query    "?" entity relation    observed: "=" entity, or "=-" for an unknown fact
    answer   "#" entity

and a new line; any other turn is answered by "!".
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from rewardlab.core.types import Rollout
from rewardlab.tasks.arithmetic.verifier import TOKENIZER
from rewardlab.tasks.environment import Environment, Observation

MAX_HOPS = 4
MAX_TURNS = 7  # of 9 tokens, the last of 4: within 64
ACTION_LENGTH = len("?a7r\n") + 1  # one to spare: a cut-off turn is no query
OBSERVATION_LENGTH = len("=k2\n")
COMPLETION_LENGTH = 64
REWARDS = (
    "hop",
    "found",
    "useful",
    "format",
    "milestones",
    "progress",
    "potential",
)  # of turns
OUTCOMES = (
    "correct",
    "hops",
    "progress_end",
    "answer_id",
    "calls",
    "useless_calls",
)  # of episodes

ASK, HASH, EQUALS, DASH, WRONG, END = TOKENIZER.encode("?#=-!\n")
ZERO, NINE, FIRST, LAST = TOKENIZER.encode("09az")


class Episode(NamedTuple):
    """A store and its question, and how far the agent has come."""

    keys: Int[Array, "F 3"]  # entity and relation of each fact, as tokens
    values: Int[Array, "F 2"]  # the entity that they lead to
    path: Int[Array, " H+1"]  # the fact of each hop; -1 past the last
    answer: Int[Array, "2"]
    reached: Int[Array, ""]  # hops, in order
    calls: Int[Array, ""]
    correct: Bool[Array, ""]
    answered: Int[Array, ""]  # the entity as a number, -1 before there is one

    @property
    def hops(self) -> Int[Array, ""]:
        """How many hops lead to the answer; answering takes one turn more."""
        return jnp.sum(self.path >= 0)


def _init(facts: dict[str, Array]) -> Episode:
    none = jnp.zeros((), jnp.int32)
    path = jnp.append(facts["path"], -1)  # past the last hop no fact is due
    known = (facts["keys"], facts["values"], path, facts["answer"])
    no = jnp.array(False)
    return Episode(*known, reached=none, calls=none, correct=no, answered=none - 1)


def _observe(
    state: Episode, action: Int[Array, " A"], length: Int[Array, ""]
) -> Observation:
    entity = action[1:3]
    named = _between(action[1], FIRST, LAST) & _between(action[2], ZERO, NINE)
    asks = (length == 5) & (action[0] == ASK) & _between(action[3], FIRST, LAST)
    query = asks & named & (action[4] == END)
    done = (length == 4) & (action[0] == HASH) & named & (action[3] == END)

    matches = query & jnp.all(state.keys == action[1:4], axis=1)  # one at the most
    found = jnp.any(matches)
    hop = found & (jnp.argmax(matches) == state.path[state.reached])
    reached, hops = state.reached, state.hops
    correct = done & jnp.all(entity == state.answer)
    rewards = {"hop": hop, "found": found, "useful": hop | correct}
    rewards |= {"format": query | done}
    rewards |= {"milestones": reached / hops, "progress": reached / (hops + 1)}
    rewards["potential"] = reached - hops - 1
    said = 10 * (entity[0] - FIRST) + entity[1] - ZERO
    tokens, written = _answer(matches, state.values, query)
    return Observation(
        state=state._replace(
            reached=state.reached + hop,
            calls=state.calls + query,
            correct=correct,
            answered=jnp.where(done, said, -1),
        ),
        tokens=jnp.where(done, TOKENIZER.pad_id, tokens),
        length=jnp.where(done, 0, written),
        done=done,
        rewards={name: fact.astype(jnp.float32) for name, fact in rewards.items()},
    )


def _answer(
    matches: Bool[Array, " F"], values: Int[Array, "F 2"], query: Bool[Array, ""]
) -> tuple[Int[Array, " O"], Int[Array, ""]]:
    """What the store writes, and how many tokens that is."""
    first, second = jnp.sum(jnp.where(matches[:, None], values, 0), axis=0)
    pad = TOKENIZER.pad_id
    kind = jnp.where(query, jnp.where(jnp.any(matches), 0, 1), 2)
    known = jnp.stack([jnp.array(EQUALS), first, second, jnp.array(END)])
    others = jnp.array([[EQUALS, DASH, END, pad], [WRONG, END, pad, pad]])
    return jnp.vstack([known, others])[kind], jnp.array([4, 3, 2])[kind]


def _outcome(state: Episode) -> dict[str, Array]:
    hops = state.hops
    return {
        "correct": state.correct.astype(jnp.float32),
        "hops": state.reached / hops,
        "progress_end": jnp.where(state.correct, 1, state.reached / (hops + 1)),
        "answer_id": state.answered.astype(jnp.float32),
        "calls": state.calls.astype(jnp.float32),
        "useless_calls": (state.calls - state.reached).astype(jnp.float32),
    }


def _between(token: Int[Array, ""], low: int, high: int) -> Bool[Array, ""]:
    return (low <= token) & (token <= high)


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

    - `hop` [N, S]: 1 if the turn finds the next fact of the path, for the first time.
    - `found` [N, S]: 1 if it finds any fact, off the path or known already.
    - `useful` [N, S]: 1 if it advances the solution: such a fact, or the right answer.
    - `format` [N, S]: 1 if it keeps to the grammar.
    - `milestones` [N, S]: the share of the path that was reached before the turn.
    - `progress` [N, S]: likewise, with the answer as one more step of the path.
    - `potential` [N, S]: minus the turns that the shortest way takes from there.
    - `correct` [N]: 1 if the answer is right, however it was found.
    - `hops` [N]: the share of the path that was reached, from 0 to 1.
    - `progress_end` [N]: 1 if the answer is right, else `progress` after all turns.
    - `answer_id` [N]: a number for the entity that was answered, or -1.
    - `calls` [N]: queries that keep to the grammar.
    - `useless_calls` [N]: those of them that reach no new hop.
    """
    return rollout
