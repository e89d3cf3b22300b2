"""Rollouts sampled as a config says, on every device or with an environment in Python.

problems -> completions or episodes (each device) -> their steps (the whole)
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int
from ml_collections import ConfigDict

from rewardlab.core.types import Rollout
from rewardlab.data.batch import Batch
from rewardlab.learning.learner import Params
from rewardlab.learning.parallel import REPLICATED, SHARDED, SHARDED_ROLLOUT, Driver
from rewardlab.models import lm
from rewardlab.models.logprobs import log_likelihood
from rewardlab.models.model import Model
from rewardlab.models.predictions import likeliest
from rewardlab.rollouts import (
    Sampling,
    blank_episodes,
    rollout_completions,
    rollout_episodes,
    rollout_episodes_on_host,
    rollout_trees,
)
from rewardlab.runs.switches import NOTHING_MORE, Switches, Tree
from rewardlab.tasks import Task
from rewardlab.text.ends import stop_table

Columns = dict[str, Any]  # by name: an array of B rows
Temperature = Float[Array, ""] | None  # None: greedy
Sampler = Callable[[Params, Columns, Array, Int[Array, ""], Sampling], Rollout]
Generator = Callable[[Params, Batch, Array, Int[Array, ""], Temperature], Rollout]


def generator(
    config: ConfigDict,
    task: Task,
    driver: Driver,
    model: lm.LMConfig,
    options: Sampling,
    salt: int = 0,
    switches: Switches = NOTHING_MORE,
    played: bool = True,
) -> Generator:
    """Sampling on every device, then the task's steps of the whole.

    The key and the temperature, in the place of that of `options`, are arguments, so
    that runs of several seeds and temperatures share what is compiled. Where episodes
    are not `played`, only shapes are right, and no Python is asked.
    """
    belief, tree, exact, *keep, top = switches
    kept = 0 if exact else top
    ins = (REPLICATED, SHARDED, REPLICATED, REPLICATED, REPLICATED)
    layout = {"ins": ins, "outs": SHARDED_ROLLOUT}
    case = (lm.bind(model), task, belief)
    episodes = config.rollout.on_host or task.environment is not None
    if config.rollout.on_host:
        sampler = _by_turns(
            *case, rollout_episodes_on_host if played else blank_episodes
        )
    else:
        shard = _in_one(*case, model, keep) if tree is None else _as_trees(*case, tree)
        sampler = driver.spmd(shard, **layout)
    join, teacher = _joining(task, options), _reading_again(driver, Model(model), top)

    def generate(
        params: Params,
        batch: Batch,
        key: Array,
        iteration: Int[Array, ""],
        temperature: Temperature,
    ) -> Rollout:
        _refuse_lacking(batch.arrays, belief and episodes)
        own = jax.random.fold_in(key, salt)
        read = batch.columns if config.rollout.on_host else batch.arrays
        now = dataclasses.replace(options, temperature=temperature, likeliest=kept)
        rollout = join(sampler(params, read, own, iteration, now))
        if not exact:
            return rollout
        logp, more = teacher(params, rollout, temperature)
        rollout = rollout.with_signals(sampler_logp=rollout.logp, **more)
        return dataclasses.replace(rollout, logp=logp)

    return generate


def _reading_again(driver: Driver, policy: Model, top: int) -> Callable[..., Any]:
    """Log-probs of what was sampled, by a pass of its own, and signals of as many of
    the likeliest tokens as are asked for."""

    def read(params: Params, rollout: Rollout, at: Any) -> tuple[Any, Any]:
        if not top:
            return policy.log_probs(params, rollout, at).logp, {}

        def both(logits: Array, tokens: Array) -> tuple[Array, ...]:
            ids, logp = likeliest(logits, tokens, top)
            return log_likelihood(logits, tokens), ids, logp

        logp, ids, others = policy.statistic(params, rollout, both, at)
        return logp, {"top_ids": ids, "top_logp": others}

    ins = (REPLICATED, SHARDED_ROLLOUT, REPLICATED)
    return driver.spmd(read, ins=ins, outs=SHARDED)


def _joining(task: Task, options: Sampling) -> Callable[[Rollout], Rollout]:
    """The shards as a whole, with the task's steps."""

    @jax.jit
    def join(rollout: Rollout) -> Rollout:
        rows = jnp.arange(rollout.tokens.shape[0], dtype=jnp.int32)
        group = rows // options.num_generations  # shards count from 0 each
        rollout = dataclasses.replace(rollout, group=group)
        return task.segment(rollout) if task.segment else rollout

    return join


def _refuse_lacking(columns: Columns, belief: bool) -> None:
    """`ValueError` for problems without the columns that every sampler reads."""
    needed = {"prompts": "", "prompt_mask": "", "id": ""}
    if belief:
        reader = ", from which the belief in the true answer is computed"
        needed |= {"truth": reader, "truth_mask": reader}
    for name, why in needed.items():
        if name not in columns:
            raise ValueError(
                f"the task's problems have no column {name!r}{why}; have "
                f"{', '.join(sorted(columns))}"
            )


def _in_one(
    apply: lm.Apply,
    task: Task,
    belief: bool,
    model: lm.LMConfig,
    keep: list[bool],
) -> Sampler:
    """Completions, or episodes on the device, as one program for each shard."""
    world, (entropy, states) = task.environment, keep
    read = lm.bind_with_states(model) if states else apply

    def draw(
        params: Params,
        columns: Columns,
        key: Array,
        iteration: Int[Array, ""],
        options: Sampling,
    ) -> Rollout:
        if world is not None:
            return rollout_episodes(
                apply, params, columns, key, iteration, options, world, belief
            )
        prompts = columns["prompts"], columns["prompt_mask"], columns["id"]
        case = (*prompts, key, iteration, options)
        return rollout_completions(read, params, *case, entropy=entropy, states=states)

    return draw


def _as_trees(apply: lm.Apply, task: Task, belief: bool, tree: Tree) -> Sampler:
    """Episodes on the device that share prefixes, or have values before their turns."""
    assert task.environment is not None  # `validate` has looked
    world = task.environment

    def draw(
        params: Params,
        columns: Columns,
        key: Array,
        iteration: Int[Array, ""],
        options: Sampling,
    ) -> Rollout:
        case = (apply, params, columns, key, iteration, options, world)
        return rollout_trees(*case, *tree, belief)

    return draw


def _by_turns(
    apply: lm.Apply,
    task: Task,
    belief: bool,
    episodes: Callable[..., Rollout],
) -> Sampler:
    """Episodes whose environment is asked in Python."""
    assert task.on_host is not None  # `validate` has looked
    world = task.on_host

    def draw(
        params: Params,
        columns: Columns,
        key: Array,
        iteration: Int[Array, ""],
        options: Sampling,
    ) -> Rollout:
        case = (apply, params, columns, key, iteration, options)
        return episodes(*case, world, belief)

    return draw


def sampling_of(config: ConfigDict, task: Task) -> Sampling:
    """How completions are drawn in training."""
    playing = task.environment is not None or config.rollout.on_host
    return Sampling(
        num_generations=config.rollout.num_generations,
        max_completion_length=config.rollout.max_completion_length,
        eos_ids=() if playing else task.tokenizer.eos_ids,
        pad_id=task.tokenizer.pad_id,
        temperature=config.rollout.temperature,
        top_k=config.rollout.top_k,
        top_p=config.rollout.top_p,
        stops=None if playing else stop_table(task.tokenizer),
    )


def judging_of(config: ConfigDict, task: Task) -> Sampling:
    """How completions of held-out problems are drawn: one a problem where it is greedy.

    What `eval` does not say is as in training.
    """
    temperature = judging_temperature(config)
    return dataclasses.replace(
        sampling_of(config, task),
        num_generations=config.eval.num_generations if temperature else 1,
        temperature=temperature,
    )


def judging_temperature(config: ConfigDict) -> float:
    """That of held-out problems; 0 is greedy."""
    said = config.eval.temperature
    return config.rollout.temperature if said is None else said
