"""What the environment answered, as something to be predicted."""

import jax.numpy as jnp

from rewardlab.core import masked
from rewardlab.core.types import Coefficient, Rollout, Sum
from rewardlab.models.logprobs import TokenStats
from rewardlab.objectives.apart import Apart, Read
from rewardlab.objectives.objective import Metrics


def predict_environment(weight: Coefficient = 0.1) -> Apart:
    """weight times the mean of -log pi over the tokens that the environment wrote.

    They lie in the rows, and are read anyway: what a tool answers teaches the policy
    the dynamics that it acts in. The mean is over such tokens of the batch, so it
    stands apart, after the average of the policy loss; none of them has an advantage,
    and no token of the policy's is in it. Rows without a token of the policy's, those
    that were dropped, are left out. (ECHO, in prime-rl)

    Two answered tokens of log pi = -1 and -3, weight 0.1 -> 0.2
    """

    def loss(stats: TokenStats, rollout: Rollout, read: Read) -> tuple[Sum, Metrics]:
        rows = jnp.any(rollout.mask, axis=1, keepdims=True)
        where = rollout.valid & ~rollout.mask & rows
        total = masked.sum_of(-stats.logp, where)
        return total, {"environment_nll": total}

    return Apart(loss, weight)
