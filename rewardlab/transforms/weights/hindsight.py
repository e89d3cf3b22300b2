"""Turns that seem likely once the end is known mattered more."""

import jax.numpy as jnp

from rewardlab.core import masked
from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import (
    Coefficient,
    Reward,
    RewardTransform,
    Rollout,
    SignalName,
    coefficient,
)


@named
def hindsight_ratio(
    name: SignalName,
    temperature: Coefficient = 5.0,
    low: Coefficient = 0.8,
    high: Coefficient = 1.2,
) -> RewardTransform:
    """r_k clip(h_k / mean_j h_j, low, high), h_k = exp(mean_t log p_t / temperature).

    Rewards (1, 1) of turns with log p = -1 and -9 -> 1.2 and 0.8.

    log p is the signal `name` [N, T], the log-probs of the row's tokens given how it
    ended; means are over a turn's tokens and over the row's turns. Equal turns keep
    their rewards. (HCAPO, arXiv 2603.08754)
    """

    def weigh(reward: Reward, rollout: Rollout) -> Reward:
        logp = jnp.where(rollout.mask, rollout.signal(name), 0)
        ends = masked.step_ends(rollout)
        tokens = masked.step_total(1.0 * rollout.mask, rollout).astype(jnp.int32)
        mean = masked.safe_divide(masked.step_total(logp, rollout), tokens)
        likely = jnp.exp(mean / coefficient(temperature, rollout))
        usual = masked.row_mean(likely, ends)[:, None]
        ratio = likely / jnp.where(usual > 0, usual, 1)
        bounds = (coefficient(x, rollout) for x in (low, high))
        return reward.with_value(reward.value * jnp.clip(ratio, *bounds))

    return per_channel(weigh)
