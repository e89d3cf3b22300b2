"""How likely the policy finds the true answer, turn by turn."""

import jax.numpy as jnp
from jaxtyping import Array

from rewardlab.core.types import Rollout
from rewardlab.models.cache import Cache
from rewardlab.models.lm import Apply, Params
from rewardlab.models.logprobs import log_likelihood
from rewardlab.transforms.sources.belief import answer_probability


def beliefs(
    apply: Apply,
    params: Params,
    rollout: Rollout,
    cache: Cache,
    columns: dict[str, Array],
    turns: int,
) -> Rollout:
    """Adds the signal `belief` [N, S]: q_k, the belief in the truth before turn k.

        q_k = exp( mean_j log p(truth_j | prompt, turns before k, truth_<j) )

    (IGPO, arXiv 2510.14967.) `columns` hold `truth` [B, L] and `truth_mask`, the right
    answer as the policy would write it. `cache` has read all rows; each turn is a fork
    of it that reads the truth only: one short forward of N S rows. `belief_valid` marks
    the turns that a row has begun.
    """
    n, step = rollout.tokens.shape[0], rollout.step[:, None]
    k = jnp.arange(turns)[None, :, None]
    read = jnp.sum((step >= 0) & (step < k), axis=2).reshape(-1)  # tokens before k
    of_row, group = jnp.repeat(jnp.arange(n), turns), jnp.repeat(rollout.group, turns)

    # A fork begins with the last token that was read: its logits were not kept.
    rank = (jnp.cumsum(cache.valid, axis=1) - 1)[of_row]
    own = cache.valid[of_row] & (rank < read[:, None] - 1)
    width = rollout.prompts.shape[1]
    prompt = (read[:, None] > 0) | (jnp.arange(width) < width - 1)
    seen = jnp.concatenate([prompt & rollout.prompt_mask[group], own], axis=1)
    last = rollout.tokens[of_row, jnp.maximum(read - 1, 0)]
    last = jnp.where(read > 0, last, rollout.prompts[group, -1])

    truth, truth_mask = columns["truth"][group], columns["truth_mask"][group]
    text = jnp.concatenate([last[:, None], truth[:, :-1]], axis=1)
    fork = cache.fork(turns, jnp.ones(text.shape, bool), seen)
    logp = log_likelihood(apply(params, text, fork)[0], truth)
    shape = (n, turns, -1)
    belief = answer_probability(logp.reshape(shape), truth_mask.reshape(shape))
    begun = jnp.any(rollout.mask[:, None] & (step == k), axis=2)
    return rollout.with_signals(belief=jnp.where(begun, belief, 0), belief_valid=begun)
