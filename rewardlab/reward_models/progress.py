"""Progress towards a goal: hops between states, and what they add up to.

Robo-Dopamine (arXiv 2512.23703). Progress is 0 at the start and 1 at the goal; a hop
is the share of the way still to go that was gained, or of the way made that was lost.
"""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from rewardlab.core.intervals import need

Number = Float[Array, "*shape"]


def hop(before: Number, after: Number, start: Number, goal: Number) -> Number:
    """(q - p) / (goal - p) for a gain, (q - p) / (p - start) for a loss: in [-1, 1].

    p and q are `before` and `after` on any axis from `start` to `goal`; the unit
    cancels. 1 lands on the goal, -1 on the start. Where nothing is left to gain or to
    lose the hop is 0.
    """
    move = after - before
    room = jnp.where(move >= 0, goal - before, before - start)
    return jnp.where(room == 0, 0, move / jnp.where(room == 0, 1, room))


def after_hop(progress: Number, hop_: Number) -> Number:
    """p + (1 - p) H for H >= 0, p + p H for H < 0: the inverse of `hop` on [0, 1]."""
    return progress + jnp.where(hop_ >= 0, 1 - progress, progress) * hop_


def progress_from_hops(
    first: Float[Array, " N"], hops: Float[Array, "N S"]
) -> Float[Array, "N S"]:
    """Progress after each hop, from the progress `first` on; it stays in [0, 1].

    The released inference code takes the first score itself as the first progress:
    give `first` = 0 for the paper, where a loss at the start stays at 0.
    """

    def step(progress: Array, hop_: Array) -> tuple[Array, Array]:
        progress = after_hop(progress, hop_)
        return progress, progress

    return lax.scan(step, first, hops.T)[1].T


def from_anchors(from_start: Number, from_goal: Number, incremental: Number) -> Number:
    """(Phi_I + Phi_F + Phi_B) / 3 with Phi_F = H(start -> t), Phi_B = 1 + H(goal -> t).

    `from_start` and `from_goal` are those hops, `incremental` the progress that single
    hops add up to.
    """
    return (incremental + from_start + 1 + from_goal) / 3


def agreement(forward: Number, backward: Number, alpha: float, eps: float) -> Number:
    """w = exp(-alpha (|Phi_F - Phi_B| / (mean + eps))^2): 1 iff both say the same."""
    middle = (forward + backward) / 2
    return jnp.exp(-alpha * ((forward - backward) / (middle + eps)) ** 2)


def consistent_progress(
    first: Float[Array, " N"],
    forward: Float[Array, "N S"],
    backward: Float[Array, "N S"],
    hops: Float[Array, "N S"],
    alpha: float = 1.0,
    eps: float = 1e-6,
) -> Float[Array, "N S"]:
    """Phi_t = Phi_{t-1} + (w_t / 2) ((mean_t - Phi_{t-1}) + dPhi_t), w the agreement.

    mean_t is that of `forward` and `backward` progress, and dPhi_t what the hop adds to
    Phi_{t-1}. Where they contradict each other the progress stays. `alpha` and `eps`
    are not in the paper's text: they are guesses.
    """
    middle = (forward + backward) / 2
    weight = agreement(forward, backward, alpha, eps)

    def step(before: Array, seen: tuple[Array, Array, Array]) -> tuple[Array, Array]:
        mean, w, hop_ = seen
        gain = after_hop(before, hop_) - before
        now = before + w / 2 * ((mean - before) + gain)
        return now, now

    return lax.scan(step, first, (middle.T, weight.T, hops.T))[1].T


def milestone_potential(reached: Number, part: Number, milestones: int) -> Number:
    """(milestones reached + part of the way to the next) / milestones, at most 1.

    A potential for `potential_shaping`, after MiRA, of which only the abstract is
    known.
    """
    need("milestone_potential", "[1, inf)", milestones=milestones)
    return jnp.minimum((reached + part) / milestones, 1)
