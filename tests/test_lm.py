"""The language model against loops in float64, and what must not change its answer."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads
from oracle_lm import oracle

from rewardlab.models import decoder, lm
from rewardlab.models.cache import start
from rewardlab.models.linear import linear, swiglu
from rewardlab.models.logprobs import completion_logprobs

CONFIG = lm.LMConfig(11, 2, 12, num_heads=4, num_kv_heads=2, head_dim=6, ffn=10)
APPLY = jax.jit(lm.bind(CONFIG))
PARAMS = lm.init(CONFIG, jax.random.key(0))
TOKENS = np.random.default_rng(0).integers(0, 11, (3, 7))


def full(apply, params, tokens, valid=None):
    valid = jnp.ones(tokens.shape, bool) if valid is None else valid
    return jax.jit(apply)(params, jnp.asarray(tokens), start(valid))[0]


@pytest.mark.parametrize(("tied", "kv_heads"), [(True, 1), (False, 2), (True, 4)])
def test_logits_are_the_equations(tied, kv_heads):
    config = dataclasses.replace(CONFIG, tied=tied, num_kv_heads=kv_heads)
    params = lm.init(config, jax.random.key(1))
    # Norm scales start at 1, where a forgotten scale would not be seen.
    noise = lambda x: x + 0.3 * np.random.default_rng(2).normal(size=x.shape)  # noqa: E731
    params = jax.tree.map(lambda x: noise(x).astype(np.float32), params)
    assert ("head" in params) == (not tied)
    logits = full(lm.bind(config), params, TOKENS)
    for row, tokens in zip(logits, TOKENS, strict=True):
        np.testing.assert_allclose(row, oracle(params, config, tokens), atol=2e-4)


def test_left_padding_changes_nothing():
    padded = np.concatenate([np.full((3, 4), 9), TOKENS], axis=1)
    valid = jnp.arange(11) >= jnp.full((3, 1), 4)
    plain = full(APPLY, PARAMS, TOKENS)
    other = full(APPLY, PARAMS, padded, valid)
    np.testing.assert_allclose(other[:, 4:], plain, atol=1e-5)
    padded[:, :4] = 1
    np.testing.assert_array_equal(
        full(APPLY, PARAMS, padded, valid)[:, 4:], other[:, 4:]
    )


def test_decoding_with_a_cache_is_the_full_forward():
    expected = full(APPLY, PARAMS, TOKENS)
    cache, parts = start(jnp.ones((3, 7), bool)), []
    for a, b in ((0, 2), (2, 3), (3, 6), (6, 7)):  # blocks of 2, 1, 3 and 1 tokens
        logits, cache = APPLY(PARAMS, TOKENS[:, a:b], cache)
        parts.append(logits)
    assert cache.used == 7
    np.testing.assert_allclose(jnp.concatenate(parts, 1), expected, atol=1e-5)


def test_gaps_between_turns_are_not_seen():
    """A row that waits while others read keeps its place: [a b _ _ c] is [a b c]."""
    valid = jnp.array([[True, True, False, False, True]])
    cache = start(valid)
    _, cache = APPLY(PARAMS, TOKENS[:1, :2], cache)
    _, cache = APPLY(PARAMS, jnp.array([[5, 6]]), cache)
    logits, _ = APPLY(PARAMS, TOKENS[:1, 2:3], cache)
    expected = full(APPLY, PARAMS, TOKENS[:1, :3])[:, 2:]
    np.testing.assert_allclose(logits, expected, atol=1e-5)


def shared_case():
    """Two prompts of 3 and 5 tokens, three completions each, padded both ways."""
    rng = np.random.default_rng(3)
    prompts, tokens = rng.integers(0, 11, (2, 5)), rng.integers(0, 11, (6, 4))
    prompt_mask = np.arange(5) >= np.array([[2], [0]])
    valid = np.arange(4) < np.array([[4], [1], [3], [2], [4], [4]])
    return prompts, prompt_mask, tokens, valid


forced = jax.jit(completion_logprobs, static_argnames=("config", "whole"))


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_completion_logprobs_are_the_equations(temperature):
    prompts, prompt_mask, tokens, valid = shared_case()
    stats = forced(
        CONFIG, PARAMS, prompts, prompt_mask, tokens, valid, temperature, whole=True
    )
    logp, entropy = np.zeros((6, 4)), np.zeros((6, 4))
    for n in range(6):
        prompt = prompts[n // 3][prompt_mask[n // 3]]
        answer = tokens[n][valid[n]]
        logits = oracle(PARAMS, CONFIG, np.concatenate([prompt, answer])) / temperature
        for t, token in enumerate(answer):
            z = logits[len(prompt) + t - 1]
            p = np.exp(z) / np.sum(np.exp(z))
            logp[n, t] = np.log(p[token])
            entropy[n, t] = -np.sum(p * np.log(p))
    np.testing.assert_allclose(stats.logp, logp, atol=2e-5)
    np.testing.assert_allclose(stats.entropy, entropy, atol=2e-5)


def test_entropy_is_left_out_unless_asked_for():
    assert not np.any(forced(CONFIG, PARAMS, *shared_case()).entropy)


SHALLOW = dataclasses.replace(CONFIG, num_layers=1)


def gradient(config, *case):
    def loss(params):
        logp = completion_logprobs(config, params, *case).logp
        return jnp.sum(logp * jnp.cos(jnp.arange(24.0)).reshape(6, 4))

    return jax.jit(jax.grad(loss))(lm.init(config, jax.random.key(0)))


def assert_close(a, b, atol):
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, atol=atol), a, b)


def test_the_gradient_flows_through_the_shared_prompt():
    """As it does when every completion brings its own copy of the prompt."""
    prompts, prompt_mask, tokens, valid = shared_case()
    copies = (np.repeat(prompts, 3, axis=0), np.repeat(prompt_mask, 3, axis=0))
    shared = gradient(SHALLOW, prompts, prompt_mask, tokens, valid)
    assert_close(shared, gradient(SHALLOW, *copies, tokens, valid), 1e-5)


@pytest.mark.parametrize("anew", [False, True])
def test_both_layouts_give_equal_gradients(anew, monkeypatch):
    """Whether the products with weights are kept or made again."""
    config = dataclasses.replace(CONFIG, tied=False)
    apart = gradient(config, *shared_case())
    if anew:
        monkeypatch.setattr(decoder, "_KEPT", 0)
    config = dataclasses.replace(config, stacked=True)
    whole = gradient(config, *shared_case())
    assert whole["layers"]["gate"].shape == (2, 12, 10)
    assert_close(lm.unstacked(whole), apart, 1e-5)
    assert_close(whole, lm.stacked(apart), 1e-5)


def test_the_written_derivatives_are_those_of_the_function():
    key = jax.random.split(jax.random.key(0), 3)
    x, up = (jax.random.normal(k, (2, 3, 4)) for k in key[:2])
    w = jax.random.normal(key[2], (4, 5))
    check_grads(linear, (x, w), order=1, modes=["rev"], rtol=1e-2)
    check_grads(swiglu, (x, up), order=1, modes=["rev"], rtol=1e-2)
    plain = lambda gate, up: jnp.sum(jax.nn.silu(gate) * up)  # noqa: E731
    ours = jax.grad(lambda *a: jnp.sum(swiglu(*a)), (0, 1))(x, up)
    assert_close(ours, jax.grad(plain, (0, 1))(x, up), 1e-6)


def test_bfloat16_stays_near_float32():
    config = dataclasses.replace(CONFIG, dtype="bfloat16")
    apply = jax.jit(lm.bind(config))
    logits, cache = apply(PARAMS, TOKENS, start(jnp.ones((3, 7), bool)))
    assert logits.dtype == jnp.float32
    assert cache.layers[0].keys.dtype == jnp.bfloat16
    np.testing.assert_allclose(logits, full(APPLY, PARAMS, TOKENS), atol=0.1)
    grads = gradient(dataclasses.replace(SHALLOW, dtype="bfloat16"), *shared_case())
    assert all(g.dtype == jnp.float32 for g in jax.tree.leaves(grads))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # norms 2W, query, key, value and out 4W^2, FFN 3WF a layer; then VW + W
        ("S", 2 * (2 * 128 + 4 * 128**2 + 3 * 128 * 512) + 65 * 128),
        ("M", 6 * (2 * 384 + 4 * 384**2 + 3 * 384 * 1024) + 513 * 384),
    ],
)
def test_named_shapes_have_their_parameters(name, expected):
    shapes = jax.eval_shape(lambda k: lm.init(lm.CONFIGS[name], k), jax.random.key(0))
    assert sum(np.prod(x.shape) for x in jax.tree.leaves(shapes)) == expected


def test_a_fork_of_a_fork_goes_on_from_any_token():
    """Rows cut after `kept` tokens and continued: as if the text were read anew."""
    rng = np.random.default_rng(1)
    rows, more = (jnp.asarray(rng.integers(0, 11, n)) for n in ((6, 4), (12, 3)))
    kept = jnp.asarray(rng.integers(0, 5, 12))

    @jax.jit
    def forked(tokens):
        apply, prompt_mask = (
            lm.bind(CONFIG),
            jnp.arange(7) >= jnp.array([[0], [2], [1]]),
        )
        _, cache = apply(PARAMS, tokens, start(prompt_mask))
        _, cache = apply(PARAMS, rows, cache.fork(2, jnp.ones((6, 4), bool)))
        seen = jnp.concatenate(
            [jnp.ones((12, 7), bool), jnp.arange(4) < kept[:, None]], axis=1
        )
        return apply(PARAMS, more, cache.fork(2, jnp.ones((12, 3), bool), seen))[0]

    logits = forked(TOKENS)
    for n in range(12):
        text = [
            *TOKENS[n // 4][(0, 2, 1)[n // 4] :],
            *rows[n // 2][: kept[n]],
            *more[n],
        ]
        expected = oracle(PARAMS, CONFIG, [int(i) for i in text])[-3:]
        np.testing.assert_allclose(logits[n], expected, atol=1e-4)


def test_rows_that_do_not_continue_the_prompts_say_so():
    _, cache = APPLY(PARAMS, TOKENS, start(jnp.ones((3, 7), bool)))
    with pytest.raises(ValueError, match="lay them out row by row"):
        cache.fork(2, jnp.ones((5, 4), bool))
    with pytest.raises(ValueError, match="7 completions .* 2 prompts"):
        prompts, prompt_mask, _, _ = shared_case()
        ones = jnp.ones((7, 4), jnp.int32)
        completion_logprobs(CONFIG, PARAMS, prompts, prompt_mask, ones, ones > 0)
