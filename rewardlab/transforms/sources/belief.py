"""Information gain: what a turn added to the policy's belief in the true answer."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rewardlab.core import masked
from rewardlab.core.compose import add_channel, named, stateless
from rewardlab.core.types import Channels, RewardTransform, Rollout, SignalName, place
from rewardlab.transforms.sources.signals import at_steps, validity


@named
def information_gain(name: SignalName) -> RewardTransform:
    """Adds channel `name`: IG_k = q_{k+1} - q_k at the end of every turn but the last.

    Beliefs (0.1, 0.4, 0.3) before three turns -> gains (0.3, -0.1).

    The signal [N, S] holds in column k the belief q_k in the true answer *before* turn
    k; the last turn answers and is paid by the outcome. The gains of a row add up to
    q_last - q_0, whatever the number of turns. (IGPO, arXiv 2510.14967)
    """

    def source(rewards: Channels, rollout: Rollout) -> Channels:
        belief = rollout.signal(name)
        if belief.ndim != 2:
            raise ValueError(
                f"information_gain({name!r}) needs beliefs [N, turns] and has shape "
                f"{belief.shape}"
            )
        gain = jnp.diff(belief, axis=1, append=belief[:, -1:])
        valid = jnp.broadcast_to(validity(rollout, name), belief.shape)
        where = masked.step_ends(rollout) & ~masked.last(rollout.mask)
        where &= (rollout.step < belief.shape[1] - 1) & at_steps(valid, rollout)
        return add_channel(rewards, name, place(at_steps(gain, rollout), where))

    return stateless(source)


def answer_logprob(
    logp: Float[Array, "N S A"], mask: Bool[Array, "N S A"]
) -> Float[Array, "N S"]:
    """Mean log-probability of the true answer's A tokens (nats): a belief signal."""
    return masked.row_mean(logp, mask)


def answer_probability(
    logp: Float[Array, "N S A"], mask: Bool[Array, "N S A"]
) -> Float[Array, "N S"]:
    """exp of `answer_logprob`, the geometric mean probability: IGPO's belief signal."""
    return jnp.exp(answer_logprob(logp, mask))
