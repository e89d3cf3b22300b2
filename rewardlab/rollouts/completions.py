"""Prompts become a Rollout: prefill once, decode with a cache, stop when all ended."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from rewardlab.core.evaluations import evaluated
from rewardlab.core.types import Rollout
from rewardlab.models.cache import Cache, start
from rewardlab.models.lm import Apply, Params, unstacked
from rewardlab.models.logprobs import token_entropy
from rewardlab.rollouts.drawing import (
    Noise,
    Sampling,
    choose,
    compared,
    room_for,
    row_keys,
    row_noise,
)
from rewardlab.text.ends import after


def rollout_completions(
    apply: Apply,
    params: Params,
    prompts: Int[Array, "B P"],
    prompt_mask: Bool[Array, "B P"],
    prompt_ids: Int[Array, " B"],
    key: Array,
    iteration: Int[Array, ""],
    options: Sampling,
    entropy: bool = False,
    states: bool = False,
) -> Rollout:
    """G = num_generations completions of each prompt, as one compiled program.

    `logp` is that of the distribution sampled from, after temperature and truncation; a
    greedy token has logp 0. The noise of token t is a function of the
    run's `key`, `iteration`, prompt id, sample index and t alone, so a completion does
    not depend on which prompts share its batch or device. (Ties are an exception: the
    last bits of a product may depend on the number of rows, and a token changes if two
    noisy logits are that close.)

    Groups are numbered 0..B-1 within the call and `step` is 0. The only signals are
    those asked for: `entropy` [N, T] of what each token was chosen from, untruncated,
    the `top_ids` and `top_logp` [N, T, K] of K = `options.likeliest` tokens of that,
    and the `hidden` states before each token [N, T, W], for which `apply` gives
    (logits, states) in the place of logits. The loop ends as soon as every row has
    ended.
    """
    rows = prompts.shape[0] * options.num_generations
    evaluated("restarts", rows, prompts.size + rows * options.max_completion_length)
    problems = (prompts, prompt_mask, prompt_ids)
    return _completions(
        apply, params, problems, key, iteration, options, entropy, states
    )


@functools.partial(jax.jit, static_argnames=("apply", "entropy", "states"))
def _completions(
    apply: Apply,
    params: Params,
    problems: tuple[Array, Array, Array],
    key: Array,
    iteration: Int[Array, ""],
    options: Sampling,
    entropy: bool,
    states: bool,
) -> Rollout:
    prompts, prompt_mask, prompt_ids = problems
    num_generations, width = options.num_generations, options.max_completion_length
    params = unstacked(params)  # once, not once a token
    first, cache = apply(params, prompts, start(prompt_mask), last=True)
    keys = row_keys(key, iteration, prompt_ids, num_generations)
    noise = row_noise(keys, width, jax.tree.leaves(first)[0].shape[-1])
    slots = jnp.ones((len(keys), max(width - 1, 1)), bool)
    kept = _room_for(first, (width, len(keys)), options, entropy, states)
    own = cache.fork(num_generations, slots)
    state = _Decoding.begin(own, width, options.pad_id, kept)
    each_row = lambda x: jnp.repeat(x[:, 0], num_generations, axis=0)  # noqa: E731
    state = _append(state, jax.tree.map(each_row, first), noise, options)

    def decode(state: _Decoding) -> _Decoding:
        logits, cache = apply(params, state.tokens[state.t - 1][:, None], state.cache)
        now = jax.tree.map(lambda x: x[:, 0], logits)
        return _append(state._replace(cache=cache), now, noise, options)

    state = lax.while_loop(_Decoding.goes_on, decode, state)
    group, mask = jnp.arange(len(keys), dtype=jnp.int32), state.mask.T
    return Rollout(
        prompts=prompts,
        prompt_mask=prompt_mask,
        group=group // num_generations,
        tokens=state.tokens.T,
        mask=mask,
        valid=mask,
        step=jnp.where(mask, 0, -1),
        logp=state.logp.T,
        signals={name: jnp.moveaxis(x, 0, 1) for name, x in state.kept.items()},
        iteration=jnp.asarray(iteration, jnp.int32),
    )


def _room_for(
    read: Array | tuple[Array, Array],
    shape: tuple[int, int],
    options: Sampling,
    entropy: bool,
    states: bool,
) -> dict[str, Array]:
    """The signals that are asked for, before any is known: [T, N, ...]."""
    found = {"entropy": jnp.zeros(shape)} if entropy else {}
    found |= {"hidden": jnp.zeros((*shape, read[1].shape[-1]))} if states else {}
    return found | room_for(options, shape, jax.tree.leaves(read)[0].shape[-1])


class _Decoding(NamedTuple):
    """The loop's state after t tokens; time leads, so that a token is one slab."""

    t: Int[Array, ""]
    cache: Cache
    ended: Bool[Array, " N"]
    stop: Int[Array, " N"]  # what is begun of a stop string: see `text.ends`
    tokens: Int[Array, "T N"]
    logp: Float[Array, "T N"]
    mask: Bool[Array, "T N"]
    kept: dict[str, Float[Array, "T N ..."]]  # signals that were asked for

    @classmethod
    def begin(
        cls, cache: Cache, width: int, pad_id: int, kept: dict[str, Array]
    ) -> "_Decoding":
        n = cache.valid.shape[0]
        return cls(
            t=jnp.zeros((), jnp.int32),
            cache=cache,
            ended=jnp.zeros(n, bool),
            stop=jnp.zeros(n, jnp.int32),
            tokens=jnp.full((width, n), pad_id, jnp.int32),
            logp=jnp.zeros((width, n)),
            mask=jnp.zeros((width, n), bool),
            kept=kept,
        )

    def goes_on(self) -> Bool[Array, ""]:
        return (self.t < self.tokens.shape[0]) & ~jnp.all(self.ended)


def _append(
    state: _Decoding,
    read: Float[Array, "N V"] | tuple[Array, Array],
    noise: Noise,
    options: Sampling,
) -> _Decoding:
    """Chooses token t of every row that has not ended."""
    logits, hidden = read if isinstance(read, tuple) else (read, None)
    token, logp = choose(logits, noise(state.t), options)
    alive, kept = ~state.ended, dict(state.kept)
    if "entropy" in kept:
        spread = token_entropy(options.scaled(logits))
        kept["entropy"] = kept["entropy"].at[state.t].set(jnp.where(alive, spread, 0))
    if hidden is not None:
        there = jnp.where(alive[:, None], hidden, 0)
        kept["hidden"] = kept["hidden"].at[state.t].set(there)
    for name, own in compared(logits, token, options).items():
        there = jnp.where(alive[:, None], own, 0)
        kept[name] = kept[name].at[state.t].set(there)
    token = jnp.where(alive, token, options.pad_id)
    over, stop = after(token, options.eos_ids, options.stops, state.stop)
    return state._replace(
        t=state.t + 1,
        ended=state.ended | over,
        stop=stop,
        tokens=state.tokens.at[state.t].set(token),
        logp=state.logp.at[state.t].set(jnp.where(alive, logp, 0)),
        mask=state.mask.at[state.t].set(alive),
        kept=kept,
    )
