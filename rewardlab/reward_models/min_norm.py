"""Weights of tasks that share an encoder: the least combination of their gradients.

lambda = argmin ||sum_i lambda_i g_i||^2 over the simplex; the combination then has a
product >= 0 with every g_i, so no task is made worse (MGDA; MORE, arXiv 2312.07401).
MORE minimises K * sum_i lambda_i L_i, with g_i the (running mean of the) gradient at
the last shared layer.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from rewardlab.core.intervals import need


class MinNorm(NamedTuple):
    """Weights on the simplex, and the squared norm at the optimum."""

    weights: Float[Array, " K"]
    cost: Float[Array, ""]


def min_norm_pair(
    aa: Float[Array, "*P"], ab: Float[Array, "*P"], bb: Float[Array, "*P"]
) -> tuple[Float[Array, "*P"], Float[Array, "*P"]]:
    """(w, cost) of min ||w a + (1 - w) b||^2 from the products <a,a>, <a,b>, <b,b>.

    As in the reference, w is held in [0.001, 0.999]: vectors that agree give 0.999.
    """
    spread = aa + bb - 2 * ab
    inner = (bb - ab) / jnp.where(spread > 0, spread, 1)
    near_a, near_b = ab >= aa, ab >= bb
    weight = jnp.where(near_a, 0.999, jnp.where(near_b, 0.001, inner))
    cost = jnp.where(near_a, aa, jnp.where(near_b, bb, bb - inner * (bb - ab)))
    return weight, cost


def min_norm_weights(
    gradients: Float[Array, "K d"], steps: int = 1000, tolerance: float = 1e-5
) -> MinNorm:
    """The min-norm point of K gradients by Frank-Wolfe from the best pair of them.

    Ends when a step moves the weights by less than `tolerance` in sum. Two gradients
    have a closed form; one has weight 1.
    """
    gram = gradients @ gradients.T
    tasks = gram.shape[0]
    if tasks == 1:
        return MinNorm(jnp.ones(1, gram.dtype), gram[0, 0])
    start = _best_pair(gram)
    if tasks == 2:
        return start

    def step(state: tuple) -> tuple:
        weights, _, i, _ = state
        toward = jnp.argmin(gram @ weights)
        keep, cost = min_norm_pair(
            weights @ gram @ weights, weights @ gram[:, toward], gram[toward, toward]
        )
        moved = (keep * weights).at[toward].add(1 - keep)
        done = jnp.sum(jnp.abs(moved - weights)) < tolerance
        return jnp.where(done, weights, moved), cost, i + 1, done

    def unfinished(state: tuple) -> Array:
        return (state[2] < steps) & ~state[3]

    begin = (*start, jnp.zeros((), jnp.int32), jnp.zeros((), bool))
    weights, cost, *_ = lax.while_loop(unfinished, step, begin)
    return MinNorm(weights, cost)


def _best_pair(gram: Float[Array, "K K"]) -> MinNorm:
    tasks = gram.shape[0]
    i, j = jnp.triu_indices(tasks, 1)
    weight, cost = min_norm_pair(gram[i, i], gram[i, j], gram[j, j])
    best = jnp.argmin(cost)
    weights = jnp.zeros(tasks, gram.dtype).at[i[best]].set(weight[best])
    return MinNorm(weights.at[j[best]].add(1 - weight[best]), cost[best])


def divisor_l2(
    gradients: Float[Array, "K d"], losses: Float[Array, " K"]
) -> Float[Array, " K"]:
    """||g_i||, and 1 for a gradient of 0."""
    squares = jnp.sum(gradients**2, axis=1)
    return jnp.sqrt(jnp.where(squares > 0, squares, 1))


def divisor_loss(
    gradients: Float[Array, "K d"], losses: Float[Array, " K"]
) -> Float[Array, " K"]:
    """(L_i + 1) / sum_j (L_j + 1)."""
    return (losses + 1) / jnp.sum(losses + 1)


def divisor_loss_l2(
    gradients: Float[Array, "K d"], losses: Float[Array, " K"]
) -> Float[Array, " K"]:
    """L_i ||g_i||."""
    return losses * divisor_l2(gradients, losses)


# What the gradients may be divided by before their weights are sought.
DIVISORS = {"l2": divisor_l2, "loss": divisor_loss, "loss+": divisor_loss_l2}


def smoothed(
    gradient: Float[Array, "..."], before: Float[Array, "..."], rate: float = 1.0
) -> Float[Array, "..."]:
    """(1 - rate) * before + rate * g, the running mean of gradients; 1 forgets all."""
    need("smoothed", "[0, 1]", rate=rate)
    return jax.tree.map(lambda g, m: (1 - rate) * m + rate * g, gradient, before)
