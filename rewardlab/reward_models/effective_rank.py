"""How many directions the hidden states of an answer use, and how that changes.

VERL ("Beyond the Exploration-Exploitation Trade-off", arXiv 2509.23808) takes the
effective rank for exploration and its velocity for exploitation, and lets its
acceleration decide between the two. Its bonus is a signal of `capped_bonus`.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float

from rewardlab.core import masked
from rewardlab.core.types import Sum

EPS = 1e-8  # the paper's


class RankChange(NamedTuple):
    """How the effective rank of a growing prefix moves, a number a stride."""

    velocity: Float[Array, " K"]  # over the mean of the prefixes before
    acceleration: Float[Array, " K-1"]
    there: Bool[Array, " K"]  # the answer is as long as that


class Moving(NamedTuple):
    """Running means; zeros to begin with."""

    indicators: Float[Array, " 3"]  # acceleration, velocity, rank
    score: Float[Array, ""]


def effective_rank(
    hidden: Float[Array, "T D"], rows: Bool[Array, " T"] | None = None
) -> Float[Array, ""]:
    """exp(entropy of the singular values) of the centred rows of `hidden`.

    Between 1 and min(T, D), whatever the scale; 0 for fewer than two rows. `rows` says
    which tokens count.
    """
    if hidden.shape[0] < 2:
        return jnp.zeros((), hidden.dtype)
    rows = jnp.ones(hidden.shape[0], bool) if rows is None else rows
    count = jnp.sum(rows)
    inside = jnp.where(rows[:, None], hidden, 0)
    mean = jnp.sum(inside, axis=0) / jnp.maximum(count, 1)
    centred = jnp.where(rows[:, None], hidden - mean, 0)
    values = jnp.linalg.svd(centred, compute_uv=False)
    p = values / (jnp.sum(values) + EPS)
    rank = jnp.exp(-jnp.sum(p * jnp.log(p + EPS)))
    return jnp.where(count < 2, 0, rank)


def rank_change(
    hidden: Float[Array, "T D"],
    stride: int = 40,
    window: int = 512,
    rows: Bool[Array, " T"] | None = None,
) -> RankChange:
    """Velocity m_j - mean(m_<j) of m_j = ER of the first j * stride + 1 tokens.

    Acceleration is the difference of velocities. Of the tokens that count (`rows`) only
    the last `window` are read. Fewer than two strides leave nothing to compare.
    """
    hidden, inside = _window(hidden, window, rows)
    ends = jnp.arange(stride, hidden.shape[0], stride)
    prefix = inside & (jnp.arange(hidden.shape[0]) <= ends[:, None])
    ranks = jax.vmap(effective_rank, in_axes=(None, 0))(hidden, prefix)
    before = jnp.cumsum(ranks)[:-1] / jnp.arange(1, max(len(ends), 1))
    velocity = ranks[1:] - before
    return RankChange(velocity, jnp.diff(velocity), ends[1:] < jnp.sum(inside))


def _window(
    hidden: Float[Array, "T D"], window: int, rows: Bool[Array, " T"] | None
) -> tuple[Float[Array, "t D"], Bool[Array, " t"]]:
    """The last `window` of the tokens that count, and which of them there are."""
    rows = jnp.ones(hidden.shape[0], bool) if rows is None else rows
    count, size = jnp.sum(rows), min(window, hidden.shape[0])
    first = jnp.argsort(~rows, stable=True)
    start = jnp.maximum(count - size, 0)
    places = lax.dynamic_slice_in_dim(first, start, size)
    return hidden[places], jnp.arange(size) < count - start


def rank_indicators(
    hidden: Float[Array, "T D"],
    stride: int = 40,
    window: int = 512,
    rows: Bool[Array, " T"] | None = None,
) -> Float[Array, " 3"]:
    """(mean acceleration, mean velocity, effective rank) of one answer; absent is 0."""
    velocity, acceleration, there = rank_change(hidden, stride, window, rows)
    means = masked.mean(acceleration, there[1:]), masked.mean(velocity, there)
    return jnp.stack([*means, effective_rank(*_window(hidden, window, rows))])


def rank_bonus(
    indicators: Float[Array, "N 3"],
    moving: Moving,
    gain: float = 2.0,
    most: float = 5.0,
    by_score: bool = True,
) -> Float[Array, " N"]:
    """scale * (beta tanh(d_rank) + (1 - beta) tanh(d_velocity)), d from running means.

    The more the rank speeds up (beta, see `rank_gate`), the more of it is paid, and
    else its velocity. The scale is 1 - (mean score + 1) / 2 for scores in [-1, 1], or 1
    without `by_score`.
    """
    away = _deviation(indicators, moving, most)
    beta = rank_gate(indicators, moving, gain, most)
    scale = 1 - (moving.score + 1) / 2 if by_score else 1.0
    return scale * (beta * jnp.tanh(away[:, 2]) + (1 - beta) * jnp.tanh(away[:, 1]))


def rank_gate(
    indicators: Float[Array, "N 3"],
    moving: Moving,
    gain: float = 2.0,
    most: float = 5.0,
) -> Float[Array, " N"]:
    """beta = sigmoid(gain * d_acceleration): how much of the bonus is exploration's."""
    return jax.nn.sigmoid(gain * _deviation(indicators, moving, most)[:, 0])


def _deviation(
    indicators: Float[Array, "N 3"], moving: Moving, most: float
) -> Float[Array, "N 3"]:
    """(x - mean) / (|mean| + 1e-8), held within +-`most`."""
    mean = moving.indicators[None]
    return jnp.clip((indicators - mean) / (jnp.abs(mean) + EPS), -most, most)


def distance(
    moving: Moving,
    indicators: Float[Array, "N 3"],
    score: Float[Array, " N"],
    rows: Bool[Array, " N"],
) -> Sum:
    """Half the squared distance of running means to the rows that count.

    A gradient step of size `rate` on its mean makes them (1 - rate) * old + rate * the
    batch's means.
    """
    away = jnp.sum((moving.indicators - indicators) ** 2, axis=1)
    return masked.sum_of((away + (moving.score - score) ** 2) / 2, rows)
