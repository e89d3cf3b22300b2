"""Implicit rewards: a language model trained on outcomes scores every token.

r(y) = beta * sum_t [log pi_phi(y_t) - log pi_ref(y_t)] is trained to say the outcome of
a completion; its terms are then rewards of tokens and steps (Free Process Rewards,
arXiv 2412.01981; online in PRIME, 2502.01456). `beta` is 0.05 in all of their scripts.
Pairs are trained by `bradley_terry.pair_loss` of implicit rewards, which is DPO.
Rewards here carry their beta; log-probabilities are sums in nats, never means.
"""

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from rewardlab.core import masked, recursions


def implicit_reward(
    logp: Float[Array, "N T"],
    ref_logp: Float[Array, "N T"],
    mask: Bool[Array, "N T"],
    beta: float = 0.05,
) -> Float[Array, " N"]:
    """r = beta * sum_t (log pi_phi - log pi_ref) over the True tokens."""
    return beta * masked.total(logp - ref_logp, mask)


def process_values(
    logp: Float[Array, "N T"],
    ref_logp: Float[Array, "N T"],
    mask: Bool[Array, "N T"],
    beta: float = 0.05,
) -> Float[Array, "N T"]:
    """Q_t = beta * sum_{s <= t} (log pi_phi - log pi_ref), on masked tokens as well.

    Read at the end of step k it is the value of the first k steps; differences of
    neighbours are step rewards: `log_ratio(...) | return_from_step(discount=0)`.
    """
    ratio = jnp.where(mask, logp - ref_logp, 0)
    return beta * recursions.sum_to_go(ratio[:, ::-1])[:, ::-1]


def cross_entropy(
    reward: Float[Array, " N"], label: Float[Array, " N"]
) -> Float[Array, " N"]:
    """-y log sigmoid(r) - (1 - y) log sigmoid(-r), with outcomes y in [0, 1]."""
    right, wrong = jax.nn.softplus(-reward), jax.nn.softplus(reward)
    return label * right + (1 - label) * wrong


def vanilla_kto(
    reward: Float[Array, " N"], right: Bool[Array, " N"], group: Int[Array, " N"]
) -> tuple[Float[Array, " N"], Bool[Array, " N"]]:
    """1 - sigmoid(r - [mean r_wrong]+) of a right row, 1 - sigmoid([mean r_right]+ - r)
    of a wrong one, and the rows that have another outcome in their group.

    The means are of the group's rows of the other outcome, and are not detached; in the
    authors' code the group is the whole batch.
    """
    other = (group[:, None] == group) & (right[:, None] != right[None])
    means = masked.row_mean(jnp.broadcast_to(reward[None], other.shape), other)
    lead = reward - jax.nn.relu(means)
    behind = jax.nn.relu(means) - reward
    return jax.nn.sigmoid(-jnp.where(right, lead, behind)), jnp.any(other, axis=1)


def detached_pair_loss(
    reward: Float[Array, " N"], label: Float[Array, " N"], group: Int[Array, " N"]
) -> Float[Array, " N"]:
    """-log sigmoid(+-(r_i - mean r_j)) over the group's rows j of another outcome.

    Plus where y_i > 0, against rows with less; minus otherwise, against rows with more.
    No gradient flows into the other rows. A row with nothing to compare is compared
    with 0. (The "dpo" losses of verl's PRIME recipe)
    """
    same, more = group[:, None] == group, label[None] > label[:, None]
    opposite = same & jnp.where(label[:, None] > 0, label[None] < label[:, None], more)
    others = jnp.broadcast_to(lax.stop_gradient(reward)[None], opposite.shape)
    gap = reward - masked.row_mean(others, opposite)
    return jax.nn.softplus(jnp.where(label > 0, -gap, gap))


def best_of_n_weight(
    score: Float[Array, " N"], group: Int[Array, " N"]
) -> Float[Array, " N"]:
    """n * (share of the group that scores at most s_i)^(n - 1), n rows in the group.

    How often row i would be the best of n draws from its group, up to ties; weighs
    `detached_pair_loss` by outcomes ("bon_acc") or by rewards ("bon_rm") and sums.
    """
    same = group[:, None] == group
    n = jnp.sum(same, axis=1)
    share = masked.row_mean(1.0 * (score[None] <= score[:, None]), same)
    return n * share ** (n - 1)
