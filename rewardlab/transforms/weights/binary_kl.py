"""Weights that drop tokens on which the sampler and the trainer disagree."""

import jax.numpy as jnp

from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import (
    Coefficient,
    Reward,
    RewardTransform,
    Rollout,
    SignalName,
    coefficient,
)
from rewardlab.objectives.correction.rejection import at_most, binary_kl
from rewardlab.objectives.correction.weights import token_weights


@named
def mask_binary_kl(
    upper: Coefficient = 2.0, sampler: SignalName = "sampler_logp"
) -> RewardTransform:
    """A_t = w_t A_t where max(KL(p || b), KL(b || p)) <= upper, else 0; w_t = p / b.

    A = 1 with upper = 0.2: b = 0.5 and p = 0.6 -> 1.2; b = 0.5 and p = 0.9 -> 0.

    p and b are the probabilities of the sampled token under the policy before its
    update and under the sampler (the signal `sampler` [N, T] of log-probs), and the
    divergences, in nats, are of that token against all others: a bound of log-odds, not
    of probabilities. Without a bound it is the importance weight. Dropped tokens stay
    in the count of the loss's mean. (KPop of AReaL, arXiv 2505.24298)
    """

    def scale(reward: Reward, rollout: Rollout) -> Reward:
        here = lambda x: jnp.where(rollout.mask, x, 0)  # noqa: E731
        logp, behave = here(rollout.logp), here(rollout.signal(sampler))
        far = jnp.maximum(binary_kl(logp, behave), binary_kl(behave, logp))
        weight = token_weights(logp - behave, rollout.mask)
        keep = at_most(far, coefficient(upper, rollout))
        return reward.with_value(jnp.where(keep, reward.value * weight, 0))

    return per_channel(scale)
