"""Weights of a blended reward, learned so that the policy it trains does well.

outer: max_phi J(theta(phi)); inner: theta(phi) = argmax_theta I(theta, phi). The inner
objective needs a regulariser, or its optimum is at infinity and its Hessian singular.
After BARFI (arXiv 2310.19007); its code was not available, so this is the general
theory of implicit gradients.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

Theta = Float[Array, " P"]
Phi = Float[Array, " W"]
Inner = Callable[[Theta, Phi], Float[Array, ""]]
Outer = Callable[[Theta], Float[Array, ""]]


def blended(
    phi: Float[Array, " 3"], primary: Float[Array, "*a"], auxiliary: Float[Array, "*a"]
) -> Float[Array, "*a"]:
    """phi_0 + phi_1 * primary + phi_2 * auxiliary."""
    return phi[0] + phi[1] * primary + phi[2] * auxiliary


def inner_optimum(inner: Inner, phi: Phi, theta: Theta, steps: int = 50) -> Theta:
    """The maximiser of the inner objective near `theta`, by Newton's method."""

    def newton(_: int, at: Theta) -> Theta:
        slope, curve = jax.grad(inner)(at, phi), jax.hessian(inner)(at, phi)
        return at - jnp.linalg.solve(curve, slope)

    return lax.fori_loop(0, steps, newton, theta)


def sensitivity(inner: Inner, phi: Phi, theta: Theta) -> Float[Array, "P W"]:
    """dtheta/dphi = -H^-1 d2I/dtheta dphi at the inner optimum `theta`."""
    curve = jax.hessian(inner)(theta, phi)
    cross = jax.jacobian(jax.grad(inner), argnums=1)(theta, phi)
    return -jnp.linalg.solve(curve, cross)


def implicit_gradient(inner: Inner, outer: Outer, phi: Phi, theta: Theta) -> Phi:
    """dJ/dphi = (dJ/dtheta) dtheta/dphi at the inner optimum `theta`.

    A constant in the reward gets exactly no gradient from any policy objective, and an
    auxiliary reward that points the same way as the primary one a positive gradient.
    """
    return jax.grad(outer)(theta) @ sensitivity(inner, phi, theta)


def neumann_gradient(
    inner: Inner, outer: Outer, phi: Phi, theta: Theta, rate: float, terms: int
) -> Phi:
    """As `implicit_gradient`, with -H^-1 g ~ rate * sum_{k < terms} (I + rate H)^k g.

    Hessian-vector products only. It converges if |1 + rate * lambda| < 1 for every
    eigenvalue lambda of the Hessian, which are below 0 at a maximum.
    """
    slope = jax.grad(inner)

    def curve(v: Theta) -> Theta:
        return jax.jvp(lambda t: slope(t, phi), (theta,), (v,))[1]

    def add(_: int, sums: tuple[Theta, Theta]) -> tuple[Theta, Theta]:
        total, power = sums
        return total + power, power + rate * curve(power)

    gradient = jax.grad(outer)(theta)
    start = (jnp.zeros_like(gradient), gradient)
    solved = rate * lax.fori_loop(0, terms, add, start)[0]
    return jax.vjp(lambda p: slope(theta, p), phi)[1](solved)[0]
