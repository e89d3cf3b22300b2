"""The majority as a stand-in for the truth."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from rewardlab.core import masked
from rewardlab.core.compose import add_channel, named, stateless
from rewardlab.core.types import Channels, RewardTransform, Rollout, SignalName
from rewardlab.transforms.sources.last_token import on_last_token
from rewardlab.transforms.sources.signals import validity


@named
def majority_vote(name: SignalName, of: SignalName = "") -> RewardTransform:
    """Adds channel `name`: 1 for an answer that most rows of the group gave, else 0.

    Answers (7, 7, 3) -> (1, 1, 0).

    The signal [N] numbers the answers: equal numbers are equal answers. A negative
    number is no answer: it does not vote and gets 0, as in Co-Reward; TTRL and MM-UPT
    let it vote, so give it a number. Rows that abstain or are empty do not vote; rows
    that `select` has dropped do. A tie goes to the smallest number: number answers in
    order of appearance for the codes' rule. (TTRL, arXiv 2504.16084)

    `of` names a signal [N] with the group whose majority counts, for a prompt and its
    rewriting that label each other (Co-Reward, arXiv 2508.00410); without votes there
    is no label and all get 0.
    """

    def source(rewards: Channels, rollout: Rollout) -> Channels:
        answer = rollout.signal(name).astype(jnp.int32)
        valid = validity(rollout, name)
        votes = valid[:, 0] & masked.sampled(rollout) & (answer >= 0)
        labels = majorities(answer, votes, rollout.group, rollout.prompts.shape[0])
        label = labels[rollout.signal(of) if of else rollout.group]
        right = ((answer == label) & (answer >= 0)).astype(rollout.logp.dtype)
        return add_channel(rewards, name, on_last_token(right, valid, rollout))

    return stateless(source)


def majorities(
    answer: Int[Array, " N"],
    votes: Bool[Array, " N"],
    group: Int[Array, " N"],
    groups: int,
) -> Int[Array, " B"]:
    """The answer with most votes in each group, the smallest of several; -1 if none."""
    group = jnp.where(votes, group, groups)  # those who do not vote: one more group
    order = jnp.lexsort((answer, group))
    a, g = answer[order], group[order]
    new = jnp.concatenate([jnp.ones(1, bool), (a[1:] != a[:-1]) | (g[1:] != g[:-1])])
    run = jnp.cumsum(new) - 1
    counts = jax.ops.segment_sum(jnp.ones_like(run), run, len(run))[run]
    most = jax.ops.segment_max(counts, g, groups + 1)[g]
    unseen = jnp.iinfo(a.dtype).max
    least = jax.ops.segment_min(jnp.where(counts == most, a, unseen), g, groups + 1)
    voted = jax.ops.segment_max(votes.astype(jnp.int32), group, groups + 1) > 0
    return jnp.where(voted, least, -1)[:groups]
