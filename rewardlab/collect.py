"""Rollouts for a run: sampled on every device, scored as a whole."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int
from ml_collections import ConfigDict

from rewardlab.builders import loss_of
from rewardlab.learner import Params, Policy
from rewardlab.models import lm
from rewardlab.models.logprobs import TokenStats, completion_logprobs
from rewardlab.parallel import REPLICATED, SHARDED, SHARDED_ROLLOUT, Driver
from rewardlab.sampling import Branching, Sampling, grow, play, play_on_host, sample
from rewardlab.sampling.values import VALUE_SIGNALS
from rewardlab.signals.aliases import also_as, names_of, wanted
from rewardlab.tasks import Task
from rewardlab.types import Rollout

Columns = dict[str, Any]  # by name: an array of B rows
Host = Callable[[Rollout, Columns], Rollout]


class Tree(NamedTuple):
    """What `grow` is told beyond `play`."""

    branching: Branching | None
    values: int | None


def policy_of(config: ConfigDict, teach: lm.Teach, entropy: bool) -> Policy:
    """The policy's log-probs, at the temperature that it is sampled at."""

    def policy(params: Params, rollout: Rollout) -> TokenStats:
        return completion_logprobs(
            teach,
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
    teach: lm.Teach,
    host: Host | None = None,
) -> Callable[..., Rollout]:
    """Rollouts with all signals that the sentence and the objective need."""
    names = names_of(config)
    policy = policy_of(config, teach, entropy=False)
    unsure = policy_of(config, teach, entropy=True)
    layout = {"ins": (REPLICATED, SHARDED_ROLLOUT), "outs": SHARDED}
    teacher = driver.spmd(lambda p, rollout: policy(p, rollout).logp, **layout)
    hesitation = driver.spmd(lambda p, rollout: unsure(p, rollout).entropy, **layout)
    reads = wanted(config)
    reads_ref = loss_of(config).beta > 0 or "ref_logp" in reads
    truncated = config.rollout.top_k > 0 or config.rollout.top_p < 1
    differ = truncated or "sampler_logp" in reads

    def collect(
        params: Params,
        base: Params,
        columns: Columns,
        key: Array,
        iteration: Int[Array, ""],
    ) -> Rollout:
        rollout = generate(params, columns, key, iteration)
        if reads_ref:
            rollout = rollout.with_signals(ref_logp=teacher(base, rollout))
        if "entropy" in reads and "entropy" not in rollout.signals:
            rollout = rollout.with_signals(entropy=hesitation(params, rollout))
        if differ:
            # Ratios compare whole distributions: the sampled one lacks its tail.
            rollout = rollout.with_signals(sampler_logp=rollout.logp)
            rollout = dataclasses.replace(rollout, logp=teacher(params, rollout))
        return also_as(host(rollout, columns) if host else rollout, names)

    return collect


Sampler = Callable[[Params, Columns, Array, Int[Array, ""]], Rollout]


def generator(
    config: ConfigDict,
    task: Task,
    driver: Driver,
    model: lm.LMConfig,
    options: Sampling,
    salt: int = 0,
    belief: bool = False,
    tree: Tree | None = None,
) -> Sampler:
    """Sampling on every device, then the task's score of the whole.

    The key is an argument, so that runs of several seeds share what is compiled.
    """
    ins = (REPLICATED, SHARDED, REPLICATED, REPLICATED)
    layout = {"ins": ins, "outs": SHARDED_ROLLOUT}
    case = (lm.bind(model), task, options, belief)
    if config.rollout.on_host:
        sampler = _by_turns(*case)
    else:
        shard = _in_one(*case) if tree is None else _as_trees(*case, tree)
        sampler = driver.spmd(shard, **layout)

    @jax.jit
    def score(rollout: Rollout, columns: Columns) -> Rollout:
        rows = jnp.arange(rollout.tokens.shape[0], dtype=jnp.int32)
        group = rows // options.num_generations  # shards count from 0 each
        return task.score(dataclasses.replace(rollout, group=group), columns)

    def generate(
        params: Params, columns: Columns, key: Array, iteration: Int[Array, ""]
    ) -> Rollout:
        own = jax.random.fold_in(key, salt)
        return score(sampler(params, columns, own, iteration), columns)

    return generate


def _in_one(apply: lm.Apply, task: Task, options: Sampling, belief: bool) -> Sampler:
    """Completions, or episodes on the device, as one program for each shard."""
    world = task.environment

    def draw(
        params: Params, columns: Columns, key: Array, iteration: Int[Array, ""]
    ) -> Rollout:
        if world is not None:
            return play(apply, params, columns, key, iteration, options, world, belief)
        prompts = (columns[name] for name in ("prompts", "prompt_mask", "id"))
        return sample(apply, params, *prompts, key, iteration, options)

    return draw


def _as_trees(
    apply: lm.Apply, task: Task, options: Sampling, belief: bool, tree: Tree
) -> Sampler:
    """Episodes on the device that share prefixes, or have values before their turns."""
    assert task.environment is not None  # `validate` has looked
    world = task.environment

    def draw(
        params: Params, columns: Columns, key: Array, iteration: Int[Array, ""]
    ) -> Rollout:
        case = (apply, params, columns, key, iteration, options, world)
        return grow(*case, *tree, belief)

    return draw


def _by_turns(apply: lm.Apply, task: Task, options: Sampling, belief: bool) -> Sampler:
    """Episodes whose environment is asked in Python."""
    assert task.on_host is not None  # `validate` has looked
    world = task.on_host

    def draw(
        params: Params, columns: Columns, key: Array, iteration: Int[Array, ""]
    ) -> Rollout:
        return play_on_host(
            apply, params, columns, key, iteration, options, world, belief
        )

    return draw


def tree_of(config: ConfigDict) -> Tree | None:
    """How training episodes share prefixes and are valued, if they are."""
    branching, rollout = branching_of(config), config.rollout
    if wanted(config).isdisjoint(VALUE_SIGNALS):
        return Tree(branching, None) if branching else None
    if branching is None and not rollout.continuations:
        return None  # the values are the task's own
    return Tree(branching, rollout.continuations)


def branching_of(config: ConfigDict) -> Branching | None:
    """How training episodes share prefixes, if they do."""
    options = config.rollout.branching
    if not options.roots:
        return None
    return Branching(**{**options.to_dict(), "turns": tuple(options.turns)})


def sampling_of(config: ConfigDict, task: Task) -> Sampling:
    """How completions are drawn in training."""
    playing = task.environment is not None or config.rollout.on_host
    return Sampling(
        num_generations=config.rollout.num_generations,
        max_completion_length=config.rollout.max_completion_length,
        eos_id=-1 if playing else task.tokenizer.eos_id,
        pad_id=task.tokenizer.pad_id,
        temperature=config.rollout.temperature,
        top_k=config.rollout.top_k,
        top_p=config.rollout.top_p,
    )


def judging_of(config: ConfigDict, task: Task) -> Sampling:
    """How completions of held-out problems are drawn: one a problem where it is greedy.

    What `eval` does not say is as in training.
    """
    temperature = config.eval.temperature
    if temperature is None:
        temperature = config.rollout.temperature
    return dataclasses.replace(
        sampling_of(config, task),
        num_generations=config.eval.num_generations if temperature else 1,
        temperature=temperature,
    )


def ends(task: Task, rollout: Rollout) -> Bool[Array, " N"]:
    """The rows that ended by themselves, not by a limit."""
    if "ended_by" in rollout.signals:  # an episode
        return rollout.signals["finished"] > 0
    return jnp.any((rollout.tokens == task.tokenizer.eos_id) & rollout.mask, axis=1)
