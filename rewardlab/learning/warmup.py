"""Supervised warm-up: a base policy from demonstrations, before any reward."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Int

from rewardlab import objectives
from rewardlab.core.types import Rollout
from rewardlab.learning.learner import Numbers, Params, Policy, gradient_step
from rewardlab.learning.parallel import (
    PARTED,
    REPLICATED,
    SHARDED,
    SHARDED_ROLLOUT,
    Driver,
)


class Warmup(NamedTuple):
    """`begin(params) -> (params, opt)`, and `step(params, opt, rollout, nothing, hp)`:
    functions that several warm-ups share, compiled once."""

    begin: Callable[[Params], tuple[Params, optax.OptState]]
    step: Callable[..., tuple[Params, optax.OptState, dict[str, Array]]]


def warmup(
    policy: Callable[[Numbers], Policy],
    optimizer: optax.GradientTransformation,
    driver: Driver,
    micro_batches: int = 1,
) -> Warmup:
    """Steps that raise the mean log-likelihood of a demonstration's token."""
    objective = objectives.objective(
        objectives.negative_log_likelihood(), aggregate=objectives.token_mean()
    )
    sharded = driver.fit(
        lambda shards, *case: gradient_step(
            policy(case[-1]), objective, optimizer, micro_batches, shards
        )(*case[:-1]),
        ins=(PARTED, PARTED, SHARDED_ROLLOUT, SHARDED, REPLICATED),
        outs=(PARTED, PARTED, REPLICATED, SHARDED),
        donate=(0, 1),
    )

    def one(*case: Any) -> tuple[Params, optax.OptState, dict[str, Array]]:
        params, opt, sums, _ = sharded(*case)
        return params, opt, {name: s.mean() for name, s in sums.items()}

    first = jax.jit(optimizer.init)

    def begin(params: Params) -> tuple[Params, optax.OptState]:
        return driver.part((params, first(params)))

    return Warmup(begin, driver.fuse(one, donate=(0, 1)))


def warm_up(
    warmup: Warmup, params: Params, batches: Iterator[dict[str, Any]], hp: Numbers
) -> Iterator[tuple[Params, dict[str, Array]]]:
    """Warms a policy up, a batch at a time; yields parameters and metrics after each.

    A batch has `prompts`, `prompt_mask` [B, P], `tokens`, `mask`, `valid` [B, T].
    """
    params, opt = warmup.begin(params)
    for batch in batches:
        demonstrations = as_rollout(**batch)
        nothing = jnp.zeros(demonstrations.mask.shape)
        params, opt, means = warmup.step(params, opt, demonstrations, nothing, hp)
        # Programs that run ahead on several CPU devices can wait for each other: XLA
        # starts each on a pool of as many threads, and lets 32 queue for a device.
        yield params, jax.block_until_ready(means)


def as_rollout(
    prompts: Int[Array, "B P"],
    prompt_mask: Bool[Array, "B P"],
    tokens: Int[Array, "B T"],
    mask: Bool[Array, "B T"],
    valid: Bool[Array, "B T"],
    **signals: Any,
) -> Rollout:
    """Texts that no policy of ours sampled, one for each prompt, as a Rollout."""
    mask, valid = jnp.asarray(mask), jnp.asarray(valid)
    return Rollout(
        prompts=jnp.asarray(prompts),
        prompt_mask=jnp.asarray(prompt_mask),
        group=jnp.arange(mask.shape[0]),
        tokens=jnp.asarray(tokens),
        mask=mask,
        valid=valid,
        step=jnp.where(valid, 0, -1),
        logp=jnp.zeros(mask.shape),
        signals=jax.tree.map(jnp.asarray, signals),
        iteration=jnp.zeros((), jnp.int32),
    )
