"""Scores of answers that were taken at several budgets of thinking."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rewardlab.core import masked, recursions
from rewardlab.core.compose import add_channel, named, stateless
from rewardlab.core.ranges import is_number
from rewardlab.core.types import Channels, RewardTransform, Rollout, SignalName, place
from rewardlab.transforms.sources.signals import at_steps, validity

Prior = tuple[float, ...]


@named
def budget_returns(name: SignalName, prior: Prior = ()) -> RewardTransform:
    """Adds channel `name`: sum_{s' >= s} P_{s'} x_{s'} at the end of chunk s.

    Scores (0, 1) with a uniform prior -> (1/2, 1/2).

    The signal [N, S] holds the mean score x_s of the answers taken after the s-th of S
    budgets of thinking; step s of a row is the thinking between budgets s - 1 and s. A
    row that stopped thinking early has fewer chunks and still has all S scores. `prior`
    is the weight of each budget, up to a factor; () is uniform, the budgets themselves
    are the paper's "linear". Rows in which any column of `name_valid` is False abstain.
    (AnytimeReasoner, arXiv 2505.13438)
    """

    def source(rewards: Channels, rollout: Rollout) -> Channels:
        score, heard = budget_scores(rollout, name)
        value = scores_to_go(score, budget_prior(prior, score))
        where = masked.step_ends(rollout) & heard[:, None]
        where &= rollout.step < score.shape[1]
        return add_channel(rewards, name, place(at_steps(value, rollout), where))

    return stateless(source)


def budget_scores(
    rollout: Rollout, name: SignalName
) -> tuple[Float[Array, "N S"], Bool[Array, " N"]]:
    """The signal, 0 in rows without tokens or value, and which rows have a value."""
    score = rollout.signal(name)
    if score.ndim != 2:
        raise ValueError(f"{name!r} needs shape [N, budgets] and has {score.shape}")
    valid = jnp.all(validity(rollout, name), axis=1)
    heard = valid & jnp.any(rollout.mask, axis=1)
    return jnp.where(heard[:, None], score, 0), heard


def budget_prior(prior: Prior, score: Float[Array, "N S"]) -> Float[Array, " S"]:
    """The prior over budgets, adding up to 1."""
    count = score.shape[1]
    if len(prior) not in (0, count):
        raise ValueError(f"the prior has {len(prior)} budgets and the scores {count}")
    if prior and all(is_number(x) and x <= 0 for x in prior):
        raise ValueError(f"the prior {prior} is none; give shares above 0")
    weight = jnp.asarray(prior or (1.0,) * count, score.dtype)
    return weight / sum(prior or (1.0,) * count)


def scores_to_go(
    score: Float[Array, "N S"], prior: Float[Array, " S"]
) -> Float[Array, "N S"]:
    """sum_{s' >= s} P_{s'} x_{s'}; for equal scores exactly their part of the prior."""
    low = jnp.min(score, axis=1, keepdims=True)
    above = recursions.sum_to_go(prior[None] * (score - low))
    return low * tail(prior)[None] + above


def tail(prior: Float[Array, " S"]) -> Float[Array, " S"]:
    """sum_{s' >= s} P_{s'}."""
    return recursions.sum_to_go(prior[None])[0]
