"""What a run computes: a config becomes compiled functions on devices.

    sample (each device) -> score and estimate (the whole) -> step (each device)

An iteration is one compiled program where the driver can fuse it and no signal needs
the host.
"""

import dataclasses
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int
from ml_collections import ConfigDict

from rewardlab.core.compose import estimator
from rewardlab.core.stages import words
from rewardlab.core.types import Rollout
from rewardlab.data.batch import Batch
from rewardlab.learning.learner import (
    Learner,
    LearnerState,
    Numbers,
    Params,
    Parts,
    Policy,
    Report,
    learner,
)
from rewardlab.learning.parallel import Driver
from rewardlab.methods.sentence import shaped_reward
from rewardlab.models import lm
from rewardlab.models.shapes import shape_of
from rewardlab.objectives import reads_entropy
from rewardlab.runs import metrics
from rewardlab.runs.aliases import wanted
from rewardlab.runs.builders import (
    build_objective,
    build_optimizer,
    loss_of,
    select_of,
    transform_of,
    updates_of,
)
from rewardlab.runs.collect import collector, policy_of
from rewardlab.runs.generate import (
    generator,
    judging_of,
    sampling_of,
    tree_of,
)
from rewardlab.runs.worth import Sentence, Stages, measure_with, stages_with
from rewardlab.scorers.text_rewards import Host
from rewardlab.selection import select_rows
from rewardlab.tasks import Task


class Program(NamedTuple):
    """The compiled functions of a run.

    A `Batch` holds `prompts`, `prompt_mask`, `id` and what the task scores by; where
    all is `fused`, without its facts. `reference` are the frozen parameters that the KL
    terms refer to, and `hp` the numbers that are arguments of what is compiled.
    """

    model: lm.LMConfig
    policy: Policy
    learner: Learner
    shapes: Callable[..., Rollout]  # of a rollout in training
    iterate: Callable[..., tuple[LearnerState, Report, Rollout]]
    evaluate: Callable[[LearnerState, Batch, Array, Numbers], Rollout]
    measure: Callable[..., metrics.Metrics]  # see `runs.worth`, as are `stages`
    stages: Callable[[Any, Rollout, Numbers], Stages]
    words: tuple[str, ...]  # of the reward's sentence, one for each stage
    fused: bool  # an iteration is one program, and asks nothing of the host
    hp: Numbers


def build_program(
    config: ConfigDict, task: Task, driver: Driver, host: Host | None = None
) -> Program:
    """Builds every function; nothing is compiled before it is called.

    `host` adds signals that need Python between sampling and the estimate; without it
    an iteration is one program where the driver can fuse. `shapes` asks nobody.
    """
    model = _model(config, task)
    hp = {"optim.lr": jnp.asarray(config.optim.lr, jnp.float32)}
    sentence, select = _sentence(config), select_rows(select_of(config))
    entropy = reads_entropy(loss_of(config))
    policy = policy_of(config, lm.bind_forward_completions(model), entropy)
    learn = learner(
        _parts(config, policy, sentence, driver.devices),
        driver,
        updates_of(config),
        config.optim.micro_batches,
        select,
        on_policy=True,
    )
    options, judging = sampling_of(config, task), judging_of(config, task)
    believes, tree = "belief" in wanted(config), tree_of(config)
    case = (config, task, driver, model, options, 0, believes, tree)
    gather = functools.partial(collector, config, driver)
    forward_completions = lm.bind_forward_completions(model)
    collect = gather(generator(*case), forward_completions, host and host.add)
    blank = gather(
        generator(*case, played=False), forward_completions, host and host.blank
    )
    judge = generator(config, task, driver, model, judging, salt=1)
    on_device = not config.rollout.on_host
    fused = on_device and host is None
    iterate = _iteration(collect, learn)
    evaluate = _evaluation(judge)
    return Program(
        model,
        policy,
        learn,
        _shapes(blank),
        driver.fuse(iterate, donate=(0,)) if fused else iterate,
        driver.fuse(evaluate) if on_device else evaluate,
        measure_with(task, sentence),
        stages_with(sentence, select),
        words(sentence(hp)),
        fused,
        hp,
    )


def _sentence(config: ConfigDict) -> Sentence:
    """The reward's sentence, as a function of the numbers that are traced."""
    transform = transform_of(config)
    return lambda hp: transform


def _parts(
    config: ConfigDict, policy: Policy, sentence: Sentence, devices: int
) -> Callable[[Numbers], Parts]:
    """What learns, as a function of the numbers that are traced."""

    def parts(hp: Numbers) -> Parts:
        return Parts(
            policy,
            estimator(sentence(hp)),
            shaped_reward(sentence(hp)),
            build_objective(config),
            build_optimizer(config, hp["optim.lr"], devices),
        )

    return parts


def _model(config: ConfigDict, task: Task) -> lm.LMConfig:
    sizes = ("num_layers", "width", "num_heads", "ffn")
    return dataclasses.replace(
        shape_of(config.model.name, **{size: config.model[size] for size in sizes}),
        vocab_size=task.tokenizer.vocab_size,
        dtype=config.model.dtype,
        remat=config.model.remat,
    )


def _shapes(blank: Callable[..., Rollout]) -> Callable[[Params, Batch], Rollout]:
    """Of a rollout that `blank` would gather; nothing is computed."""

    def shapes(params: Params, batch: Batch) -> Rollout:
        zero = jnp.zeros((), jnp.int32)
        case = (params, params, batch.on_device, jax.random.key(0), zero)
        return jax.eval_shape(blank, *case)

    return shapes


def _iteration(collect: Callable[..., Rollout], learn: Learner) -> Callable[..., Any]:
    """`iterate` of a `Program`."""

    def iterate(
        state: LearnerState,
        reference: Params,
        batch: Batch,
        key: Array,
        iteration: Int[Array, ""],
        hp: Numbers,
    ) -> tuple[LearnerState, Report, Rollout]:
        rollout = collect(state.params, reference, batch, key, iteration)
        state, report = learn.update(state, rollout, hp)
        return state, report, rollout

    return iterate


def _evaluation(judge: Callable[..., Rollout]) -> Callable[..., Rollout]:
    """`evaluate` of a `Program`."""

    def evaluate(state: LearnerState, batch: Batch, key: Array, hp: Numbers) -> Rollout:
        del hp
        return judge(state.params, batch, key, jnp.zeros((), jnp.int32))

    return evaluate


def early(f: Callable[..., Any], *arguments: Any) -> Callable[..., Any]:
    """A function whose compiling begins now, on a thread, beside what else is done.

    The first call waits for it. Arguments have the shapes, types and layouts of these.
    A function that is not compiled as a whole stays as it is.
    """
    if not isinstance(f, jax.stages.Wrapped):
        return f
    compiled = ThreadPoolExecutor(1).submit(f.lower(*arguments).compile)
    return lambda *arguments: compiled.result()(*arguments)
