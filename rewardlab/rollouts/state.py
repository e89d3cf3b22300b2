"""The state of unfinished episodes, and its moves.

    advance   one more token in every row that is not waiting: the policy's next token,
              or the next one of an observation
    answer    the environment's observation for the rows whose turn has ended
    rewind    back to the beginning of a turn

Every row goes at its own pace, and a token is read by the model once.
"""

import enum
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from rewardlab.models.cache import Cache
from rewardlab.models.lm import Apply, Params
from rewardlab.models.logprobs import token_entropy
from rewardlab.rollouts.drawing import Noise, Sampling, choose, compared, room_for
from rewardlab.tasks.environment import Limits, Observation


class End(enum.IntEnum):
    """How an episode ended: the signal `ended_by`."""

    NOT = 0
    DONE = 1  # the environment said so
    TURNS = 2  # after the last turn that it may have
    TOKENS = 3  # at the length limit, or with no room for an observation
    ERROR = 4  # the environment failed, or gave a reward that is not finite
    TIMEOUT = 5  # the environment did not answer in time


ENDS = (End.DONE, End.TURNS, End.TOKENS)  # the first that holds


class EpisodeState(NamedTuple):
    """N episodes of up to T tokens and S turns."""

    cache: Cache
    logits: Float[Array, "N V"]  # of the next token
    tokens: Int[Array, "N T"]
    mask: Bool[Array, "N T"]  # the policy chose it
    step: Int[Array, "N T"]
    logp: Float[Array, "N T"]
    entropy: Float[Array, "N T"]  # of what the policy chose from, nats
    top: dict[str, Array]  # `top_ids` and `top_logp` [N, T, K], if they are kept
    length: Int[Array, " N"]  # tokens so far
    turn_start: Int[Array, " N"]  # where the turn's action begins
    turn: Int[Array, " N"]
    obs_tokens: Int[Array, "N O"]  # the observation that is being written
    obs_length: Int[Array, " N"]
    obs_position: Int[Array, " N"]  # how much of it is written
    awaiting_env: Bool[Array, " N"]  # the turn has ended; the environment is due
    end: Int[Array, " N"]
    turn_scored: Bool[Array, "N S"]  # turns that the environment has scored
    anchor: Int[Array, "N S"]  # an id of the observation that each turn begins with
    rewards: dict[str, Float[Array, "N S"]]

    @property
    def active(self) -> Bool[Array, " N"]:
        """The rows that get another token."""
        return (self.end == End.NOT) & ~self.awaiting_env

    @property
    def failed(self) -> Bool[Array, " N"]:
        """The rows whose environment failed."""
        return (self.end == End.ERROR) | (self.end == End.TIMEOUT)

    def actions(self, width: int) -> tuple[Int[Array, "N A"], Int[Array, " N"]]:
        """The turn's own tokens, left-aligned and padded with 0, and their number."""
        count = self.length - self.turn_start
        columns = self.turn_start[:, None] + jnp.arange(width)
        at = jnp.minimum(columns, self.tokens.shape[1] - 1)
        action = jnp.take_along_axis(self.tokens, at, axis=1)
        return jnp.where(jnp.arange(width) < count[:, None], action, 0), count


def begin(
    cache: Cache,
    logits: Float[Array, "N V"],
    options: Sampling,
    limits: Limits,
    rewards: tuple[str, ...],
) -> EpisodeState:
    """Episodes without a token; `rewards` are the names of a turn's rewards."""
    n, width = logits.shape[0], options.max_completion_length
    zero, none = jnp.zeros(n, jnp.int32), jnp.zeros(n, bool)
    turns = limits.max_turns
    return EpisodeState(
        cache=cache,
        logits=logits,
        tokens=jnp.full((n, width), options.pad_id, jnp.int32),
        mask=jnp.zeros((n, width), bool),
        step=jnp.full((n, width), -1, jnp.int32),
        logp=jnp.zeros((n, width)),
        entropy=jnp.zeros((n, width)),
        top=room_for(options, (n, width), logits.shape[1]),
        length=zero,
        turn_start=zero,
        turn=zero,
        obs_tokens=jnp.zeros((n, limits.observation_length), jnp.int32),
        obs_length=zero,
        obs_position=zero,
        awaiting_env=none,
        end=zero,
        turn_scored=jnp.zeros((n, turns), bool),
        anchor=jnp.zeros((n, turns), jnp.int32),
        rewards={name: jnp.zeros((n, turns)) for name in rewards},
    )


def advance(
    state: EpisodeState,
    apply: Apply,
    params: Params,
    noise: Noise,
    options: Sampling,
    limits: Limits,
) -> EpisodeState:
    """One more token in every active row, and the logits after it."""
    rows, width = jnp.arange(state.length.shape[0]), state.tokens.shape[1]
    active, own = state.active, state.active & (state.obs_position >= state.obs_length)
    token, logp = choose(state.logits, noise(state.length), options)
    scaled, top = options.scaled(state.logits), compared(state.logits, token, options)
    position = jnp.minimum(state.obs_position, state.obs_tokens.shape[1] - 1)
    observed = state.obs_tokens[rows, position]
    token = jnp.where(own, token, jnp.where(active, observed, options.pad_id))
    column = jnp.where(active, state.length, width)  # outside, where nothing is written

    def put(x: Array, value: Array) -> Array:
        return x.at[rows, column].set(value, mode="drop")

    length = state.length + active
    over = (token == limits.turn_end) | (
        length - state.turn_start >= limits.action_length
    )
    awaiting_env = state.awaiting_env | (own & over)
    full = active & ~awaiting_env & (length >= width)
    logits, cache = apply(params, token[:, None], state.cache.reading(active))
    return state._replace(
        cache=cache,
        logits=jnp.where(active[:, None], logits[:, 0], state.logits),
        tokens=put(state.tokens, token),
        mask=put(state.mask, own),
        step=put(state.step, jnp.where(own, state.turn, state.turn - 1)),
        logp=put(state.logp, jnp.where(own, logp, 0)),
        entropy=put(state.entropy, jnp.where(own, token_entropy(scaled), 0)),
        top={
            k: put(state.top[k], jnp.where(own[:, None], x, 0)) for k, x in top.items()
        },
        length=length,
        obs_position=state.obs_position + (active & ~own),
        awaiting_env=awaiting_env,
        end=jnp.where(full, End.TOKENS, state.end),
    )


def answer(
    state: EpisodeState, seen: Observation, failed: Int[Array, " N"]
) -> EpisodeState:
    """Writes the environment's answers to the rows that wait for it.

    `seen` has N rows; `failed` is 0, or an `End` for rows without an answer. A reward
    that is not finite is a failure too. A turn that failed is not scored.
    """
    rows, asked = jnp.arange(state.length.shape[0]), state.awaiting_env
    for reward in seen.rewards.values():
        failed = jnp.where((failed > 0) | jnp.isfinite(reward), failed, End.ERROR)
    scored = asked & (failed == 0)
    column = jnp.where(scored, state.turn, state.turn_scored.shape[1])

    def put(x: Array, value: Any) -> Array:
        return x.at[rows, column].set(value, mode="drop")

    room = seen.length < state.tokens.shape[1] - state.length
    last = state.turn + 1 >= state.turn_scored.shape[1]
    end = jnp.select(
        [failed > 0, seen.done, last, ~room],
        [failed, *(jnp.full_like(failed, end) for end in ENDS)],
        End.NOT,
    )
    end = jnp.where(asked, end, state.end)
    goes_on = asked & (end == End.NOT)
    rewards = {k: put(x, seen.rewards[k]) for k, x in state.rewards.items()}
    following = jnp.where(goes_on, state.turn + 1, state.turn_scored.shape[1])
    return state._replace(
        turn_start=jnp.where(goes_on, state.length + seen.length, state.turn_start),
        turn=state.turn + goes_on,
        obs_tokens=jnp.where(goes_on[:, None], seen.tokens, state.obs_tokens),
        obs_length=jnp.where(goes_on, seen.length, state.obs_length),
        obs_position=jnp.where(goes_on, 0, state.obs_position),
        awaiting_env=jnp.zeros_like(asked),
        end=end.astype(state.end.dtype),
        turn_scored=put(state.turn_scored, True),
        anchor=state.anchor.at[rows, following].set(_identity(seen), mode="drop"),
        rewards=rewards,
    )


def rewind(state: EpisodeState, turn: Int[Array, " N"], pad_id: int) -> EpisodeState:
    """Rows as they were when `turn` began; a row that never began it stays ended.

    The caller restores cache and logits.
    """
    kept = (state.step >= 0) & (state.step < turn[:, None])
    before = jnp.arange(state.turn_scored.shape[1]) < turn[:, None]
    length, none = jnp.sum(kept, axis=1, dtype=jnp.int32), jnp.zeros_like(state.turn)
    return state._replace(
        tokens=jnp.where(kept, state.tokens, pad_id),
        mask=state.mask & kept,
        step=jnp.where(kept, state.step, -1),
        logp=jnp.where(kept, state.logp, 0),
        entropy=jnp.where(kept, state.entropy, 0),
        top={k: jnp.where(kept[..., None], x, 0) for k, x in state.top.items()},
        length=length,
        turn_start=length,
        turn=jnp.minimum(turn, state.turn),
        obs_length=none,
        obs_position=none,
        end=jnp.where(turn > state.turn, state.end, End.NOT),
        turn_scored=state.turn_scored & before,
        rewards={k: jnp.where(before, x, 0) for k, x in state.rewards.items()},
    )


def _identity(seen: Observation) -> Int[Array, " N"]:
    """A number of each observation: a polynomial of its tokens modulo 2^32."""
    places = jnp.arange(seen.tokens.shape[1])
    text = jnp.where(places < seen.length[:, None], seen.tokens + 1, 0)
    weights = jnp.cumprod(jnp.full(places.shape, 0x01000193, jnp.uint32))
    return jnp.sum(text.astype(jnp.uint32) * weights, axis=1).astype(jnp.int32)
