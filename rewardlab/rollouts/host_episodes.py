"""Episodes in a text environment: the device plays a turn, Python answers it.

The same rows as `play`, and the same noise: where two environments say the same, so do
the episodes. All rows wait for the slowest of each turn, and every turn is a round trip
to the host; devices do not share the work, each repeats it.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Int

from rewardlab.core.types import Rollout
from rewardlab.models.lm import Apply, Params
from rewardlab.rollouts.beliefs import beliefs
from rewardlab.rollouts.drawing import Sampling, gumbel_noise
from rewardlab.rollouts.episodes import Facts, closing, opening
from rewardlab.rollouts.playing import End, Playing, advance, answer
from rewardlab.tasks.environment import Limits, Observation, Turn
from rewardlab.tasks.text_episodes import (
    Failure,
    HostEnvironment,
    ask,
    first,
    last,
    numbers,
)

_opening = jax.jit(opening, static_argnums=(0, 5, 6, 7, 8))
_closing = jax.jit(closing)
_beliefs = jax.jit(beliefs, static_argnums=(0, 5))
_answer = jax.jit(answer, donate_argnums=0)


def play_on_host(
    apply: Apply,
    params: Params,
    facts: dict[str, Any],
    key: Array,
    iteration: Int[Array, ""],
    options: Sampling,
    world: HostEnvironment,
    belief: bool = False,
) -> Rollout:
    """G episodes for each prompt, as `play` gives them; `facts` may hold lists.

    A reward of None does not apply to its turn. An episode whose environment failed,
    or was late, has `ended_by` ERROR or TIMEOUT and no valid outcome.
    """
    count, limits = options.num_generations, world.limits
    slots = limits.max_turns * (limits.action_length + limits.observation_length)
    record = _Record(world, _rows(facts, count))
    facts = {name: x for name, x in facts.items() if not isinstance(x, list)}
    now, keys = _opening(
        apply, params, facts, key, iteration, options, limits, (), slots
    )
    while True:
        now = _turn(now, apply, params, keys, options, limits)
        asked = jax.device_get((now.waiting, now.turn, *_actions(now, limits)))
        if not asked[0].any():
            break
        seen, failed = record.hear(*asked)
        now = _answer(now, seen, failed)
    judged = record.judged(np.asarray(now.failed))
    rollout = _closing(now, judged, facts, iteration)
    if belief:
        turns = limits.max_turns
        rollout = _beliefs(apply, params, rollout, now.cache, facts, turns)
    return rollout


def unplayed_on_host(
    apply: Apply,
    params: Params,
    facts: Facts,
    key: Array,
    iteration: Int[Array, ""],
    options: Sampling,
    world: HostEnvironment,
    belief: bool = False,
) -> Rollout:
    """Arrays of the shapes of `play_on_host`, for which nobody is asked. Jittable."""
    limits = world.limits
    slots = limits.max_turns * (limits.action_length + limits.observation_length)
    case = (apply, params, facts, key, iteration, options, limits, (), slots)
    now, _ = opening(*case)
    n = now.length.shape[0]
    of_turns, of_rows = jnp.zeros((n, limits.max_turns)), jnp.zeros(n)
    nothing = {k: (of_turns, of_turns > 0) for k in world.rewards}
    nothing |= {k: (of_rows, of_rows > 0) for k in world.outcomes}
    rollout = closing(now, nothing, facts, iteration)
    if not belief:
        return rollout
    return beliefs(apply, params, rollout, now.cache, facts, limits.max_turns)


@functools.partial(jax.jit, static_argnums=(1, 4, 5), donate_argnums=0)
def _turn(
    now: Playing,
    apply: Apply,
    params: Params,
    keys: Array,
    options: Sampling,
    limits: Limits,
) -> Playing:
    """Goes on until every row waits for its environment or has ended."""
    noise = gumbel_noise(keys, options.max_completion_length, now.logits.shape[-1])
    return lax.while_loop(
        lambda now: jnp.any(now.active),
        lambda now: advance(now, apply, params, noise, options, limits),
        now,
    )


@functools.partial(jax.jit, static_argnums=1)
def _actions(now: Playing, limits: Limits) -> tuple[Array, Array]:
    return now.actions(limits.action_length)


def _rows(facts: dict[str, Any], count: int) -> list[dict[str, Any]]:
    """The columns' entries of each row, `count` rows a prompt."""
    columns = {
        name: x if isinstance(x, list) else np.asarray(jax.device_get(x))
        for name, x in facts.items()
    }
    prompts = range(len(columns["id"]))
    return [
        {k: x[b] for k, x in columns.items()} for b in prompts for _ in range(count)
    ]


class _Record:
    """What the environments of N rows have said so far; NaN where nothing applies."""

    def __init__(self, world: HostEnvironment, facts: list[dict[str, Any]]) -> None:
        self.world = world
        self.states = [first(world.environment, row) for row in facts]
        shape = (len(facts), world.limits.max_turns)
        self.rewards = {name: np.full(shape, np.nan) for name in world.rewards}

    def hear(
        self, waiting: np.ndarray, turn: np.ndarray, action: np.ndarray, end: np.ndarray
    ) -> tuple[Observation, np.ndarray]:
        """One step of the rows that wait, whose actions are `action[:end]`."""
        world, n = self.world, len(self.states)
        tokens = np.zeros((n, world.limits.observation_length), np.int32)
        length, failed = np.zeros(n, np.int32), np.zeros(n, np.int32)
        done, rows = np.zeros(n, bool), np.flatnonzero(waiting)
        asked = [(self.states[r], self._text(action[r, : end[r]])) for r in rows]
        answers = ask(world.environment, asked, world.patience, self._complaint)
        for row, said in zip(rows, answers, strict=True):
            if isinstance(said, Failure):
                failed[row] = End.TIMEOUT if said.timed_out else End.ERROR
                continue
            ids = world.tokenizer.encode(said.text)
            self.states[row] = said.state
            tokens[row, : len(ids)], length[row], done[row] = ids, len(ids), said.done
            for name, value in numbers(said.rewards, "reward").items():
                self.rewards[name][row, turn[row]] = np.nan if value is None else value
        arrays = [jnp.asarray(x) for x in (tokens, length, done)]
        return Observation((), arrays[0], arrays[1], arrays[2], {}), failed

    def judged(self, failed: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """All signals and where they are valid; no outcome of a row that failed."""
        world = self.world
        outcomes = {name: np.full(len(failed), np.nan) for name in world.outcomes}
        for row in np.flatnonzero(~failed):
            facts = last(world.environment, self.states[row], world.patience)
            for name, value in facts.items():
                if name in outcomes and value is not None:
                    outcomes[name][row] = value
        values = {**self.rewards, **outcomes}
        return {k: (x.astype(np.float32), np.isfinite(x)) for k, x in values.items()}

    def _text(self, ids: np.ndarray) -> str:
        """An action as text, its end apart; <eos> shows, as padding does."""
        tokenizer, end = self.world.tokenizer, self.world.limits.turn_end
        shown = np.where(ids == tokenizer.eos_id, tokenizer.pad_id, ids).tolist()
        return tokenizer.decode(shown[:-1] if shown[-1:] == [end] else shown)

    def _complaint(self, turn: Turn) -> str:
        """What is wrong with an answer; nothing for a good one."""
        longest = self.world.limits.observation_length
        try:
            count = len(self.world.tokenizer.encode(turn.text))
        except (ValueError, TypeError) as error:
            return f"{type(error).__name__}: {error}"
        if count > longest:
            return (
                f"an observation of {count} tokens is longer than observation_length="
                f"{longest}; cut it or raise that"
            )
        foreign = [name for name in turn.rewards if name not in self.rewards]
        if foreign:
            return f"it gave a reward {foreign[0]!r}; name it in `rewards`"
        try:
            numbers(turn.rewards, "reward")
        except ValueError as error:
            return str(error)
        return ""
