"""Each family's fields against loops in float64, however its layers run."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracle_lm import oracle

from rewardlab.models import lm, lora
from rewardlab.models.cache import start

LLAMA = lm.LMConfig(11, 2, 12, num_heads=4, num_kv_heads=2, head_dim=8, ffn=10)
TO = functools.partial(dataclasses.replace, LLAMA)
STATES = jax.jit(lm.states, static_argnums=0)
FAMILIES = {
    "llama3": TO(rope_scaling=lm.RopeScaling("llama3", 8.0, 6), rope_theta=20.0),
    "linear": TO(rope_scaling=lm.RopeScaling("linear", 4.0), rope_theta=20.0),
    "yarn": TO(
        rope_scaling=lm.RopeScaling("yarn", 4.0, 40, beta_fast=3.0), rope_theta=200.0
    ),
    "biased": TO(qkv_bias=True, out_bias=True, mlp_bias=True, tied=False),
    "qwen2": TO(qkv_bias=True),
    "qwen3": TO(qk_norm=True, num_kv_heads=1),
    "gpt2": TO(
        num_kv_heads=4,
        head_dim=3,
        qkv_bias=True,
        out_bias=True,
        mlp_bias=True,
        norm="layer",
        mlp="gelu_tanh",
        positions="learned",
        max_positions=9,
    ),
    "lora": TO(lora=lm.LoRA(2, 6.0, ("query", "value", "out", "down"))),
}


def shaken(config):
    """Parameters of which none is 0 or 1, where a forgotten one would not be seen."""
    params = lm.init(config, jax.random.key(0))
    if config.lora:
        params = lora.join(params, lora.init(config, jax.random.key(1)))
    rng = np.random.default_rng(2)
    noise = lambda x: x + 0.3 * rng.normal(size=x.shape).astype(np.float32)  # noqa: E731
    return jax.tree.map(noise, params)


def texts():
    """Two prompts of 3 and 5 tokens, two answers each of up to 4, padded both ways."""
    rng = np.random.default_rng(3)
    prompts, tokens = rng.integers(0, 11, (2, 5)), rng.integers(0, 11, (4, 4))
    prompt_mask = np.arange(5) >= np.array([[2], [0]])
    valid = np.arange(4) < np.array([[4], [1], [3], [4]])
    return prompts, prompt_mask, tokens, valid


def token_by_token(config, params, prompts, prompt_mask, tokens, valid):
    """The logits that predict each token of the answers, read with the cache."""
    apply = jax.jit(lm.bind(config))
    first, cache = apply(params, prompts, start(jnp.asarray(prompt_mask)))
    cache, found = cache.fork(2, jnp.asarray(valid)), [jnp.repeat(first[:, -1:], 2, 0)]
    for t in range(tokens.shape[1] - 1):
        logits, cache = apply(params, tokens[:, t : t + 1], cache)
        found.append(logits)
    return jnp.concatenate(found, axis=1)


def at_once(config, params, *case):
    """The same from the states before each token."""
    return STATES(config, params, *case) @ lm.head(config, params)


@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_is_its_equations(family):
    """Token by token and all at once, with padding and shared prompts.

    One with unrolled layers, the other with stacked ones: the layouts agree as well.
    """
    config, case = FAMILIES[family], texts()
    params = shaken(config)
    whole = lm.stacked(params)
    assert jax.tree.structure(lm.unstacked(whole)) == jax.tree.structure(params)
    ways = token_by_token(config, params, *case), at_once(config, whole, *case)
    prompts, prompt_mask, tokens, valid = case
    for n in range(4):
        prompt = prompts[n // 2][prompt_mask[n // 2]]
        text = np.concatenate([prompt, tokens[n][valid[n]]])
        expected = oracle(params, config, text)[len(prompt) - 1 : -1]
        for logits in ways:
            np.testing.assert_allclose(logits[n][valid[n]], expected, atol=3e-4)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("family", FAMILIES)
def test_what_the_last_token_looks_at(family, layers):
    """The last layer's weights, the mean over heads; the prompt has the rest of 1."""
    config, case = dataclasses.replace(FAMILIES[family], num_layers=layers), texts()
    params, (prompts, prompt_mask, tokens, valid) = shaken(config), case
    at = np.maximum(valid.sum(axis=1) - 1, 0)
    for own in (params, lm.stacked(params)):
        found = np.asarray(jax.jit(lm.looks, static_argnums=0)(config, own, case, at))
        for n in range(4):
            prompt, looks = prompts[n // 2][prompt_mask[n // 2]], {}
            text = np.concatenate([prompt, tokens[n][valid[n]]])
            oracle(params, config, text, looks)
            heads = [looks[len(text) - 1, h] for h in range(config.num_heads)]
            want = np.mean(heads, axis=0)[len(prompt) :]
            np.testing.assert_allclose(found[n][valid[n]], want, atol=1e-4)
            assert not found[n][~valid[n]].any() and found[n].sum() < 1


@pytest.mark.parametrize("family", FAMILIES)
def test_bfloat16_goes_through_all_layers(family):
    """Memories are bfloat16, and what the head reads is float32."""
    config = dataclasses.replace(FAMILIES[family], dtype="bfloat16", stacked=True)
    params, (prompts, *rest) = shaken(config), texts()
    states = jax.eval_shape(lambda: lm.states(config, params, prompts, *rest))
    assert states.shape == (4, 4, 12) and states.dtype == jnp.float32
    fresh = start(jnp.ones(prompts.shape, bool))
    _, cache = jax.eval_shape(lambda: lm.apply(config, params, prompts, fresh))
    assert {x.dtype for x in jax.tree.leaves(cache.layers)} == {jnp.dtype("bfloat16")}


def test_a_text_beyond_the_learned_positions_says_so():
    config = dataclasses.replace(FAMILIES["gpt2"], max_positions=8)
    with pytest.raises(ValueError, match="9 tokens does not fit .* 8 learned pos"):
        lm.states(config, shaken(config), *texts())


def test_names_and_shapes_of_the_parameters():
    config = dataclasses.replace(FAMILIES["gpt2"], tied=False, stacked=True)
    params = jax.eval_shape(lambda: lm.init(config, jax.random.key(0)))
    assert params["positions"].shape == (9, 12) and params["head"].shape == (12, 11)
    assert params["final_norm_bias"].shape == (12,)
    layer = {name: x.shape[1:] for name, x in params["layers"].items()}
    assert layer == {
        "query": (12, 12),
        "key": (12, 12),
        "value": (12, 12),
        "out": (12, 12),
        "up": (12, 10),
        "down": (10, 12),
        "attention_norm": (12,),
        "ffn_norm": (12,),
        "attention_norm_bias": (12,),
        "ffn_norm_bias": (12,),
        "query_bias": (12,),
        "key_bias": (12,),
        "value_bias": (12,),
        "out_bias": (12,),
        "up_bias": (10,),
        "down_bias": (12,),
    }


def test_layouts_are_chosen_by_size():
    assert not lm.CONFIGS["M"].is_stacked
    smollm2 = lm.LMConfig(49152, 30, 576, 9, 3, 64, 1536)
    assert smollm2.is_stacked
    assert not dataclasses.replace(smollm2, stacked=False).is_stacked
