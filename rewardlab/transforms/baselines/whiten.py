"""Mean 0 and variance 1 over the whole batch."""

from jax import lax

from rewardlab import masked
from rewardlab.compose import named
from rewardlab.narrow import anywhere
from rewardlab.types import Reward, RewardTransform, Rollout


@named
def whiten(eps: float = 1e-8) -> RewardTransform:
    """(r - mean) / sqrt(var + eps) over all placed rewards of the batch, all rows.

    var divides by M - 1. Fewer than two rewards give 0, where the reference codes
    raise; equal rewards give exactly 0; and so does every place without a reward,
    where verl leaves (0 - mean) / std.
    """

    def scale(reward: Reward, rollout: Rollout) -> Reward:
        value, placed, times = reward.value, reward.placed, reward.times
        distance = value - masked.least(value, placed)
        centred = distance - masked.mean(distance, placed, times)
        var = masked.variance(value, placed, ddof=1, times=times)
        return reward.with_value(centred * lax.rsqrt(var + eps))

    return anywhere(scale)
