"""The policy gradient as it is: no ratio, no clip."""

from jaxtyping import Array, Float

from rewardlab.core import masked
from rewardlab.core.types import Rollout
from rewardlab.models.logprobs import TokenStats
from rewardlab.objectives.objective import Advantage, Loss, Metrics
from rewardlab.objectives.ratio import gap


def reinforce() -> Loss:
    """-A log pi (REINFORCE; the loss of GPG, arXiv 2504.02546).

    Its value is not 0 at pi = pi_old; its gradient to log pi is -A everywhere.
    """

    def loss(
        stats: TokenStats, rollout: Rollout, advantage: Advantage
    ) -> tuple[Float[Array, "N T"], Metrics]:
        metrics = {"ppo_kl": masked.sum_of(-gap(stats, rollout), rollout.mask)}
        return -advantage * stats.logp, metrics

    return loss
