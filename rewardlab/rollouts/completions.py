"""Prompts become a Rollout: prefill once, decode with a cache, stop when all ended."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from rewardlab.core.types import Rollout
from rewardlab.models.cache import Cache, start
from rewardlab.models.lm import Apply, Params
from rewardlab.rollouts.drawing import Noise, Sampling, choose, gumbel_noise, row_keys


@functools.partial(jax.jit, static_argnames=("apply", "options"))
def rollout_completions(
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

    `logp` is that of the distribution sampled from, after temperature and truncation; a
    greedy token has logp 0. The noise of token t is a function of the
    run's `key`, `iteration`, prompt id, sample index and t alone, so a completion does
    not depend on which prompts share its batch or device. (Ties are an exception: the
    last bits of a product may depend on the number of rows, and a token changes if two
    noisy logits are that close.)

    Groups are numbered 0..B-1 within the call, `step` is 0, and there are no signals.
    The loop ends as soon as every row has ended.
    """
    num_generations, width = options.num_generations, options.max_completion_length
    first, cache = apply(params, prompts, start(prompt_mask))
    keys = row_keys(key, iteration, prompt_ids, num_generations)
    noise = gumbel_noise(keys, width, first.shape[-1])
    slots = jnp.ones((keys.shape[0], max(width - 1, 1)), bool)
    state = _Decoding.begin(cache.fork(num_generations, slots), width, options.pad_id)
    state = _append(
        state, jnp.repeat(first[:, -1], num_generations, axis=0), noise, options
    )

    def decode(state: _Decoding) -> _Decoding:
        logits, cache = apply(params, state.tokens[state.t - 1][:, None], state.cache)
        return _append(state._replace(cache=cache), logits[:, 0], noise, options)

    state = lax.while_loop(_Decoding.goes_on, decode, state)
    n, mask = keys.shape[0], state.mask.T
    return Rollout(
        prompts=prompts,
        prompt_mask=prompt_mask,
        group=jnp.arange(n, dtype=jnp.int32) // num_generations,
        tokens=state.tokens.T,
        mask=mask,
        valid=mask,
        step=jnp.where(mask, 0, -1),
        logp=state.logp.T,
        signals={},
        iteration=jnp.asarray(iteration, jnp.int32),
    )


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


def _append(
    state: _Decoding, logits: Float[Array, "N V"], noise: Noise, options: Sampling
) -> _Decoding:
    """Chooses token t of every row that has not ended."""
    token, logp = choose(logits, noise(state.t), options)
    alive = ~state.ended
    token = jnp.where(alive, token, options.pad_id)
    return state._replace(
        t=state.t + 1,
        ended=state.ended | (token == options.eos_id),
        tokens=state.tokens.at[state.t].set(token),
        logp=state.logp.at[state.t].set(jnp.where(alive, logp, 0)),
        mask=state.mask.at[state.t].set(alive),
    )
