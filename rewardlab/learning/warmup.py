"""Supervised warm-up: a base policy from demonstrations, before any reward."""

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Int

from rewardlab import objectives
from rewardlab.core.types import Rollout
from rewardlab.learning.learner import Params, Policy, gradient_step
from rewardlab.learning.parallel import (
    PARTED,
    REPLICATED,
    SHARDED,
    SHARDED_ROLLOUT,
    Driver,
)


def warm_up(
    policy: Policy,
    params: Params,
    batches: Iterator[dict[str, Any]],
    optimizer: optax.GradientTransformation,
    driver: Driver,
    micro_batches: int = 1,
) -> Iterator[tuple[Params, dict[str, Array]]]:
    """Maximises the demonstrations' mean log-likelihood a token, a batch at a time.

    A batch has `prompts`, `prompt_mask` [B, P], `tokens`, `mask`, `valid` [B, T].
    Yields the parameters and metrics after each.
    """
    objective = objectives.objective(
        objectives.negative_log_likelihood(), aggregate=objectives.token_mean()
    )
    sharded = driver.fit(
        lambda shards, *case: gradient_step(
            policy, objective, optimizer, micro_batches, shards
        )(*case),
        ins=(PARTED, PARTED, SHARDED_ROLLOUT, SHARDED),
        outs=(PARTED, PARTED, REPLICATED, SHARDED),
        donate=(0, 1),
    )

    def one(params: Params, opt: Any, rollout: Rollout, nothing: Any) -> Any:
        params, opt, sums, _ = sharded(params, opt, rollout, nothing)
        return params, opt, {name: s.mean() for name, s in sums.items()}

    step = driver.fuse(one, donate=(0, 1))
    params, opt = driver.part((params, jax.jit(optimizer.init)(params)))
    for batch in batches:
        demonstrations = as_rollout(**batch)
        nothing = jnp.zeros(demonstrations.mask.shape)
        params, opt, means = step(params, opt, demonstrations, nothing)
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
