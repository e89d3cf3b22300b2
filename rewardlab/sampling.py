"""Prompts become a Rollout: prefill once, decode with a cache, stop when all ended."""

import dataclasses
import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from rewardlab.models.cache import Cache, start
from rewardlab.models.lm import Apply, Params
from rewardlab.models.logprobs import log_likelihood
from rewardlab.types import Rollout

# Noise for a whole rollout is drawn at once up to this many bytes, else token by token.
_NOISE_BYTES = 2**27


@dataclasses.dataclass(frozen=True)
class Sampling:
    """How completions are drawn.

    Logits are divided by `temperature` (0 takes the likeliest token), then cut to the
    `top_k` largest (0: all), then to the fewest of those that hold `top_p` of what is
    left. Logits that tie with the last one kept are kept. A row ends with `eos_id`,
    which belongs to it, or after `max_completion_length` tokens; an id that is not in
    the vocabulary, such as -1, never ends it.
    """

    num_generations: int
    max_completion_length: int
    eos_id: int
    pad_id: int
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0

    def __post_init__(self) -> None:
        for name in ("num_generations", "max_completion_length"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}; sample at least one")
        if self.temperature < 0:
            raise ValueError(
                f"temperature={self.temperature}; 0 is greedy, none is less"
            )
        if self.top_k < 0:
            raise ValueError(f"top_k={self.top_k}; write 0 to keep every token")
        if not 0 < self.top_p <= 1:
            raise ValueError(
                f"top_p={self.top_p}; it is a share of the mass, in (0, 1]"
            )


@functools.partial(jax.jit, static_argnames=("apply", "options"))
def sample(
    apply: Apply,
    params: Params,
    prompts: Int[Array, "B P"],
    prompt_mask: Bool[Array, "B P"],
    prompt_ids: Int[Array, " B"],
    key: Array,
    iteration: Int[Array, ""],
    options: Sampling,
) -> Rollout:
    """G = num_generations completions of each prompt, as one compiled program.

    `logp` is of the distribution that was really sampled, after temperature and
    truncation; a greedy token has logp 0. The noise of token t is a function of the
    run's `key`, `iteration`, prompt id, sample index and t alone, so a completion does
    not depend on which prompts share its batch or device (but for a tie: the last bits
    of a product may depend on the number of rows, and a token changes when two noisy
    logits are that close).

    Groups are numbered 0..B-1 within the call, `step` is 0, and there are no signals.
    The loop ends as soon as every row has.
    """
    rows, width = options.num_generations, options.max_completion_length
    first, cache = apply(params, prompts, start(prompt_mask))
    keys = _row_keys(key, iteration, prompt_ids, rows)
    noise = _noise(keys, width, first.shape[-1])
    slots = jnp.ones((keys.shape[0], max(width - 1, 1)), bool)
    state = _Decoding.begin(cache.fork(rows, slots), width, options.pad_id)
    state = _append(state, jnp.repeat(first[:, -1], rows, axis=0), noise, options)

    def decode(state: _Decoding) -> _Decoding:
        logits, cache = apply(params, state.tokens[state.t - 1][:, None], state.cache)
        return _append(state._replace(cache=cache), logits[:, 0], noise, options)

    state = lax.while_loop(_Decoding.goes_on, decode, state)
    n, mask = keys.shape[0], state.mask.T
    return Rollout(
        prompts=prompts,
        prompt_mask=prompt_mask,
        group=jnp.arange(n, dtype=jnp.int32) // rows,
        tokens=state.tokens.T,
        mask=mask,
        valid=mask,
        step=jnp.where(mask, 0, -1),
        logp=state.logp.T,
        signals={},
        iteration=jnp.asarray(iteration, jnp.int32),
    )


def truncate(
    logits: Float[Array, "N V"], top_k: int, top_p: float
) -> Float[Array, "N V"]:
    """Logits with -inf outside the `top_k` largest and then outside the nucleus.

    The nucleus is the shortest run of likeliest tokens whose mass reaches `top_p`.
    """
    size = logits.shape[-1]
    if not 0 < top_k < size and top_p == 1:
        return logits
    ordered = lax.top_k(logits, top_k if 0 < top_k < size else size)[0]
    p = jax.nn.softmax(ordered, axis=-1)
    inside = jnp.cumsum(p, axis=-1) - p < top_p
    least = jnp.min(jnp.where(inside, ordered, jnp.inf), axis=-1, keepdims=True)
    return jnp.where(logits >= least, logits, -jnp.inf)


class _Decoding(NamedTuple):
    """The loop's state after t tokens; time leads, so that a token is one slab."""

    t: Int[Array, ""]
    cache: Cache
    ended: Bool[Array, " N"]
    tokens: Int[Array, "T N"]
    logp: Float[Array, "T N"]
    mask: Bool[Array, "T N"]

    @classmethod
    def begin(cls, cache: Cache, width: int, pad_id: int) -> "_Decoding":
        n = cache.valid.shape[0]
        return cls(
            t=jnp.zeros((), jnp.int32),
            cache=cache,
            ended=jnp.zeros(n, bool),
            tokens=jnp.full((width, n), pad_id, jnp.int32),
            logp=jnp.zeros((width, n)),
            mask=jnp.zeros((width, n), bool),
        )

    def goes_on(self) -> Bool[Array, ""]:
        return (self.t < self.tokens.shape[0]) & ~jnp.all(self.ended)


Noise = Callable[[Int[Array, ""]], Float[Array, "N V"]]


def _append(
    state: _Decoding, logits: Float[Array, "N V"], noise: Noise, options: Sampling
) -> _Decoding:
    """Chooses token t of every row that has not ended."""
    token, logp = _choose(logits, noise(state.t), options)
    alive = ~state.ended
    token = jnp.where(alive, token, options.pad_id)
    return state._replace(
        t=state.t + 1,
        ended=state.ended | (token == options.eos_id),
        tokens=state.tokens.at[state.t].set(token),
        logp=state.logp.at[state.t].set(jnp.where(alive, logp, 0)),
        mask=state.mask.at[state.t].set(alive),
    )


def _choose(
    logits: Float[Array, "N V"], noise: Float[Array, "N V"], options: Sampling
) -> tuple[Int[Array, " N"], Float[Array, " N"]]:
    """argmax(logits + Gumbel noise) is a draw from softmax(logits)."""
    if options.temperature == 0:
        token = jnp.argmax(logits, axis=-1).astype(jnp.int32)
        return token, jnp.zeros(token.shape)
    logits = truncate(logits / options.temperature, options.top_k, options.top_p)
    token = jnp.argmax(logits + noise, axis=-1).astype(jnp.int32)
    return token, log_likelihood(logits, token)


def _row_keys(
    key: Array, iteration: Int[Array, ""], prompt_ids: Int[Array, " B"], rows: int
) -> Array:
    """fold_in(fold_in(fold_in(key, iteration), prompt id), sample index), [N]."""
    key = jax.random.fold_in(key, iteration)
    prompt_keys = jax.vmap(lambda i: jax.random.fold_in(key, i))(prompt_ids)
    fold = jax.vmap(jax.random.fold_in, in_axes=(None, 0))
    keys = jax.vmap(fold, in_axes=(0, None))(prompt_keys, jnp.arange(rows))
    return keys.reshape(-1, *keys.shape[2:])


def _noise(keys: Array, width: int, vocab: int) -> Noise:
    """Gumbel noise of token t: drawn ahead for all t if it fits, else when asked.

    Both draw the same numbers; ahead, the random bits vectorise over the rollout.
    """

    def draw(t: Int[Array, ""]) -> Float[Array, "N V"]:
        return jax.vmap(
            lambda k: jax.random.gumbel(jax.random.fold_in(k, t), (vocab,))
        )(keys)

    if 4 * keys.shape[0] * width * vocab > _NOISE_BYTES:
        return draw
    ahead = jax.vmap(draw)(jnp.arange(width))
    return lambda t: ahead[t]
