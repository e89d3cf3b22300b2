"""Log-probs by chunks of positions are those of all logits at once."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rewardlab.models import lm, logprobs
from rewardlab.models.cache import start
from rewardlab.models.logprobs import (
    collision,
    completion_logprobs,
    completion_statistic,
    log_likelihood,
    mean_logp,
    positions_at_once,
    token_entropy,
)

VOCAB, B, N, T = 37, 4, 20, 13
CONFIG = lm.LMConfig(VOCAB, 1, 8, num_heads=2, num_kv_heads=1, head_dim=4, ffn=8)
PARAMS = jax.tree.map(lambda x: x / 2, lm.init(CONFIG, jax.random.key(0)))


@pytest.fixture(autouse=True)
def few_at_a_time(monkeypatch):
    """Three chunks of 87 of the 260 positions, the last with one of padding."""
    monkeypatch.setattr(logprobs, "_LOGITS", 100 * VOCAB)
    monkeypatch.setattr(logprobs, "_POSITIONS", 100)


def texts(longest):
    rng = np.random.default_rng(longest)
    prompts, tokens = (rng.integers(0, VOCAB, n) for n in ((B, 5), (N, T)))
    valid = np.arange(T) < rng.integers(1, longest + 1, (N, 1))
    return tuple(map(jnp.asarray, (prompts, np.ones((B, 5), bool), tokens, valid)))


def whole(params, case, temperature):
    """log p, entropy, mean log p and sum p^2 from all logits."""
    logits = lm.states(CONFIG, params, *case) @ lm.head(CONFIG, params) / temperature
    parts = [log_likelihood(logits, case[2]), token_entropy(logits)]
    parts += [mean_logp(logits), collision(logits)]
    return [jnp.where(case[3], x, 0) for x in parts]


def in_chunks(params, case, temperature):
    stats = completion_logprobs(CONFIG, params, *case, temperature, whole=True)
    f = lambda logits, _: collision(logits)  # noqa: E731
    own = completion_statistic(CONFIG, params, case, f, temperature)
    return stats.logp, stats.entropy, stats.uniform, own


def test_positions_at_once_are_64_megabytes_of_logits_or_128(monkeypatch):
    monkeypatch.undo()
    at_once = {256: 65_536, 512: 32_768, 49_152: 256, 151_936: 128}
    assert {vocab: positions_at_once(vocab) for vocab in at_once} == at_once


@pytest.mark.parametrize("longest", [T, 8])  # with 8, the last chunk is skipped
def test_chunks_give_the_numbers_of_all_logits_at_once(longest):
    case = texts(longest)
    got = jax.jit(in_chunks)(PARAMS, case, 0.7)
    for a, b in zip(got, jax.jit(whole)(PARAMS, case, 0.7), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6)
        assert not np.any(np.asarray(a)[~np.asarray(case[3])])


def test_chunks_give_the_gradient_of_all_logits_at_once():
    case, weights = texts(8), jnp.cos(jnp.arange(4.0 * N * T)).reshape(4, N, T) / N

    def slope(f):
        total = lambda params: jnp.sum(jnp.stack(f(params, case, 0.7)) * weights)  # noqa: E731
        return jax.jit(jax.grad(total))(PARAMS)

    def close(a, b):
        np.testing.assert_allclose(a, b, atol=1e-6 * float(jnp.max(jnp.abs(b))) + 1e-6)

    jax.tree.map(close, slope(in_chunks), slope(whole))


def test_what_is_compiled_does_not_hold_the_logits(monkeypatch):
    """Four times the positions: the states grow, and 4 N T V bytes are nowhere."""
    wide = dataclasses.replace(CONFIG, vocab_size=5_001)
    monkeypatch.setattr(logprobs, "_LOGITS", 100 * wide.vocab_size)

    def held(times):
        prompts, mask, *rest = texts(T)
        rows = [jnp.tile(x, (times, 1)) for x in rest]
        loss = lambda p: jnp.sum(completion_logprobs(wide, p, prompts, mask, *rows)[0])  # noqa: E731
        shapes = jax.eval_shape(lambda: lm.init(wide, jax.random.key(0)))
        made = jax.jit(jax.grad(loss)).lower(shapes).compile()
        return made.memory_analysis().temp_size_in_bytes

    assert held(8) - held(2) < 4 * 6 * N * T * wide.vocab_size / 10


def test_the_last_position_alone_is_as_of_all():
    prompts, mask = texts(T)[:2]
    apply = jax.jit(lm.bind_with_states(CONFIG), static_argnames="last")
    fresh = start(mask)
    whole, cache = apply(PARAMS, prompts, fresh)
    short, same = apply(PARAMS, prompts, fresh, last=True)
    for a, b in zip(short, whole, strict=True):
        assert a.shape[1] == 1
        np.testing.assert_allclose(a, b[:, -1:], rtol=1e-5, atol=1e-6)
    jax.tree.map(np.testing.assert_array_equal, same, cache)
