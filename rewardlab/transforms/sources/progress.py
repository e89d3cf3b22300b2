"""Progress: what a step added to another policy's chance of success."""

import jax.numpy as jnp

from rewardlab.core import masked
from rewardlab.core.compose import add_channel, named, stateless
from rewardlab.core.types import Channels, RewardTransform, Rollout, SignalName, place
from rewardlab.transforms.sources.signals import at_steps, validity


@named
def progress(name: SignalName, attempts: int = 1) -> RewardTransform:
    """Adds channel `name`: V_{k+1} - V_k at the end of step k, V = 1 - (1 - q)^n.

    q = (0.5, 0, 1) with attempts = 2 -> (-0.75, 1).

    The signal [N, S+1] holds in column k the chance of success q_k from the state
    before step k; the state after step k is in column k + 1. V is the chance that one
    of n = `attempts` independent tries succeeds: the prover best-of-K of Process
    Advantage Verifiers (arXiv 2410.08146). A row's progress adds up to V_K - V_0. With
    attempts=1 and the policy's own q the prover adds nothing in expectation.
    """

    def source(rewards: Channels, rollout: Rollout) -> Channels:
        chance = rollout.signal(name)
        if chance.ndim != 2:
            raise ValueError(
                f"progress({name!r}) needs chances [N, steps + 1] and has shape "
                f"{chance.shape}"
            )
        missed = (1 - chance) ** attempts
        gain = missed[:, :-1] - missed[:, 1:]
        valid = jnp.broadcast_to(validity(rollout, name), gain.shape)
        where = masked.step_ends(rollout) & at_steps(valid, rollout)
        where &= rollout.step < gain.shape[1]
        return add_channel(rewards, name, place(at_steps(gain, rollout), where))

    return stateless(source)
