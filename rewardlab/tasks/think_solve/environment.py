r"""Two agents and a sum: a thinker writes a part of it, a solver the whole, twice.

    prompt   28+5+31=
    turns    33\n     #        the thinker's message: all terms but the last
             64\n     =        the solver's answer; the thinker is asked again
             33\n     #        nobody has said whether the first answer was right
             64\n              the solver's second answer ends the episode

`#` asks the solver and `=` the thinker; what an agent writes is a number and a new
line. A new line alone is a message without content. An agent that is left out (the
column `absent` of a problem has its id) says nothing: the environment writes its new
line, so that the other reads what it reads after such a message. Without the solver
there is no answer; without the thinker the solver has to add everything at once. (The
Think-Solve setting of CCPO, arXiv 2603.21563, with one policy in both roles)
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from rewardlab.core.types import Rollout
from rewardlab.tasks.arithmetic.numbers import MAX_DIGITS, NOTHING, number_in
from rewardlab.tasks.arithmetic.verifier import PRM_RIGHT, PRM_WRONG, TOKENIZER
from rewardlab.tasks.environment import Agents, Environment, Observation

THINKER, SOLVER = 0, 1
MAX_TURNS = 4  # of both, one after the other
ACTION_LENGTH = MAX_DIGITS + 2  # one to spare: a cut-off turn is no number
OBSERVATION_LENGTH = len("=\n#")
COMPLETION_LENGTH = MAX_TURNS * ACTION_LENGTH + len("#=#")
REWARDS = ("agent", "attempt", "step_correct", "prm", "format")  # of turns
OUTCOMES = ("correct", "first_correct", "answer_id")  # of episodes

ASKED, END = TOKENIZER.encode("=#"), TOKENIZER.encode("\n")[0]  # by the agent's id


class Dialogue(NamedTuple):
    """An episode's sum, who is left out, and what was said."""

    answer: Int[Array, ""]
    last: Int[Array, ""]  # the term that the thinker leaves to the solver
    absent: Int[Array, ""]  # an agent's id, or -1
    turn: Int[Array, ""]  # the next one, of those of both agents
    message: Int[Array, ""]  # the thinker's number of this round; -1 is none
    answered: Int[Array, ""]  # the solver's last number; -1 is none
    first: Bool[Array, ""]  # its first answer was right


def _init(facts: dict[str, Array]) -> Dialogue:
    terms = facts["terms"]
    last = terms[jnp.sum(terms >= 0) - 1]
    absent = jnp.asarray(facts.get("absent", NOTHING), jnp.int32)
    none, begun = jnp.full((), NOTHING, jnp.int32), jnp.where(absent == THINKER, 1, 0)
    turn = begun.astype(jnp.int32)
    return Dialogue(facts["answer"], last, absent, turn, none, none, jnp.array(False))


def _observe(
    state: Dialogue, action: Int[Array, " A"], length: Int[Array, ""]
) -> Observation:
    said, who = number_in(action, length), state.turn % 2
    thinks = who == THINKER
    part = state.answer - state.last
    told = jnp.where(state.message >= 0, state.message, part)
    right = said == jnp.where(thinks, part, state.answer)
    follows = said == jnp.where(thinks, part, told + state.last)
    answers = jnp.where(thinks, state.answered, said)
    skips = (1 - who) == state.absent
    turn = state.turn + 1 + skips
    done = turn >= MAX_TURNS
    tokens, written = _asked(1 - who, skips)
    rewards = {
        "agent": who,
        "attempt": right,
        "step_correct": follows,
        "prm": jnp.where(follows, PRM_RIGHT, PRM_WRONG),
        "format": said >= 0,
    }
    return Observation(
        state=state._replace(
            turn=turn,
            message=jnp.where(thinks & ~skips, said, NOTHING),
            answered=answers,
            first=jnp.where((state.turn == SOLVER) & ~thinks, right, state.first),
        ),
        tokens=jnp.where(done, TOKENIZER.pad_id, tokens),
        length=jnp.where(done, 0, written),
        done=done,
        rewards={name: x.astype(jnp.float32) for name, x in rewards.items()},
    )


def _asked(
    other: Int[Array, ""], skips: Bool[Array, ""]
) -> tuple[Int[Array, " O"], Int[Array, ""]]:
    """The mark of the other agent; and, if it is left out, its new line and the mark
    of the one that has just spoken."""
    marks = jnp.array(ASKED)
    whole = jnp.stack([marks[other], jnp.array(END), marks[1 - other]])
    written = jnp.where(skips, OBSERVATION_LENGTH, 1)
    there = jnp.arange(OBSERVATION_LENGTH) < written
    return jnp.where(there, whole, TOKENIZER.pad_id), written


def _outcome(state: Dialogue) -> dict[str, Array]:
    over = (state.turn >= MAX_TURNS) & (state.answered == state.answer)
    facts = {"correct": over, "first_correct": state.first, "answer_id": state.answered}
    return {name: fact.astype(jnp.float32) for name, fact in facts.items()}


def _without(columns: dict[str, Array], agent: int) -> dict[str, Array]:
    """The problems for the other agent alone; prompts have two tokens more."""
    prompts, there = columns["prompts"], columns["prompt_mask"]
    more = jnp.broadcast_to(jnp.array([END, ASKED[SOLVER]]), (len(prompts), 2))
    known = jnp.full(more.shape, agent == THINKER)
    both = [prompts, more.astype(prompts.dtype)], [there, known]
    order = 1 if agent == THINKER else -1  # of equal shape, whoever is left out
    tokens, mask = (jnp.concatenate(x[::order], axis=1) for x in both)
    absent = jnp.full(len(prompts), agent, jnp.int32)
    return {**columns, "prompts": tokens, "prompt_mask": mask, "absent": absent}


AGENTS = Agents(number=2, without=_without)
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

    - `agent` [N, S]: who wrote the turn, 0 the thinker, 1 the solver.
    - `attempt` [N, S]: 1 if the number is right: the thinker's part of the sum, the
      solver's answer.
    - `step_correct` [N, S]: 1 if it follows from what was said before: a solver's, from
      a wrong message too.
    - `prm` [N, S]: what a process reward model sees, each turn by itself: 0.9 where it
      follows, else 0.1.
    - `format` [N, S]: 1 if the turn is a number and a new line.
    - `correct` [N]: 1 if the solver's second answer is right.
    - `first_correct` [N]: 1 if its first is.
    - `answer_id` [N]: the number that was answered last, or -1.
    """
    return rollout
