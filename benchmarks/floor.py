"""What the multiplications of a step alone would take, at the rate of the moment."""

import time
from collections.abc import Callable
from typing import Any

from benchmarks.work import Work


def floor(config: Any, work: Work) -> float:
    """FLOPs of the weight matrices: rollout forward + 3 x forward for the update.

    Prompts count once a group; attention's own products, some 3 %, are left out.
    """
    heads = config.num_heads + 2 * config.num_kv_heads
    layer = config.width * config.head_dim * (heads + config.num_heads)
    layer += 3 * config.width * config.ffn
    weights = config.num_layers * layer + config.width * config.vocab_size
    tokens = work.prompts * (work.prompt_tokens + work.samples * work.new_tokens)
    return 4.0 * 2 * weights * tokens


def matmul() -> Callable[[], float]:
    """Times float32 products of 1024 x 1024 on all devices at once, in FLOP/s."""
    import jax
    import jax.numpy as jnp
    from jax import lax

    from rewardlab.learning.parallel import REPLICATED, SHARDED, jit_driver

    driver, size, repeats = jit_driver(), 1024, 4

    def chain(a: Any, b: Any) -> Any:
        return lax.fori_loop(0, repeats, lambda i, x: x @ b, a)

    run = driver.spmd(chain, (SHARDED, REPLICATED), SHARDED)
    a = jnp.ones((driver.devices * size, size)) / size
    b = jnp.ones((size, size)) / size
    jax.block_until_ready(run(a, b))

    def rate() -> float:
        begin = time.perf_counter()
        jax.block_until_ready(run(a, b))
        flops = 2.0 * size**3 * repeats * driver.devices
        return flops / (time.perf_counter() - begin)

    return rate
