"""Products and gates with the derivatives that a CPU computes fastest."""

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float


def project(
    x: Float[Array, "N t I"], *weights: Float[Array, "I _"]
) -> tuple[Float[Array, "N t _"], ...]:
    """x @ w for each w, in x's type.

    One token a row (decoding) is bound by reading weights: a single product with their
    concatenation, which leaves the decoding loop as a constant, is a tenth faster. With
    many tokens the split and its transpose would cost more than they save.
    """
    weights = tuple(w.astype(x.dtype) for w in weights)
    if x.shape[1] > 1 or len(weights) == 1:
        return tuple(linear(x, w) for w in weights)
    ends = [sum(w.shape[1] for w in weights[:i]) for i in range(1, len(weights))]
    return tuple(jnp.split(linear(x, jnp.concatenate(weights, axis=1)), ends, axis=-1))


@jax.custom_vjp
def linear(x: Float[Array, "N t I"], w: Float[Array, "I O"]) -> Float[Array, "N t O"]:
    """x @ w, with dw = sum_nt x dy as one product in the layout of w.

    The transpose that automatic differentiation writes makes (dw)^T first, which on a
    CPU takes twice as long.
    """
    return x @ w


def _linear_forward(x: Array, w: Array) -> tuple[Array, tuple[Array, Array]]:
    return x @ w, (x, w)


def _linear_backward(kept: tuple[Array, Array], dy: Array) -> tuple[Array, Array]:
    x, w = kept
    rows = x.reshape(-1, x.shape[-1])
    return dy @ w.T, jnp.einsum("mi,mo->io", rows, dy.reshape(-1, dy.shape[-1]))


linear.defvjp(_linear_forward, _linear_backward)


@jax.custom_vjp
def swiglu(gate: Float[Array, "..."], up: Float[Array, "..."]) -> Float[Array, "..."]:
    """silu(gate) * up (arXiv 2002.05202); the gradient keeps only gate and up."""
    return gate * lax.logistic(gate) * up


def _swiglu_forward(gate: Array, up: Array) -> tuple[Array, tuple[Array, Array]]:
    return gate * lax.logistic(gate) * up, (gate, up)


def _swiglu_backward(kept: tuple[Array, Array], dy: Array) -> tuple[Array, Array]:
    gate, up = kept
    open_ = lax.logistic(gate)
    return dy * up * open_ * (1 + gate * (1 - open_)), dy * gate * open_


swiglu.defvjp(_swiglu_forward, _swiglu_backward)
