"""Episodes in a text environment: the device plays a turn, Python answers it.

Rows and noise are those of `rollout_episodes`: two environments that give the same
answers give the same episodes. All rows wait for the slowest of each turn, and every
turn is a round trip to the host; devices do not share the work, each repeats it.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Int

from rewardlab.core.types import Rollout
from rewardlab.models.lm import Apply, Params, unstacked
from rewardlab.rollouts.beliefs import beliefs
from rewardlab.rollouts.drawing import Sampling, row_noise
from rewardlab.rollouts.episodes import Columns, assemble_rollout, prefill_episodes
from rewardlab.rollouts.state import End, EpisodeState, advance, answer
from rewardlab.tasks.environment import Limits, Observation, Turn
from rewardlab.tasks.text_episodes import (
    Failure,
    HostEnvironment,
    ask,
    first,
    last,
    numbers,
)

_prefill_episodes = jax.jit(prefill_episodes, static_argnums=(0, 6, 7, 8))
_assemble_rollout = jax.jit(assemble_rollout)
_beliefs = jax.jit(beliefs, static_argnums=(0, 5))
_answer = jax.jit(answer, donate_argnums=0)
_unstacked = jax.jit(unstacked)


def rollout_episodes_on_host(
    apply: Apply,
    params: Params,
    columns: dict[str, Any],
    key: Array,
    iteration: Int[Array, ""],
    options: Sampling,
    world: HostEnvironment,
    belief: bool = False,
) -> Rollout:
    """G episodes for each prompt, as by `rollout_episodes`; `columns` may hold lists.

    A reward of None does not apply to its turn. An episode whose environment failed,
    or was late, has `ended_by` ERROR or TIMEOUT and no valid outcome.
    """
    num_generations, limits = options.num_generations, world.limits
    slots = limits.max_turns * (limits.action_length + limits.observation_length)
    params = _unstacked(params)  # once, not once a token
    record = _Record(world, _rows(columns, num_generations))
    columns = {name: x for name, x in columns.items() if not isinstance(x, list)}
    state, keys = _prefill_episodes(
        apply, params, columns, key, iteration, options, limits, (), slots
    )
    while True:
        state = _turn(state, apply, params, keys, options, limits)
        asked = jax.device_get(
            (state.awaiting_env, state.turn, *_actions(state, limits))
        )
        if not asked[0].any():
            break
        seen, failed = record.step(*asked)
        state = _answer(state, seen, failed)
    scored = record.scored(np.asarray(state.failed))
    rollout = _assemble_rollout(state, scored, columns, iteration)
    if belief:
        turns = limits.max_turns
        rollout = _beliefs(apply, params, rollout, state.cache, columns, turns)
    return rollout


def blank_episodes(
    apply: Apply,
    params: Params,
    columns: Columns,
    key: Array,
    iteration: Int[Array, ""],
    options: Sampling,
    world: HostEnvironment,
    belief: bool = False,
) -> Rollout:
    """Arrays of the shapes of `rollout_episodes_on_host`; asks no environment.
    Jittable."""
    limits = world.limits
    slots = limits.max_turns * (limits.action_length + limits.observation_length)
    case = (apply, params, columns, key, iteration, options, limits, (), slots)
    state, _ = prefill_episodes(*case)
    n = state.length.shape[0]
    of_turns, of_rows = jnp.zeros((n, limits.max_turns)), jnp.zeros(n)
    nothing = {k: (of_turns, of_turns > 0) for k in world.rewards}
    nothing |= {k: (of_rows, of_rows > 0) for k in world.outcomes}
    rollout = assemble_rollout(state, nothing, columns, iteration)
    if not belief:
        return rollout
    return beliefs(apply, params, rollout, state.cache, columns, limits.max_turns)


@functools.partial(jax.jit, static_argnums=(1, 5), donate_argnums=0)
def _turn(
    state: EpisodeState,
    apply: Apply,
    params: Params,
    keys: Array,
    options: Sampling,
    limits: Limits,
) -> EpisodeState:
    """Adds tokens until every row waits for its environment or has ended."""
    noise = row_noise(keys, options.max_completion_length, state.logits.shape[-1])
    return lax.while_loop(
        lambda state: jnp.any(state.active),
        lambda state: advance(state, apply, params, noise, options, limits),
        state,
    )


@functools.partial(jax.jit, static_argnums=1)
def _actions(state: EpisodeState, limits: Limits) -> tuple[Array, Array]:
    return state.actions(limits.action_length)


def _rows(columns: dict[str, Any], num_generations: int) -> list[dict[str, Any]]:
    """The columns' entries for each row, `num_generations` rows a prompt."""
    columns = {
        name: x if isinstance(x, list) else np.asarray(jax.device_get(x))
        for name, x in columns.items()
    }
    prompts = range(len(columns["id"]))
    return [
        {k: x[b] for k, x in columns.items()}
        for b in prompts
        for _ in range(num_generations)
    ]


class _Record:
    """States and rewards of the environments of N rows; NaN where nothing applies."""

    def __init__(self, world: HostEnvironment, columns: list[dict[str, Any]]) -> None:
        self.world = world
        self.states = [first(world.environment, row) for row in columns]
        shape = (len(columns), world.limits.max_turns)
        self.rewards = {name: np.full(shape, np.nan) for name in world.rewards}

    def step(
        self,
        awaiting_env: np.ndarray,
        turn: np.ndarray,
        action: np.ndarray,
        end: np.ndarray,
    ) -> tuple[Observation, np.ndarray]:
        """One step of the rows that wait; their actions are `action[:end]`."""
        world, n = self.world, len(self.states)
        tokens = np.zeros((n, world.limits.observation_length), np.int32)
        length, failed = np.zeros(n, np.int32), np.zeros(n, np.int32)
        done, rows = np.zeros(n, bool), np.flatnonzero(awaiting_env)
        acts = [action[row, : end[row]].tolist() for row in rows]
        ended = [ids[-1:] == [world.limits.turn_end] for ids in acts]
        pairs = zip(acts, ended, strict=True)
        texts = [self._text(ids[:-1] if over else ids) for ids, over in pairs]
        asked = [(self.states[r], x) for r, x in zip(rows, texts, strict=True)]
        coded: dict[int, list[int]] = {}  # what was answered, by the number of the row

        def complaint(i: int, turn: Turn) -> str:
            try:
                coded[i] = world.written(turn.text, ended[i])
            except (ValueError, TypeError) as error:
                return f"{type(error).__name__}: {error}"
            return self._complaint(turn, len(coded[i]))

        answers = ask(world.environment, asked, world.patience, complaint)
        for i, (row, reply) in enumerate(zip(rows, answers, strict=True)):
            if isinstance(reply, Failure):
                failed[row] = End.TIMEOUT if reply.timed_out else End.ERROR
                continue
            ids = coded[i]
            self.states[row] = reply.state
            tokens[row, : len(ids)], length[row], done[row] = ids, len(ids), reply.done
            for name, value in numbers(reply.rewards, "reward").items():
                self.rewards[name][row, turn[row]] = np.nan if value is None else value
        arrays = [jnp.asarray(x) for x in (tokens, length, done)]
        return Observation((), arrays[0], arrays[1], arrays[2], {}), failed

    def scored(self, failed: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """All signals and their validity; a row that failed has no valid outcome."""
        world = self.world
        outcomes = {name: np.full(len(failed), np.nan) for name in world.outcomes}
        for row in np.flatnonzero(~failed):
            outcome = last(world.environment, self.states[row], world.patience)
            for name, value in outcome.items():
                if name in outcomes and value is not None:
                    outcomes[name][row] = value
        values = {**self.rewards, **outcomes}
        return {k: (x.astype(np.float32), np.isfinite(x)) for k, x in values.items()}

    def _text(self, ids: list[int]) -> str:
        """An action as text, its end apart; other ends are shown as padding is."""
        tokenizer = self.world.tokenizer
        ends, pad = tokenizer.eos_ids, tokenizer.pad_id
        return tokenizer.decode([pad if i in ends else i for i in ids])

    def _complaint(self, turn: Turn, count: int) -> str:
        """What is wrong with an answer of so many tokens; "" if nothing is."""
        longest = self.world.limits.observation_length
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
