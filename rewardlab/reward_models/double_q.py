"""Two estimates of what an action is worth, and two of its state: the lesser is told.

A network that is fitted to its own maximum flatters itself; of two that began apart the
lesser flatters less (ArCHer, arXiv 2402.19446, after double Q-learning).
"""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

Number = float | Float[Array, ""]


def td_goal(
    paid: Float[Array, "..."], ahead: Float[Array, "..."], discount: Number
) -> Float[Array, "..."]:
    """r + discount V(s'), what an action is worth; `ahead` is 0 where the episode ends.

    r = (0, 1), V(s') = (0.5, 0), discount 0.9 -> (0.45, 1)
    """
    return paid + discount * ahead


def least_advantage(
    q: Float[Array, "2 ..."], v: Float[Array, "2 ..."]
) -> Float[Array, "..."]:
    """min(Q_1, Q_2) - min(V_1, V_2).

    Q = (0.5, 0.4), V = (0.3, 0.2) -> 0.2
    """
    return jnp.min(q, axis=0) - jnp.min(v, axis=0)


def squared_error(
    now: Float[Array, "2 ..."], goal: Float[Array, "2 ..."]
) -> Float[Array, "..."]:
    """sum_i (x_i - goal_i)^2 over both estimates; no gradient flows into the goal."""
    return jnp.sum((now - jax.lax.stop_gradient(goal)) ** 2, axis=0)


def following(
    optimizer: optax.GradientTransformation, rate: Number
) -> optax.GradientTransformation:
    """Steps of `now`, and after each the move of a slow copy, `target`, towards it.

    It trains {"now": x, "target": y}, of which the loss reads both and y has no
    gradient: x steps as `optimizer` says, then y <- (1 - rate) y + rate x.

    rate 0.1: y = 0 and x = 1 after its step -> y = 0.1
    """

    def init(trained: Any) -> optax.OptState:
        return optimizer.init(trained["now"])

    def update(
        grads: Any, state: optax.OptState, trained: Any = None
    ) -> tuple[Any, optax.OptState]:
        step, state = optimizer.update(grads["now"], state, trained["now"])
        now = optax.apply_updates(trained["now"], step)
        move = lambda new, old: rate * (new - old)  # noqa: E731
        return {
            "now": step,
            "target": jax.tree.map(move, now, trained["target"]),
        }, state

    return optax.GradientTransformation(init, update)
