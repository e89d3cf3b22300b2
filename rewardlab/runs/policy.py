"""The policy's log-probs, and its warm-up."""

import functools
from collections.abc import Callable

import optax
from ml_collections import ConfigDict

from rewardlab.core.clipping import clip_by_norm
from rewardlab.core.types import Rollout
from rewardlab.learning.learner import Numbers, Params, Policy
from rewardlab.learning.parallel import Driver
from rewardlab.learning.warmup import Warmup, warmup
from rewardlab.models import lm
from rewardlab.models.logprobs import TokenStats
from rewardlab.models.model import Model
from rewardlab.objectives import compared_tokens, reads_whole, verdict_token
from rewardlab.runs.builders import loss_of


def policy_of(config: ConfigDict, model: lm.LMConfig, hp: Numbers) -> Policy:
    """The policy's log-probs, at the temperature that it is sampled at."""
    known, loss, at = Model(model), loss_of(config), hp["rollout.temperature"]
    whole, token, compared = (
        reads_whole(loss),
        verdict_token(loss),
        compared_tokens(loss),
    )

    def read(params: Params, rollout: Rollout) -> TokenStats:
        # Demonstrations of a warm-up were not sampled, and nothing is compared there.
        ids = rollout.signals.get(compared.ids) if compared else None
        if token is None:
            return known.log_probs(params, rollout, at, whole, ids)
        return known.log_probs_to_end(params, rollout, token, at, whole, ids)

    return read


def warmup_of(
    config: ConfigDict, model: lm.LMConfig, driver: Driver
) -> Callable[[int], Warmup]:
    """A warm-up of so many steps; the same functions for the same number."""

    @functools.cache
    def steps(count: int) -> Warmup:
        own, most = config.warmup, max(count, 1)
        rate = optax.warmup_cosine_decay_schedule(0.0, own.lr, count // 20, most)
        optimizer = optax.chain(clip_by_norm(1.0), optax.adam(rate))
        policy = functools.partial(policy_of, config, model)
        return warmup(policy, optimizer, driver, own.micro_batches)

    return steps
