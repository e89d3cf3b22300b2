"""The verifier's verdict as a class label of a whole completion.

(PACS, arXiv 2509.02522.) A row's implicit reward is compared with its group and the
result is the logit of "correct"; the gradient flows through the baseline too. Groups
must be whole in the batch that the loss sees.
"""

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float

from rewardlab.core import edges, masked
from rewardlab.core.types import Rollout


def ratio_reward(
    logp: Float[Array, "N T"],
    old: Float[Array, "N T"],
    mask: Bool[Array, "N T"],
    beta: float = 1.0,
) -> Float[Array, " N"]:
    """beta * sum_t (log pi - log pi_old) over True tokens.

    The code sums over padding as well, where both must be equal.
    """
    return beta * masked.total(logp - old, mask)


def likelihood_reward(
    logp: Float[Array, "N T"],
    mask: Bool[Array, "N T"],
    length: Float[Array, " N"],
    beta: float = 1.0,
) -> Float[Array, " N"]:
    """beta * sum_t log pi / length, length in tokens; 0 for a row without any."""
    return beta * masked.safe_divide(masked.total(logp, mask), length)


def logit_leave_one_out(
    reward: Float[Array, " N"], rollout: Rollout
) -> Float[Array, " N"]:
    """r - mean over the other rows of the group; 0 for a group of one."""
    others = masked.group_size(rollout) - 1
    away = reward - lax.stop_gradient(masked.group_min(reward, rollout))
    mean = masked.safe_divide(masked.sum_over_other_rows(away, rollout), others)
    return jnp.where(others > 0, away - mean, 0)


def logit_group(reward: Float[Array, " N"], rollout: Rollout) -> Float[Array, " N"]:
    """r - mean of the group; 0 for a group of one."""
    rows = masked.group_size(rollout)
    away = reward - lax.stop_gradient(masked.group_min(reward, rollout))
    centred = away - masked.safe_divide(masked.sum_over_group(away, rollout), rows)
    return jnp.where(rows > 1, centred, 0)


def logit_group_std(
    reward: Float[Array, " N"], rollout: Rollout, eps: float = 1e-6
) -> Float[Array, " N"]:
    """(r - mean) / (std + eps) of the group, std over n - 1.

    Equal rewards give 0 and no gradient, where the square root has none.
    """
    centred = logit_group(reward, rollout)
    rows = masked.group_size(rollout)
    var = masked.safe_divide(masked.sum_over_group(centred**2, rollout), rows - 1)
    return edges.over(centred, edges.root(var), eps)


def logit_naive(reward: Float[Array, " N"], rollout: Rollout) -> Float[Array, " N"]:
    """r itself."""
    return reward


LOGITS = {
    "rloo": logit_leave_one_out,
    "grpo": logit_group_std,
    "grpo_no_std": logit_group,
    "naive": logit_naive,
}


def class_balance(label: Float[Array, " N"], rollout: Rollout) -> Float[Array, " N"]:
    """n / (classes * n_class) within each group; 1 where all labels are equal.

    The mean over a group is 1.
    """
    group = rollout.group
    together = group[:, None] == group[None]
    alike = jnp.sum(together & (label[:, None] == label[None]), axis=1)
    classes = jnp.round(masked.sum_over_group(1 / alike, rollout))
    rows = jnp.sum(together, axis=1)
    return masked.safe_divide(rows * 1.0, classes * alike)


def pacs_loss(
    logit: Float[Array, " N"],
    correct: Float[Array, " N"],
    weight: Float[Array, " N"] | float = 1.0,
) -> Float[Array, ""]:
    """Mean over rows of -w (y log sigmoid(z) + (1 - y) log sigmoid(-z)).

    Divided by the rows, not by the sum of the weights. At the sampling policy every
    logit but the naive one's is 0 and the loss is log 2 (with weights of mean 1).
    """
    right, wrong = jax.nn.softplus(-logit), jax.nn.softplus(logit)
    return jnp.mean(weight * (correct * right + (1 - correct) * wrong))
