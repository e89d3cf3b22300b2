"""The state of episodes that are being played, and its moves.

    advance   one more token in every row that is not waiting: the policy's, or the next
              one of an observation
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
from rewardlab.rollouts.drawing import Noise, Sampling, choose
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


class Playing(NamedTuple):
    """N episodes of up to T tokens and S turns."""

    cache: Cache
    logits: Float[Array, "N V"]  # of the next token
    tokens: Int[Array, "N T"]
    mask: Bool[Array, "N T"]  # the policy chose it
    step: Int[Array, "N T"]
    logp: Float[Array, "N T"]
    entropy: Float[Array, "N T"]  # of what the policy chose from, nats
    length: Int[Array, " N"]  # tokens so far
    began: Int[Array, " N"]  # where the turn's action begins
    turn: Int[Array, " N"]
    told: Int[Array, "N O"]  # the observation that is being written
    told_length: Int[Array, " N"]
    told_at: Int[Array, " N"]  # how much of it is
    waiting: Bool[Array, " N"]  # the turn has ended and the environment is to be asked
    end: Int[Array, " N"]
    taken: Bool[Array, "N S"]  # turns that the environment has judged
    anchor: Int[Array, "N S"]  # an id of the observation that each turn begins with
    rewards: dict[str, Float[Array, "N S"]]

    @property
    def active(self) -> Bool[Array, " N"]:
        """The rows that have a token to come."""
        return (self.end == End.NOT) & ~self.waiting

    @property
    def failed(self) -> Bool[Array, " N"]:
        """The rows whose environment failed."""
        return (self.end == End.ERROR) | (self.end == End.TIMEOUT)

    def actions(self, width: int) -> tuple[Int[Array, "N A"], Int[Array, " N"]]:
        """The turn's own tokens from the left, padded with 0, and how many they are."""
        count = self.length - self.began
        columns = self.began[:, None] + jnp.arange(width)
        at = jnp.minimum(columns, self.tokens.shape[1] - 1)
        action = jnp.take_along_axis(self.tokens, at, axis=1)
        return jnp.where(jnp.arange(width) < count[:, None], action, 0), count


def begin(
    cache: Cache,
    logits: Float[Array, "N V"],
    options: Sampling,
    limits: Limits,
    rewards: tuple[str, ...],
) -> Playing:
    """Episodes without a token; `rewards` names those of each turn."""
    n, width = logits.shape[0], options.max_completion_length
    zero, none = jnp.zeros(n, jnp.int32), jnp.zeros(n, bool)
    turns = limits.max_turns
    return Playing(
        cache=cache,
        logits=logits,
        tokens=jnp.full((n, width), options.pad_id, jnp.int32),
        mask=jnp.zeros((n, width), bool),
        step=jnp.full((n, width), -1, jnp.int32),
        logp=jnp.zeros((n, width)),
        entropy=jnp.zeros((n, width)),
        length=zero,
        began=zero,
        turn=zero,
        told=jnp.zeros((n, limits.observation_length), jnp.int32),
        told_length=zero,
        told_at=zero,
        waiting=none,
        end=zero,
        taken=jnp.zeros((n, turns), bool),
        anchor=jnp.zeros((n, turns), jnp.int32),
        rewards={name: jnp.zeros((n, turns)) for name in rewards},
    )


def advance(
    now: Playing,
    apply: Apply,
    params: Params,
    noise: Noise,
    options: Sampling,
    limits: Limits,
) -> Playing:
    """One more token in every active row, and the logits after it."""
    rows, width = jnp.arange(now.length.shape[0]), now.tokens.shape[1]
    active, own = now.active, now.active & (now.told_at >= now.told_length)
    token, logp = choose(now.logits, noise(now.length), options)
    scaled = now.logits / (options.temperature or 1.0)
    told = now.told[rows, jnp.minimum(now.told_at, now.told.shape[1] - 1)]
    token = jnp.where(own, token, jnp.where(active, told, options.pad_id))
    column = jnp.where(active, now.length, width)  # outside, where nothing is written

    def put(x: Array, value: Array) -> Array:
        return x.at[rows, column].set(value, mode="drop")

    length = now.length + active
    over = (token == limits.turn_end) | (length - now.began >= limits.action_length)
    waiting = now.waiting | (own & over)
    full = active & ~waiting & (length >= width)
    logits, cache = apply(params, token[:, None], now.cache.reading(active))
    return now._replace(
        cache=cache,
        logits=jnp.where(active[:, None], logits[:, 0], now.logits),
        tokens=put(now.tokens, token),
        mask=put(now.mask, own),
        step=put(now.step, jnp.where(own, now.turn, now.turn - 1)),
        logp=put(now.logp, jnp.where(own, logp, 0)),
        entropy=put(now.entropy, jnp.where(own, token_entropy(scaled), 0)),
        length=length,
        told_at=now.told_at + (active & ~own),
        waiting=waiting,
        end=jnp.where(full, End.TOKENS, now.end),
    )


def answer(now: Playing, seen: Observation, failed: Int[Array, " N"]) -> Playing:
    """What the environment says to the rows that wait for it.

    `seen` has N rows, `failed` is 0 or the `End` of rows for which it has no answer. A
    reward that is not finite is a failure too. A turn that failed is not judged.
    """
    rows, asked = jnp.arange(now.length.shape[0]), now.waiting
    for reward in seen.rewards.values():
        failed = jnp.where((failed > 0) | jnp.isfinite(reward), failed, End.ERROR)
    judged = asked & (failed == 0)
    column = jnp.where(judged, now.turn, now.taken.shape[1])

    def put(x: Array, value: Any) -> Array:
        return x.at[rows, column].set(value, mode="drop")

    room = seen.length < now.tokens.shape[1] - now.length
    last = now.turn + 1 >= now.taken.shape[1]
    end = jnp.select(
        [failed > 0, seen.done, last, ~room],
        [failed, *(jnp.full_like(failed, end) for end in ENDS)],
        End.NOT,
    )
    end = jnp.where(asked, end, now.end)
    goes_on = asked & (end == End.NOT)
    rewards = {k: put(x, seen.rewards[k]) for k, x in now.rewards.items()}
    following = jnp.where(goes_on, now.turn + 1, now.taken.shape[1])
    return now._replace(
        began=jnp.where(goes_on, now.length + seen.length, now.began),
        turn=now.turn + goes_on,
        told=jnp.where(goes_on[:, None], seen.tokens, now.told),
        told_length=jnp.where(goes_on, seen.length, now.told_length),
        told_at=jnp.where(goes_on, 0, now.told_at),
        waiting=jnp.zeros_like(asked),
        end=end.astype(now.end.dtype),
        taken=put(now.taken, True),
        anchor=now.anchor.at[rows, following].set(_identity(seen), mode="drop"),
        rewards=rewards,
    )


def rewind(now: Playing, turn: Int[Array, " N"], pad_id: int) -> Playing:
    """Rows as they were when `turn` began; a row that never began it stays ended.

    Cache and logits are left to the caller.
    """
    kept = (now.step >= 0) & (now.step < turn[:, None])
    judged = jnp.arange(now.taken.shape[1]) < turn[:, None]
    length, none = jnp.sum(kept, axis=1, dtype=jnp.int32), jnp.zeros_like(now.turn)
    return now._replace(
        tokens=jnp.where(kept, now.tokens, pad_id),
        mask=now.mask & kept,
        step=jnp.where(kept, now.step, -1),
        logp=jnp.where(kept, now.logp, 0),
        entropy=jnp.where(kept, now.entropy, 0),
        length=length,
        began=length,
        turn=jnp.minimum(turn, now.turn),
        told_length=none,
        told_at=none,
        end=jnp.where(turn > now.turn, now.end, End.NOT),
        taken=now.taken & judged,
        rewards={k: jnp.where(judged, x, 0) for k, x in now.rewards.items()},
    )


def _identity(seen: Observation) -> Int[Array, " N"]:
    """A number of each observation: a polynomial of its tokens modulo 2^32."""
    places = jnp.arange(seen.tokens.shape[1])
    text = jnp.where(places < seen.length[:, None], seen.tokens + 1, 0)
    weights = jnp.cumprod(jnp.full(places.shape, 0x01000193, jnp.uint32))
    return jnp.sum(text.astype(jnp.uint32) * weights, axis=1).astype(jnp.int32)
