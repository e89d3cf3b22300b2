"""How a token is drawn: the options, the distribution, the noise and its keys."""

import dataclasses
import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

from rewardlab.models.logprobs import log_likelihood
from rewardlab.models.predictions import likeliest

# Noise for a whole rollout is drawn at once up to this many bytes, else token by token.
_NOISE_BYTES = 2**27
_GUMBEL = 4096  # the largest vocabulary with noise of its own for each token of it
_BLOCK = 256  # tokens whose probabilities are summed before one of them is chosen
Noise = Callable[[Int[Array, "*N"]], Float[Array, "N _"]]  # of token t of each row


@functools.partial(
    jax.tree_util.register_dataclass,
    data_fields=["temperature", "stops"],
    meta_fields=[
        *("num_generations", "max_completion_length", "eos_ids", "pad_id"),
        *("top_k", "top_p", "likeliest"),
    ],
)
@dataclasses.dataclass(frozen=True)
class Sampling:
    """How completions are drawn.

    Logits are divided by `temperature` (0 or None takes the likeliest token; another
    number is an argument of what is compiled, not another program), then cut to the
    `top_k` largest (0: all), then to the fewest of those that hold `top_p` of what is
    left. Logits that tie with the last one kept are kept. A row ends with any of
    `eos_ids`, or a string of the table `stops` (`text.stops`), which belong to it, or
    after `max_completion_length` tokens. Of the `likeliest` tokens that each token was
    chosen from, so many, ids and log-probs are kept, the chosen one's among them.
    """

    num_generations: int
    max_completion_length: int
    eos_ids: tuple[int, ...]
    pad_id: int
    temperature: float | Float[Array, ""] | None = 1.0
    top_k: int = 0
    top_p: float = 1.0
    stops: Int[Array, "S V"] | None = None
    likeliest: int = 0

    def __post_init__(self) -> None:
        for name in ("num_generations", "max_completion_length"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}; sample at least one")
        if isinstance(self.temperature, int | float):
            if self.temperature < 0:
                raise ValueError(
                    f"temperature={self.temperature}; 0 is greedy, none is less"
                )
            if self.temperature == 0:  # it takes the place of a number
                object.__setattr__(self, "temperature", None)
        if self.top_k < 0:
            raise ValueError(f"top_k={self.top_k}; write 0 to keep every token")
        if not 0 < self.top_p <= 1:
            raise ValueError(
                f"top_p={self.top_p}; it is a share of the mass, in (0, 1]"
            )

    def scaled(self, logits: Float[Array, "N V"]) -> Float[Array, "N V"]:
        """Logits over the temperature; as they are where it is greedy."""
        return logits if self.temperature is None else logits / self.temperature


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


def choose(
    logits: Float[Array, "N V"], noise: Float[Array, "N _"], options: Sampling
) -> tuple[Int[Array, " N"], Float[Array, " N"]]:
    """A token of each row, and its log-prob in the distribution it is drawn from.

    `noise` is that of `row_noise` for V tokens.
    """
    if options.temperature is None:
        token = jnp.argmax(logits, axis=-1).astype(jnp.int32)
        return token, jnp.zeros(token.shape)
    logits = truncate(options.scaled(logits), options.top_k, options.top_p)
    draw = gumbel_max if logits.shape[-1] <= _GUMBEL else inverse_cdf
    token = draw(logits, noise)
    return token, log_likelihood(logits, token)


def room_for(options: Sampling, shape: tuple[int, int], vocab: int) -> dict[str, Array]:
    """The signals of the likeliest tokens before any is known; {} if none are kept."""
    if not options.likeliest:
        return {}
    wide = (*shape, min(options.likeliest, vocab))
    return {"top_ids": jnp.zeros(wide, jnp.int32), "top_logp": jnp.zeros(wide)}


def compared(
    logits: Float[Array, "N V"], token: Int[Array, " N"], options: Sampling
) -> dict[str, Array]:
    """Of the next token, what `room_for` has room for."""
    if not options.likeliest:
        return {}
    found = likeliest(options.scaled(logits), token, options.likeliest)
    return dict(zip(("top_ids", "top_logp"), found, strict=True))


def gumbel_max(
    logits: Float[Array, "N V"], noise: Float[Array, "N V"]
) -> Int[Array, " N"]:
    """argmax(logits + Gumbel noise) is a draw from softmax(logits)."""
    return jnp.argmax(logits + noise, axis=-1).astype(jnp.int32)


def inverse_cdf(
    logits: Float[Array, "N V"], uniform: Float[Array, "N 2"]
) -> Int[Array, " N"]:
    """A draw from softmax(logits) of two uniform numbers in [0, 1).

    The first finds a block of 256 tokens, the second a token in it, so a token of
    little mass is as likely as it should be where one number of 2^23 would miss it.
    """
    n, size = logits.shape
    weights = jnp.exp(logits - jnp.max(logits, axis=-1, keepdims=True))
    weights = jnp.pad(weights, ((0, 0), (0, -size % _BLOCK))).reshape(n, -1, _BLOCK)
    block = _first_beyond(jnp.sum(weights, axis=-1), uniform[:, 0])
    inside = jnp.take_along_axis(weights, block[:, None, None], axis=1)[:, 0]
    return block * _BLOCK + _first_beyond(inside, uniform[:, 1])


def _first_beyond(
    weights: Float[Array, "N K"], share: Float[Array, " N"]
) -> Int[Array, " N"]:
    """The first place where the sum of `weights` so far is more than its `share`.

    Only a place with a positive weight is ever taken, the last such at the edge, also
    where float32 rounds a running sum the wrong way.
    """
    sums, some = jnp.cumsum(weights, axis=-1), weights > 0
    places = jnp.arange(weights.shape[-1])
    last = places == jnp.max(jnp.where(some, places, 0), axis=-1, keepdims=True)
    beyond = sums > share[:, None] * sums[:, -1:]
    return jnp.argmax(some & (beyond | last), axis=-1).astype(jnp.int32)


def row_keys(
    key: Array, iteration: Int[Array, ""], prompt_ids: Int[Array, " B"], rows: int
) -> Array:
    """fold_in(fold_in(fold_in(key, iteration), prompt id), sample index), [N]."""
    key = jax.random.fold_in(key, iteration)
    prompt_keys = jax.vmap(lambda i: jax.random.fold_in(key, i))(prompt_ids)
    fold = jax.vmap(jax.random.fold_in, in_axes=(None, 0))
    keys = jax.vmap(fold, in_axes=(0, None))(prompt_keys, jnp.arange(rows))
    return keys.reshape(-1, *keys.shape[2:])


def row_noise(keys: Array, width: int, vocab: int) -> Noise:
    """What is random in token t of each row: drawn ahead if it fits, else when asked.

    That is Gumbel noise for every token of a vocabulary of up to 4,096, and two uniform
    numbers for a larger one, of which all that noise would cost more than the head
    does. Both ways draw the same numbers; ahead, the random bits vectorise over the
    rollout. `t` is one number for all rows, or one for each [N].
    """
    size = vocab if vocab <= _GUMBEL else 2

    def one(key: Array, t: Int[Array, ""]) -> Float[Array, " _"]:
        key = jax.random.fold_in(key, t)
        kind = jax.random.gumbel if size == vocab else jax.random.uniform
        return kind(key, (size,))

    def draw(t: Int[Array, "*N"]) -> Float[Array, "N _"]:
        return jax.vmap(one)(keys, jnp.broadcast_to(t, keys.shape[:1]))

    if 4 * keys.shape[0] * width * size > _NOISE_BYTES:
        return draw
    ahead = jax.vmap(draw)(jnp.arange(width))
    rows = jnp.arange(keys.shape[0])
    return lambda t: ahead[t, rows] if jnp.ndim(t) else ahead[t]
