"""Prompts to sample once more with a hint: which they are; no run does it yet."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rewardlab.core import masked
from rewardlab.core.types import Rollout


def needs_hint(correct: Float[Array, " N"], rollout: Rollout) -> Bool[Array, " B"]:
    """Whether a prompt has answers and none of them is above 0.

    Guide-GRPO (arXiv 2506.13923) samples such prompts again with a hint. Whoever does
    so gives a rollout the prompt without the hint, and in `logp` what the policy gave
    the tokens with it: the ratio of the loss is then pi(o | q) / pi_old(o | q, hint).
    """
    answered = jnp.any(rollout.mask, axis=1)
    solved = masked.group_sum(jnp.where(answered, correct > 0, 0).astype(int), rollout)
    return (masked.group_sum(answered.astype(int), rollout) > 0) & (solved == 0)
