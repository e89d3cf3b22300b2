"""How surprised a model is by a completion: its log-probabilities as one number.

The signal `name` [N, T] holds the model's log-probabilities of the completion's tokens
in nats: another model's, or the policy's without the question. Without a name it is the
sampling policy, as channel `logp`.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from rewardlab.core import masked
from rewardlab.core.compose import add_channel, named, stateless
from rewardlab.core.types import Channels, RewardTransform, Rollout, SignalName
from rewardlab.transforms.sources.last_token import on_last_token
from rewardlab.transforms.sources.signals import validity

MOST = 88.0  # nats a token; exp of more is no float32


@named
def perplexity(name: SignalName = "") -> RewardTransform:
    """Adds channel `name`: exp(-mean_t log p_t) over the row's True tokens, >= 1.

    Two tokens of probability 1/2 and 1/8 -> 4.

    At most e^88, so that the difference of two huge ones is still a number.
    """
    return per_row(name, lambda surprise: jnp.exp(jnp.minimum(surprise, MOST)))


def per_row(name: SignalName, f: Callable[[Array], Array]) -> RewardTransform:
    """Adds channel `name`: f(-mean_t log p_t over the row's True tokens)."""

    def source(rewards: Channels, rollout: Rollout) -> Channels:
        logp = rollout.signal(name) if name else rollout.logp
        if logp.shape != rollout.mask.shape:
            raise ValueError(
                f"{name!r} needs a log-probability a token, {rollout.mask.shape}, and "
                f"has shape {logp.shape}"
            )
        value = f(-masked.row_mean(logp, rollout.mask))
        reward = on_last_token(value, validity(rollout, name or "logp"), rollout)
        return add_channel(rewards, name or "logp", reward)

    return stateless(source)


def follow_up_logprob(
    logits: Float[Array, "K T V"], tokens: Int[Array, "K T"], mask: Bool[Array, "K T"]
) -> Float[Array, " K"]:
    """Mean log-probability (nats) of each follow-up's True tokens; logits[t] predict t.

    A signal for `average`: how likely are replies to a good answer, or to a bad one.
    Adding a constant to the logits changes nothing.
    """
    logp = jax.nn.log_softmax(logits, axis=-1)
    chosen = jnp.take_along_axis(logp, tokens[..., None], axis=-1)[..., 0]
    return masked.row_mean(chosen, mask)


def self_certainty(
    logits: Float[Array, "N T V"], mask: Bool[Array, "N T"]
) -> Float[Array, " N"]:
    """mean_t (1 / V) sum_v p_v log(p_v V): how far from uniform the True tokens are.

    >= 0, and 0 for a uniform distribution (Shop-R1, arXiv 2507.17842; the form is taken
    from a summary).
    """
    return masked.row_mean(away_from_uniform(logits), mask)


def away_from_uniform(logits: Float[Array, "... V"]) -> Float[Array, "..."]:
    """(1 / V) sum_v p_v log(p_v V) of softmax(logits)."""
    logp, size = jax.nn.log_softmax(logits, axis=-1), logits.shape[-1]
    p = jnp.exp(logp)
    return jnp.mean(jnp.where(p > 0, p * (logp + jnp.log(size)), 0), axis=-1)
