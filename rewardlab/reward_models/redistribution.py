"""Redistribution: step contributions are trained to add up to the outcome.

A network gives c_k for each step; nothing but the outcome of the whole row trains it.
SPA-RL (arXiv 2505.20732) reads c_k from a linear head at the last token of each turn,
LaRe (arXiv 2412.11120) from a small network on latent factors that a language model's
code computes. Losses are one number a row; entries off the mask are not read. The
scorers `contributions` and `latent_reward` train such networks beside a policy.
"""

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from rewardlab.core import masked


def linear_head(
    features: Float[Array, "*B D"], weight: Float[Array, " D"], bias: Float[Array, ""]
) -> Float[Array, "*B"]:
    """c = w . h + b; SPA-RL reads it from a turn's last token, h the token's logits."""
    return jnp.sum(features * weight, axis=-1) + bias


def sum_error(
    contribution: Float[Array, "N S"],
    mask: Bool[Array, "N S"],
    outcome: Float[Array, " N"],
) -> Float[Array, " N"]:
    """(sum_k c_k - R)^2 (SPA-RL); a row without steps predicts 0.

    With several agents contributions add up over agents first (LaRe's MPE code).
    """
    return (masked.total(contribution, mask) - outcome) ** 2


def mean_error(
    contribution: Float[Array, "N S"],
    mask: Bool[Array, "N S"],
    outcome: Float[Array, " N"],
) -> Float[Array, " N"]:
    """(mean_k c_k - R / L)^2 with L the row's steps: long rows weigh no more (LaRe).

    A row without steps has no error.
    """
    steps = jnp.sum(mask, axis=1)
    error = masked.row_mean(contribution, mask) - masked.safe_divide(outcome, steps)
    return jnp.where(steps > 0, error, 0) ** 2


def subset_error(
    contribution: Float[Array, "N S"],
    sampled: Int[Array, "N K"],
    steps: Int[Array, " N"],
    outcome: Float[Array, " N"],
    unbiased: bool = False,
) -> Float[Array, " N"]:
    """(mean over K sampled steps of c - R / L)^2: `mean_error` from a few steps.

    With `unbiased` the variance of the sample's mean, var (1 - K/L) / K with var over
    K - 1, is taken off; drawn with replacement (K > L) it is added, as in the released
    code. One sampled step has no variance. (Randomised return decomposition, arXiv
    2111.13485, as in LaRe's code)
    """
    drawn = jnp.take_along_axis(contribution, sampled, axis=1)
    error = (jnp.mean(drawn, axis=1) - masked.safe_divide(outcome, steps)) ** 2
    if not unbiased:
        return error
    k = sampled.shape[1]
    squares = jnp.sum((drawn - jnp.mean(drawn, axis=1, keepdims=True)) ** 2, axis=1)
    variance = masked.safe_divide(squares, jnp.asarray(k - 1))
    share = masked.safe_divide(jnp.asarray(k), steps)
    return error - variance * (1 - share) / k


def drawn_steps(
    key: Array, mask: Bool[Array, " S"], count: int
) -> Int[Array, " {count}"]:
    """So many steps of one row at random: no step twice, unless there are too few.

    Of a row with fewer than `count` steps they are drawn with replacement; a row
    without steps gives step 0.
    """
    one, other = jax.random.split(key)
    order = jnp.argsort(jax.random.uniform(one, mask.shape) + ~mask)
    steps = masked.count(mask)
    again = jax.random.randint(other, (count,), 0, jnp.maximum(steps, 1))
    apart = jnp.resize(order, (count,))
    return jnp.where(steps >= count, apart, order[again])


def prefix_differences(
    score: Float[Array, "N S"],
    first: Float[Array, " N"],
    mask: Bool[Array, "N S"],
    beta: float = 1.0,
) -> Float[Array, "N S"]:
    """beta (s_k - s_{k-1}) on the True entries, s_{-1} = `first`, and (1 - beta) s_K on
    the last of them.

    With beta = 1 they add up to s_K - `first` exactly; with 0 all stands at the end.

    s (0.5, 0.9, 0.2), first 0.5 -> (0, 0.4, -0.7)
    """
    place = jnp.where(mask, jnp.arange(mask.shape[1]), -1)
    before = jnp.pad(lax.cummax(place, axis=1), ((0, 0), (1, 0)), constant_values=-1)
    before = before[:, :-1]
    earlier = jnp.take_along_axis(score, jnp.maximum(before, 0), axis=1)
    earlier = jnp.where(before < 0, first[:, None], earlier)
    last = jnp.where(masked.last(mask), score, 0)
    return jnp.where(mask, beta * (score - earlier) + (1 - beta) * last, 0)


def by_attention(
    attention: Float[Array, "N T"],
    score: Float[Array, " N"],
    mask: Bool[Array, "N T"],
    beta: float | Float[Array, ""] = 0.8,
) -> Float[Array, "N T"]:
    """beta a_t R on the True tokens, a_t their share of attention, and (1 - beta) R at
    the last of them.

    They add up to R. Without attention to any token all are looked at alike.

    Attention (0.1, 0.3), R = 2, beta 0.5 -> (0.25, 1.75) (ABC, arXiv 2402.00782)
    """
    looks = jnp.where(mask, attention, 0)
    total = jnp.sum(looks, axis=1, keepdims=True)
    even = masked.safe_divide(1.0 * mask, jnp.sum(mask, axis=1, keepdims=True))
    share = jnp.where(total > 0, looks / jnp.where(total > 0, total, 1), even)
    each = beta * share + (1 - beta) * masked.last(mask)
    return jnp.where(mask, each * score[:, None], 0)


def spread(
    contribution: Float[Array, "N S"], mask: Bool[Array, "N S"]
) -> Float[Array, " N"]:
    """The variance of a row's contributions over its steps, n in the divisor.

    LaRe adds alpha times its mean: an even redistribution unless the outcome objects.
    """
    there = jnp.where(mask, contribution, 0)
    away = there - masked.row_mean(there, mask)[:, None]
    return masked.row_mean(away**2, mask)
