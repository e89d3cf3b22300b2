"""Memory that an update needs beside parameters and optimizer; prints JSON.

    python -m benchmarks.memory

The work: a clipped update with AdamW of 8 prompts of 64 tokens x 8 completions, a shape
of SmolLM2's width (576, 9 heads that share 3, ffn 1,536, tied) with two layers, which
are scanned and recomputed. Nothing runs: the numbers are XLA's own, of the compiled
program's temporaries in MB. `gradient` is the pass forward and back, `update` that with
the optimizer's step, `at_once` the gradient where all logits are made in one piece,
and `logits` what one copy of those takes.
"""

import argparse
import dataclasses
import json
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp
import optax

from rewardlab.core.types import Rollout
from rewardlab.learning.learner import gradient_step
from rewardlab.models import lm, logprobs
from rewardlab.models.model import Model
from rewardlab.objectives import clipped, objective, sequence_mean

PROMPTS, SAMPLES, PROMPT_TOKENS = 8, 8, 64
SMOLLM2 = lm.LMConfig(
    49_152, 2, 576, num_heads=9, num_kv_heads=3, head_dim=64, ffn=1536, stacked=True
)


def main() -> None:
    """Compiles every case, both ways."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--vocabularies", type=int, nargs="+", default=[49_152, 151_936]
    )
    parser.add_argument("--lengths", type=int, nargs="+", default=[16, 64, 256])
    args = parser.parse_args()
    for vocab in args.vocabularies:
        config = dataclasses.replace(SMOLLM2, vocab_size=vocab)
        for length in args.lengths:
            positions = PROMPTS * SAMPLES * length
            gradient, update = _lowered(config, length)
            with mock.patch.object(logprobs, "_LOGITS", vocab * positions):
                at_once, _ = _lowered(config, length)
            found = {
                "vocabulary": vocab,
                "positions": positions,
                "chunk": logprobs.positions_at_once(vocab),
                "gradient_mb": _held(gradient),
                "update_mb": _held(update),
                "at_once_mb": _held(at_once),
                "logits_mb": round(4 * positions * vocab / 1e6),
            }
            print(json.dumps(found), flush=True)


def _lowered(config: lm.LMConfig, length: int) -> tuple[Any, Any]:
    """The gradient of the log-probs, and a whole step of the policy."""
    policy = Model(config).log_probs
    surrogate = objective(clipped(), aggregate=sequence_mean())
    optimizer, rollout = optax.adamw(1e-5), _rollout(length)
    step = gradient_step(policy, surrogate, optimizer, on_policy=True)
    params = jax.eval_shape(lambda: lm.init(config, jax.random.key(0)))
    opt = jax.eval_shape(optimizer.init, params)
    case = (params, opt, rollout, rollout.logp)

    def loss(params: Any, rollout: Rollout) -> Any:
        return jnp.sum(policy(params, rollout).logp)

    gradient = jax.jit(jax.grad(loss)).lower(params, rollout)
    return gradient, jax.jit(step, donate_argnums=(0, 1)).lower(*case)


def _held(lowered: Any) -> int:
    return round(lowered.compile().memory_analysis().temp_size_in_bytes / 1e6)


def _rollout(length: int) -> Rollout:
    """The shapes of one."""

    def of(*shape: int, dtype: Any = jnp.int32) -> Any:
        return jax.ShapeDtypeStruct(shape, dtype)

    rows = PROMPTS * SAMPLES
    return Rollout(
        prompts=of(PROMPTS, PROMPT_TOKENS),
        prompt_mask=of(PROMPTS, PROMPT_TOKENS, dtype=bool),
        group=of(rows),
        tokens=of(rows, length),
        mask=of(rows, length, dtype=bool),
        valid=of(rows, length, dtype=bool),
        step=of(rows, length),
        logp=of(rows, length, dtype=jnp.float32),
        signals={},
        iteration=of(),
    )


if __name__ == "__main__":
    main()
