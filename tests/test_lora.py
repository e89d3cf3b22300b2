"""Adapters: what they start from, what they are merged to, and what they save."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_lm_families import LLAMA, STATES, texts

from rewardlab.models import lm, lora

CONFIG = dataclasses.replace(LLAMA, lora=lm.LoRA(3, 6.0, ("query", "up", "down")))
STACKED = dataclasses.replace(CONFIG, stacked=True)


def states(config, params):
    return STATES(config, params, *texts())


def learnt(config):
    """Frozen weights and adapters that have left their start."""
    frozen = lm.init(config, jax.random.key(0))
    fresh = lora.init(config, jax.random.key(1))
    rng = np.random.default_rng(2)
    shake = lambda x: x + 0.3 * rng.normal(size=x.shape).astype(np.float32)  # noqa: E731
    return frozen, jax.tree.map(shake, fresh)


def assert_close(a, b):
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, atol=1e-4), a, b)


def test_fresh_adapters_change_nothing():
    frozen, fresh = (f(CONFIG, jax.random.key(0)) for f in (lm.init, lora.init))
    joined = lora.join(frozen, fresh)
    assert joined["layers"]["01"]["up_a"].shape == (12, 3)
    assert joined["layers"]["01"]["up_b"].shape == (3, 10)
    assert "gate_a" not in joined["layers"]["01"]
    assert "up_a" not in frozen["layers"]["01"]  # nothing is written into another tree
    assert_close(states(CONFIG, joined), states(CONFIG, frozen))
    spread = np.std(lora.init(STACKED, jax.random.key(3))["layers"]["down_a"])
    assert abs(spread - 10**-0.5) < 0.1


def test_merged_weights_are_the_model_with_its_adapters():
    """With unrolled layers; stacked ones merge to the same numbers."""
    frozen, adapters = learnt(CONFIG)
    joined, merged = lora.join(frozen, adapters), lora.merged(frozen, adapters, CONFIG)
    assert jax.tree.structure(merged) == jax.tree.structure(frozen)
    assert_close(states(CONFIG, merged), states(CONFIG, joined))
    differs = jax.tree.map(lambda a, b: bool(np.any(a != b)), merged, frozen)
    changed = {name for name, other in differs["layers"]["00"].items() if other}
    assert changed == {"query", "up", "down"}
    stacked = lora.merged(lm.stacked(frozen), lm.stacked(adapters), CONFIG)
    assert_close(lm.unstacked(stacked), merged)


def test_no_gradient_of_a_frozen_weight_is_computed():
    """Of three equal parts of the work, the one that makes them is left out.

    Forward, back through the weights, and of the weights. The sizes are such that
    attention hardly counts.
    """
    adapted = lm.LoRA(1, 1.0, ("query", "down"))
    config = dataclasses.replace(
        STACKED, width=128, ffn=512, num_layers=1, lora=adapted
    )
    frozen, adapters = learnt(config)

    def work(learning, params):
        def loss(learning):
            return jnp.sum(lm.states(config, params(learning), *texts()) ** 2)

        compiled = jax.jit(jax.grad(loss)).lower(learning).compile()
        return compiled.cost_analysis()["flops"]

    everything = work(frozen, lambda learning: learning)
    adapters_alone = work(adapters, lambda learning: lora.join(frozen, learning))
    assert adapters_alone < 0.75 * everything


def test_adapters_without_a_lora_say_so():
    with pytest.raises(ValueError, match="give its LMConfig a `lora`"):
        lora.init(LLAMA, jax.random.key(0))
