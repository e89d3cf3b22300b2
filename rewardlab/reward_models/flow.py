"""Flow rewards: how far hidden states lie from those that a flow was fitted to.

A velocity field v(x, condition, time) is fitted to carry noise into the hidden states
of right answers, along x_t = t h + (1 - t) noise, whose velocity is h - noise. (RLFR,
arXiv 2510.10201)
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from rewardlab.core.intervals import need

# (x [..., D], condition [..., D], time [..., 1]) -> velocity [..., D]
Field = Callable[[Array, Array, Array], Array]
Net = dict[str, Any]
FREQUENCIES = 16  # of the time's embedding


def on_path(
    hidden: Float[Array, "... D"],
    noise: Float[Array, "... D"],
    time: Float[Array, "... 1"],
) -> Float[Array, "... D"]:
    """x_t = t hidden + (1 - t) noise."""
    return time * hidden + (1 - time) * noise


def velocity_error(
    field: Field,
    hidden: Float[Array, "... D"],
    condition: Float[Array, "... D"],
    noise: Float[Array, "... D"],
    time: Float[Array, "... 1"],
) -> Float[Array, "..."]:
    """Mean over D of (v(x_t) - (hidden - noise))^2: what a flow is fitted by."""
    predicted = field(on_path(hidden, noise, time), condition, time)
    return jnp.mean((predicted - (hidden - noise)) ** 2, axis=-1)


def velocity_score(
    field: Field,
    hidden: Float[Array, "... D"],
    condition: Float[Array, "... D"],
    noise: Float[Array, "... D"],
    time: float = 0.8,
) -> Float[Array, "..."]:
    """t / (1 - t) * `velocity_error` at one time, the factor 4 at 0.8; 0 <= t < 1.

    Small where a state looks like those that the flow was fitted to; minus its
    normalised value is a token's reward, see the words `minmax_by_row` and `keep_top`.
    """
    need("velocity_score", "[0, 1)", time=time)
    at = jnp.full((1,), time, hidden.dtype)
    return time / (1 - time) * velocity_error(field, hidden, condition, noise, at)


def begin(key: Array, size: int, width: int, blocks: int, layers: int) -> Net:
    """A network whose velocity is 0 at first, for states [..., layers, size]."""

    def normal(name: str, rows: int, columns: int) -> Array:
        own = jax.random.fold_in(key, sum(name.encode()) + 1009 * len(name))
        return rows**-0.5 * jax.random.normal(own, (rows, columns))

    def block(name: str) -> Net:
        return {
            "norm": normal(f"{name} norm", width, 2 * width),
            "up": normal(f"{name} up", width, width),
            "down": normal(f"{name} down", width, width),
        }

    return {
        "state": normal("state", size, width),
        "condition": normal("condition", size, width),
        "time": normal("time", 2 * FREQUENCIES, width),
        "layer": normal("layer", layers, width),
        "blocks": [block(str(i)) for i in range(blocks)],
        "out": jnp.zeros((width, size)),
    }


def velocity(
    net: Net,
    x: Float[Array, "... K D"],
    condition: Float[Array, "... K D"],
    time: Float[Array, "... 1"],
) -> Float[Array, "... K D"]:
    """A residual network with layer norms that time, layer and condition scale."""
    angle = time * jnp.exp(jnp.linspace(0.0, jnp.log(1000.0), FREQUENCIES))
    clock = jnp.concatenate([jnp.sin(angle), jnp.cos(angle)], axis=-1) @ net["time"]
    told = jax.nn.silu(condition @ net["condition"] + clock + net["layer"])
    y = x @ net["state"]
    for block in net["blocks"]:
        shift, scale = jnp.split(told @ block["norm"], 2, axis=-1)
        inner = _standard(y) * (1 + scale) + shift
        y = y + jax.nn.silu(inner @ block["up"]) @ block["down"]
    return _standard(y) @ net["out"]


def _standard(y: Float[Array, "... D"]) -> Float[Array, "... D"]:
    away = y - jnp.mean(y, axis=-1, keepdims=True)
    return away / jnp.sqrt(jnp.mean(away**2, axis=-1, keepdims=True) + 1e-6)
