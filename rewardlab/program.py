"""What a run computes: a config becomes compiled functions on devices.

    sample (each device) -> score and estimate (the whole) -> step (each device)

An iteration is one compiled program where the driver can fuse it and no signal needs
the host.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int
from ml_collections import ConfigDict

from rewardlab import masked, metrics
from rewardlab.builders import build_objective, build_optimizer, reads_entropy
from rewardlab.compose import estimator
from rewardlab.learner import Learner, LearnerState, Params, Policy, Report, learner
from rewardlab.methods import reads, resolve
from rewardlab.models import lm
from rewardlab.models.logprobs import TokenStats, completion_logprobs
from rewardlab.parallel import REPLICATED, SHARDED, SHARDED_ROLLOUT, Driver
from rewardlab.sampling import Sampling, play, sample
from rewardlab.sentence import shaped_reward
from rewardlab.tasks import Task
from rewardlab.transforms.sources.signals import outcome, process
from rewardlab.types import Channels, RewardTransform, Rollout

Columns = dict[str, Any]  # by name: an array of B rows
Host = Callable[[Rollout, Columns], Rollout]


class Program(NamedTuple):
    """The compiled functions of a run.

    `columns` are arrays over B prompts: `prompts`, `prompt_mask`, `id` and what the
    task scores by. `base` are the frozen parameters that the KL terms refer to.
    """

    model: lm.LMConfig
    policy: Policy
    learner: Learner
    shapes: Callable[..., Rollout]  # of a rollout in training
    iterate: Callable[..., tuple[LearnerState, Report, Rollout]]
    evaluate: Callable[[Params, Columns, Int[Array, ""]], Rollout]
    measure: Callable[[LearnerState, Report, Rollout], metrics.Metrics]


def build_program(
    config: ConfigDict, task: Task, driver: Driver, host: Host | None = None
) -> Program:
    """Builds every function; nothing is compiled before it is called.

    `host(rollout, columns) -> rollout` adds signals that need Python between sampling
    and the estimate; without it an iteration is one program where the driver can fuse.
    """
    model = _model(config, task)
    transform = resolve(config.reward, **config.hp)
    policy = _policy(config, lm.bind_teach(model), entropy=reads_entropy(config))
    learn = learner(
        policy,
        estimator(transform),
        shaped_reward(transform),
        build_objective(config),
        build_optimizer(config),
        driver,
        config.loss.num_iterations,
        config.loss.micro_batches,
    )
    count, judged = config.rollout.num_generations, config.eval.num_generations
    believes = "belief" in reads(transform)
    generate = _generator(config, task, driver, model, count, belief=believes)
    collect = _collector(config, driver, generate, lm.bind_teach(model), transform)
    shapes, iterate = _iteration(collect, learn, host)
    return Program(
        model,
        policy,
        learn,
        shapes,
        iterate if host else driver.fuse(iterate, donate=(0,)),
        _generator(config, task, driver, model, judged, salt=1),
        jax.jit(functools.partial(_metrics, task)),
    )


def _model(config: ConfigDict, task: Task) -> lm.LMConfig:
    return dataclasses.replace(
        lm.CONFIGS[config.model.name],
        vocab_size=task.tokenizer.vocab_size,
        dtype=config.model.dtype,
        remat=config.model.remat,
    )


def _collector(
    config: ConfigDict,
    driver: Driver,
    generate: Callable[..., Rollout],
    teach: lm.Teach,
    transform: RewardTransform,
) -> Callable[..., Rollout]:
    """Rollouts with the log-probs that the sentence and the objective need."""
    policy = _policy(config, teach, entropy=False)
    unsure = _policy(config, teach, entropy=True)
    layout = {"ins": (REPLICATED, SHARDED_ROLLOUT), "outs": SHARDED}
    teacher = driver.spmd(lambda p, rollout: policy(p, rollout).logp, **layout)
    hesitation = driver.spmd(lambda p, rollout: unsure(p, rollout).entropy, **layout)
    wanted = reads(transform)
    reads_ref = config.loss.beta > 0 or "ref_logp" in wanted
    truncated = config.rollout.top_k > 0 or config.rollout.top_p < 1
    differ = truncated or "sampler_logp" in wanted

    def collect(
        params: Params, base: Params, columns: Columns, iteration: Int[Array, ""]
    ) -> Rollout:
        rollout = generate(params, columns, iteration)
        if reads_ref:
            rollout = rollout.with_signals(ref_logp=teacher(base, rollout))
        if "entropy" in wanted and "entropy" not in rollout.signals:
            rollout = rollout.with_signals(entropy=hesitation(params, rollout))
        if differ:
            # Ratios compare whole distributions: the sampled one lacks its tail.
            rollout = rollout.with_signals(sampler_logp=rollout.logp)
            rollout = dataclasses.replace(rollout, logp=teacher(params, rollout))
        return rollout

    return collect


def _iteration(
    collect: Callable[..., Rollout], learn: Learner, host: Host | None
) -> tuple[Callable[..., Rollout], Callable[..., Any]]:
    """`shapes` and `iterate` of a `Program`."""

    def shapes(params: Params, columns: Columns) -> Rollout:
        zero = jnp.zeros((), jnp.int32)
        if host is None:
            return jax.eval_shape(collect, params, params, columns, zero)
        return host(collect(params, params, columns, zero), columns)

    def iterate(
        state: LearnerState, base: Params, columns: Columns, iteration: Int[Array, ""]
    ) -> tuple[LearnerState, Report, Rollout]:
        rollout = collect(state.params, base, columns, iteration)
        if host is not None:
            rollout = host(rollout, columns)
        state, report = learn.update(state, rollout)
        return state, report, rollout

    return shapes, iterate


def _policy(config: ConfigDict, teach: lm.Teach, entropy: bool) -> Policy:
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


def _sampling(config: ConfigDict, task: Task, num_generations: int) -> Sampling:
    return Sampling(
        num_generations=num_generations,
        max_completion_length=config.rollout.max_completion_length,
        eos_id=-1 if task.environment else task.tokenizer.eos_id,
        pad_id=task.tokenizer.pad_id,
        temperature=config.rollout.temperature,
        top_k=config.rollout.top_k,
        top_p=config.rollout.top_p,
    )


def _generator(
    config: ConfigDict,
    task: Task,
    driver: Driver,
    model: lm.LMConfig,
    num_generations: int,
    salt: int = 0,
    belief: bool = False,
) -> Callable[[Params, Columns, Int[Array, ""]], Rollout]:
    """Sampling on every device, then the task's score of the whole."""
    key = jax.random.fold_in(jax.random.key(config.seed), salt)
    options = _sampling(config, task, num_generations)

    def shard(params: Params, columns: Columns, iteration: Int[Array, ""]) -> Rollout:
        apply, world = lm.bind(model), task.environment
        if world is not None:
            return play(
                apply, params, columns, key, iteration, options, world, belief
            )
        return sample(
            apply,
            params,
            columns["prompts"],
            columns["prompt_mask"],
            columns["id"],
            key,
            iteration,
            options,
        )

    sampler = driver.spmd(
        shard, ins=(REPLICATED, SHARDED, REPLICATED), outs=SHARDED_ROLLOUT
    )

    @jax.jit
    def score(rollout: Rollout, columns: Columns) -> Rollout:
        rows = jnp.arange(rollout.tokens.shape[0], dtype=jnp.int32)
        group = rows // num_generations  # shards count from 0 each
        return task.score(dataclasses.replace(rollout, group=group), columns)

    def generate(
        params: Params, columns: Columns, iteration: Int[Array, ""]
    ) -> Rollout:
        return score(sampler(params, columns, iteration), columns)

    return generate


def _metrics(
    task: Task, state: LearnerState, report: Report, rollout: Rollout
) -> metrics.Metrics:
    channels: Channels = {}
    for name, x in rollout.signals.items():
        if not name.endswith("_valid") and x.shape != rollout.mask.shape:
            source = outcome(name) if x.ndim == 1 else process(name)
            channels, _ = source.update(channels, (), rollout)
    advantage, reward, ended = report.advantage, report.reward, ends(task, rollout)
    return {
        **metrics.rollout_metrics(rollout, advantage, channels, reward, ended),
        "entropy": masked.sum_of(-rollout.logp, rollout.mask),  # a sample of it
        **report.metrics,
        **metrics.state_metrics(state.reward),
    }


def ends(task: Task, rollout: Rollout) -> Bool[Array, " N"]:
    """The rows that ended by themselves, not by a limit."""
    if task.environment is not None:
        return rollout.signals["finished"] > 0
    return jnp.any((rollout.tokens == task.tokenizer.eos_id) & rollout.mask, axis=1)
