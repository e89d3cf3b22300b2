"""Recursions over the tokens of a row, from the right, without a loop over tokens."""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float

BLOCK = 128  # tokens that follow one another; blocks run side by side
TRIANGLE = 64  # tokens of a row that a product adds up at once


def accumulate(
    x: Float[Array, "N T"], keep: Float[Array, "N T"]
) -> Float[Array, "N T"]:
    """y_t = x_t + keep_t * y_{t+1}, from the right, with y_T = 0.

    Blocks of tokens run side by side, once for what they hand on to the left, which is
    such a recursion over blocks, and once for y. So not T but about 256 log_128 T steps
    follow one another, and rounding grows with their number.
    """
    rows, width = x.shape
    keep = jnp.broadcast_to(keep, x.shape).astype(x.dtype)
    blocks = _blocks(keep), _blocks(x)
    after = jnp.zeros_like(blocks[1][0])
    if width > BLOCK:
        (kept, added), _ = lax.scan(_compose, (after + 1, after), blocks, reverse=True)
        after = accumulate_after(added, kept)
    y = lax.scan(_follow, after, blocks, reverse=True)[1]
    return jnp.moveaxis(y, 0, 2).reshape(rows, -1)[:, :width]


_Affine = tuple[Array, Array]  # (keep, x): y = x + keep * what comes later


def _compose(later: _Affine, here: _Affine) -> tuple[_Affine, None]:
    return (here[0] * later[0], here[1] + here[0] * later[1]), None


def _follow(later: Array, here: _Affine) -> tuple[Array, Array]:
    y = here[1] + here[0] * later
    return y, y


def _blocks(x: Float[Array, "N T"]) -> Float[Array, "t N blocks"]:
    size = max(min(BLOCK, x.shape[1]), 1)
    padded = jnp.pad(x, ((0, 0), (0, -x.shape[1] % size)))
    return jnp.moveaxis(padded.reshape(x.shape[0], -1, size), 2, 0)


def accumulate_after(
    x: Float[Array, "N T"], keep: Float[Array, "N T"]
) -> Float[Array, "N T"]:
    """y_{t+1} of `accumulate`: what has gathered to the right of each token."""
    return jnp.pad(accumulate(x, keep)[:, 1:], ((0, 0), (0, 1)))


def sum_to_go(x: Float[Array, "N T"]) -> Float[Array, "N T"]:
    """y_t = x_t + y_{t+1}: what `accumulate` gives where everything is kept.

    Blocks of tokens are multiplied with a triangle of ones, which takes half the time
    of a recursion. What is not finite may reach the later tokens of its row, too.
    """
    rows, width = x.shape
    size = max(min(TRIANGLE, width), 1)
    blocks = jnp.pad(x, ((0, 0), (0, -width % size)))
    blocks = blocks.reshape(rows, -(-width // size), size)
    triangle = jnp.tril(jnp.ones((size, size), x.dtype))
    inside = jnp.matmul(blocks, triangle, precision=lax.Precision.HIGHEST)
    if width > size:
        later = sum_to_go(inside[:, :, 0])[:, 1:]
        inside += jnp.pad(later, ((0, 0), (0, 1)))[:, :, None]
    return lax.collapse(inside, 1)[:, :width]


def lambda_returns(
    reward: Float[Array, "N T"],
    value: Float[Array, "N T"],
    where: Bool[Array, "N T"],
    discount: Float[Array, ""] | float,
    decay: Float[Array, "N 1"] | Float[Array, ""] | float,
) -> Float[Array, "N T"]:
    """G_t = r_t + discount ((1 - decay) v_{t+1} + decay G_{t+1}) over the tokens
    `where`, outside of which `reward` and `value` are 0.

    `gae` is G - v. With decay = 1 it is the return, whatever v is.
    """
    # What follows token t is worth y_{t+1}, in which each later token adds
    # discount ((1 - decay) v + decay r) and shrinks the rest by discount decay.
    x = discount * ((1 - decay) * value + decay * reward)
    keep = jnp.where(where, discount * decay, 1.0)
    return reward + accumulate_after(x, keep)
