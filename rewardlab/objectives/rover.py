"""Q-values of a uniform policy, regressed on the reward: no policy gradient at all.

(ROVER, arXiv 2509.24981.) rho (log pi - log pi_old) is trained to be the reward plus
what the next token is worth to a policy that chooses at random.
"""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float

from rewardlab.core import masked
from rewardlab.core.intervals import need
from rewardlab.core.types import Coefficient, Rollout, SignalName, coefficient
from rewardlab.models.logprobs import TokenStats
from rewardlab.objectives.objective import Advantage, Loss, Metrics


def rover_target(
    reward: Float[Array, "N T"],
    uniform: Float[Array, "N T"],
    uniform_old: Float[Array, "N T"],
    mask: Bool[Array, "N T"],
    rho: float | Float[Array, ""] = 1.0,
    scale: float = 1.0,
) -> Float[Array, "N T"]:
    """r_t + rho scale (u_{t+1} - u_old_{t+1}) where token t + 1 is True; no gradient.

    u is the mean over the vocabulary of log pi, now and at sampling; before the first
    update they are equal and the target is the reward.
    """
    gain = jnp.where(mask, uniform - uniform_old, 0)
    following = jnp.pad(gain[:, 1:], ((0, 0), (0, 1)))
    target = jnp.where(mask, reward + rho * scale * following, 0)
    return lax.stop_gradient(target)


def q_value(
    logp: Float[Array, "N T"],
    old: Float[Array, "N T"],
    mask: Bool[Array, "N T"],
    rho: float | Float[Array, ""] = 1.0,
) -> Float[Array, "N T"]:
    """Q_t = rho (log pi - log pi_old) on True tokens, 0 elsewhere."""
    return rho * jnp.where(mask, logp - old, 0)


def clipped_q(
    q: Float[Array, "N T"], target: Float[Array, "N T"], epsilon: float = 0.2
) -> Float[Array, "N T"]:
    """log(1 + eps) where Q is above it and its target above Q; log(1 - eps) likewise.

    Likewise: where Q is below it and its target below Q. So a token that has left the
    trust region gets no gradient that leads it further out; one that overshot its
    target is led back.
    """
    need("clipped_q", "[0, 1)", epsilon=epsilon)
    high, low = jnp.log1p(epsilon), jnp.log1p(-epsilon)
    held = jnp.where((q > high) & (target > q), high, q)
    return jnp.where((q < low) & (target < q), low, held)


def rover(rho: Coefficient = 1.0, uniform: SignalName = "") -> Loss:
    """(rho log(pi / pi_sampler) - target)^2 a token; the target is A, centred rewards.

    With `uniform`, the signal of (1 / V) sum_v log pi_sampler, it is `rover_target`: A
    and what the next token is worth, which is 0 until the policy has moved. At the
    sampling policy the gradient is that of -2 rho A log pi: twice REINFORCE's.
    """

    def loss(
        stats: TokenStats, rollout: Rollout, advantage: Advantage
    ) -> tuple[Float[Array, "N T"], Metrics]:
        weight = coefficient(rho, rollout)
        q = q_value(stats.logp, rollout.logp, rollout.mask, weight)
        target = advantage
        if uniform:
            now, then = jnp.asarray(stats.uniform), rollout.signal(uniform)
            target = rover_target(advantage, now, then, rollout.mask, weight)
        named = {"q": masked.sum_of(lax.stop_gradient(q), rollout.mask)}
        return (q - target) ** 2, named

    return loss
