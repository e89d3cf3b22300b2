"""The rollout that an iteration learns from: sampled, scored, and with other rows."""

from collections.abc import Callable
from typing import Any

import jax
from jaxtyping import Array

from rewardlab.core.types import Rollout
from rewardlab.data.batch import Batch
from rewardlab.learning.learner import LearnerState, Means
from rewardlab.learning.scoring import Scoring
from rewardlab.runs.elsewhere import Elsewhere
from rewardlab.scorers.protocol import Context
from rewardlab.selection.brings import with_prompts

Gather = Callable[..., tuple[Rollout, Batch, Any, Means]]
Refilled = Callable[..., tuple[Rollout, Batch, Means]]
_HINTED = 2**31 - 5  # folded into a run's key: the noise of a second sampling


def once(draw: Callable[..., Rollout], score: Scoring) -> Gather:
    """A rollout of the batch, and all its signals."""

    def gather(
        state: LearnerState, context: Context, batch: Batch, key: Array
    ) -> tuple[Rollout, Batch, Any, Means]:
        at = context.hp["rollout.temperature"]
        rollout = draw(context.params["policy"], batch, key, context.iteration, at)
        case = (state.scorers, context, rollout, batch)
        rollout, scorers, means = score.score(*case)
        return rollout, batch, scorers, means

    return gather


def in_stages(
    draw: Callable[..., Rollout],
    first: Scoring,
    second: Scoring,
    refilled: Refilled | None,
    others: Elsewhere | None,
) -> Gather:
    """As `once`, where something happens between the scorers that `select` reads and
    the others: prompts that teach nothing are sampled anew (`refilled`), or rows come
    from elsewhere (`others`)."""

    def gather(
        state: LearnerState, context: Context, batch: Batch, key: Array
    ) -> tuple[Rollout, Batch, Any, Means]:
        at, policy = context.hp["rollout.temperature"], context.params["policy"]
        told: Means = {}

        def scored(rollout: Rollout, batch: Batch) -> Rollout:
            return first.score(state.scorers, context, rollout, batch)[0]

        def sample(batch: Batch) -> Rollout:
            rollout = draw(policy, batch, key, context.iteration, at)
            return scored(others.write(rollout, batch) if others else rollout, batch)

        def again(hinted: Batch, batch: Batch) -> Rollout:
            own = jax.random.fold_in(key, _HINTED)
            rollout = draw(policy, hinted, own, context.iteration, at)
            prompts, mask = (batch.arrays[k] for k in ("prompts", "prompt_mask"))
            return scored(with_prompts(rollout, prompts, mask), batch)

        if others:
            batch = others.choose(state.select, context, batch)
        if refilled:
            rollout, batch, told = refilled(sample, batch)
        else:
            rollout = sample(batch)
        if others:
            case = (context, rollout, batch, again)
            rollout, batch, more = others.enter(state.select, *case)
            told = {**told, **more}
        rollout, scorers, means = second.score(state.scorers, context, rollout, batch)
        return rollout, batch, scorers, {**means, **told}

    return gather
