"""Times tokens drawn by Gumbel noise and by the inverse CDF; prints JSON.

    python -m benchmarks.noise

The work: 8 prompts of 64 tokens x 8 completions of exactly 16 tokens with random
weights of SmolLM2-135M's shape, float32. `rollout` are milliseconds a token of all 64
rows, prefill included, and the others those of one piece of it alone: the choice of a
token with its noise, and the product with the head. All in turns; the least of each,
and that of the processor's own time, which other programs disturb less.
"""

import argparse
import functools
import json
import time
from collections.abc import Callable
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp

from rewardlab.models import lm
from rewardlab.rollouts import Sampling, drawing, rollout_completions

PROMPTS, SAMPLES, PROMPT_TOKENS, NEW_TOKENS = 8, 8, 64, 16
EVERY = 2**30  # Gumbel noise for vocabularies up to this size
SMOLLM2 = lm.LMConfig(
    49_152, 30, 576, num_heads=9, num_kv_heads=3, head_dim=64, ffn=1536, stacked=False
)


def main() -> None:
    """Compiles everything, then times it in turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    params = lm.init(SMOLLM2, jax.random.key(0))
    keys = jax.random.split(jax.random.key(1), PROMPTS * SAMPLES)
    states, apply = jnp.ones((len(keys), SMOLLM2.width)), lm.bind(SMOLLM2)
    head = jax.jit(lambda params, x: x @ lm.head(SMOLLM2, params))
    logits = head(params, states)
    timed: dict[str, Callable[[], Any]] = {"head": lambda: head(params, states)}
    for name, largest in (("inverse_cdf", 4_096), ("gumbel", EVERY)):
        jax.clear_caches()  # what was traced under the other size
        with mock.patch.object(drawing, "_GUMBEL", largest):
            draw = jax.jit(_choice).lower(logits, keys).compile()
            sampler = jax.jit(functools.partial(rollout_completions, apply))
            play = sampler.lower(*_case(params)).compile()
        timed[f"choice_{name}"] = lambda draw=draw: draw(logits, keys)
        timed[f"rollout_{name}"] = lambda play=play: play(*_case(params))
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in timed}
    for _ in range(rounds + 1):
        for name, f in timed.items():
            found[name].append(_seconds(f))
    for name, times in found.items():
        tokens = NEW_TOKENS if name.startswith("rollout") else 1
        wall, own = (1e3 * min(x) / tokens for x in zip(*times[1:], strict=True))
        what = {"what": name, "wall_ms": round(wall, 1), "processor_ms": round(own, 1)}
        print(json.dumps(what))


def _choice(logits: Any, keys: Any) -> Any:
    """One token of every row, its noise drawn when it is asked for."""
    with mock.patch.object(drawing, "_NOISE_BYTES", 0):
        noise = drawing.row_noise(keys, 1, logits.shape[-1])
    return drawing.choose(logits, noise(jnp.zeros((), jnp.int32)), _options())


def _options() -> Sampling:
    return Sampling(SAMPLES, NEW_TOKENS, (), pad_id=0)


def _case(params: Any) -> tuple[Any, ...]:
    prompts = jnp.arange(PROMPTS * PROMPT_TOKENS).reshape(PROMPTS, -1)
    ids, zero = jnp.arange(PROMPTS), jnp.zeros((), jnp.int32)
    mask = jnp.ones(prompts.shape, bool)
    return params, prompts, mask, ids, jax.random.key(2), zero, _options()


def _seconds(f: Callable[[], Any]) -> tuple[float, float]:
    """On the wall, and of the processor in this process."""
    began, own = time.perf_counter(), time.process_time()
    jax.block_until_ready(f())
    return time.perf_counter() - began, time.process_time() - own


if __name__ == "__main__":
    main()
