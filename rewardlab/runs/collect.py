"""Rollouts for a run, with all signals that its sentence and its loss read."""

import dataclasses
from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Bool, Int
from ml_collections import ConfigDict

from rewardlab.core import sentence
from rewardlab.core.signals.holes import abstaining
from rewardlab.core.types import Rollout
from rewardlab.data.batch import Batch
from rewardlab.learning.learner import Params, Policy
from rewardlab.learning.parallel import REPLICATED, SHARDED, SHARDED_ROLLOUT, Driver
from rewardlab.models import lm
from rewardlab.models.logprobs import TokenStats, completion_logprobs
from rewardlab.runs.aliases import also_as, names_of, wanted
from rewardlab.runs.builders import compares_finely, loss_of
from rewardlab.tasks import Task

Add = Callable[[Rollout, Batch], Rollout]


def policy_of(
    config: ConfigDict, forward_completions: lm.CompletionLogits, entropy: bool
) -> Policy:
    """The policy's log-probs, at the temperature that it is sampled at."""

    def policy(params: Params, rollout: Rollout) -> TokenStats:
        return completion_logprobs(
            forward_completions,
            params,
            rollout.prompts,
            rollout.prompt_mask,
            rollout.tokens,
            rollout.valid,
            config.rollout.temperature,
            entropy,
        )

    return policy


def collector(
    config: ConfigDict,
    driver: Driver,
    generate: Callable[..., Rollout],
    forward_completions: lm.CompletionLogits,
    host: Add | None = None,
) -> Callable[..., Rollout]:
    """Rollouts with all signals that the sentence and the objective need.

    `host(rollout, batch)` adds those that Python makes.
    """
    names = names_of(config)
    policy = policy_of(config, forward_completions, entropy=False)
    unsure = policy_of(config, forward_completions, entropy=True)
    layout = {"ins": (REPLICATED, SHARDED_ROLLOUT), "outs": SHARDED}
    teacher = driver.spmd(lambda p, rollout: policy(p, rollout).logp, **layout)
    hesitation = driver.spmd(lambda p, rollout: unsure(p, rollout).entropy, **layout)
    reads = wanted(config)
    reads_ref = "ref_logp" in reads | sentence.reads(loss_of(config))
    truncated = config.rollout.top_k > 0 or config.rollout.top_p < 1
    # A sampler in bfloat16 is too coarse to be compared with the reference's pass.
    coarse = config.model.dtype != "float32" and "ref_logp" in reads
    differ = truncated or coarse or compares_finely(config) or "sampler_logp" in reads

    def collect(
        params: Params,
        reference: Params,
        batch: Batch,
        key: Array,
        iteration: Int[Array, ""],
    ) -> Rollout:
        rollout = generate(params, batch, key, iteration)
        if reads_ref:
            rollout = rollout.with_signals(ref_logp=teacher(reference, rollout))
        if "entropy" in reads and "entropy" not in rollout.signals:
            rollout = rollout.with_signals(entropy=hesitation(params, rollout))
        if differ:
            # Ratios compare whole distributions: the sampled one lacks its tail.
            rollout = rollout.with_signals(sampler_logp=rollout.logp)
            rollout = dataclasses.replace(rollout, logp=teacher(params, rollout))
        rollout = also_as(host(rollout, batch) if host else rollout, names)
        return abstaining(rollout)

    return collect


def ends(task: Task, rollout: Rollout) -> Bool[Array, " N"]:
    """The rows that ended by themselves, not by a limit."""
    if "ended_by" in rollout.signals:  # an episode
        return rollout.signals["finished"] > 0
    return jnp.any((rollout.tokens == task.tokenizer.eos_id) & rollout.mask, axis=1)
