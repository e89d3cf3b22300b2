"""Tokens of large vocabularies: drawn as the distribution says, from two numbers."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from scipy import stats

from rewardlab.models import lm
from rewardlab.models.logprobs import completion_logprobs
from rewardlab.rollouts import Sampling, rollout_completions
from rewardlab.rollouts.drawing import choose, inverse_cdf, row_noise

VOCAB = 4_500  # 17 blocks of 256, and 148 tokens
NONE = [*range(256), 700, *range(1_024, 1_540), 4_498, 4_499]  # whole blocks, the ends
OPTIONS = Sampling(4, 6, (-1,), pad_id=0, temperature=0.8)
BELOW_ONE = np.nextafter(np.float32(1), np.float32(0))


def logits():
    x = np.random.default_rng(0).normal(size=VOCAB) * 2
    x[NONE] = -np.inf
    return jnp.asarray(x, jnp.float32)


def probabilities(x):
    p = np.exp(np.asarray(x, np.float64) - np.max(x))
    return p / p.sum()


def draws(options, rows=50, width=400):
    """rows x width tokens of one distribution, with the noise of a sampler."""

    @jax.jit
    def all_of(x):
        noise = row_noise(jax.random.split(jax.random.key(3), rows), width, VOCAB)
        same = jnp.broadcast_to(x, (rows, VOCAB))
        return lax.map(lambda t: choose(same, noise(t), options), jnp.arange(width))

    return [np.asarray(x).reshape(-1) for x in all_of(logits())]


def test_frequencies_are_the_probabilities():
    token, logp = draws(OPTIONS)
    p = probabilities(logits() / OPTIONS.temperature)
    assert not np.isin(token, NONE).any()
    np.testing.assert_allclose(logp, np.log(p[token]), atol=1e-4)
    counts = np.bincount(token, minlength=VOCAB)
    # Neighbours in one bin, with 10 draws or more due in it.
    cuts = np.flatnonzero(np.diff(np.cumsum(p * len(token)) // 20, prepend=-1))
    seen, due = (np.add.reduceat(x, cuts) for x in (counts, p * len(token)))
    seen, due = seen[due >= 10], due[due >= 10]
    assert len(due) > 300
    chi_square = np.sum((seen - due) ** 2 / due)
    assert 0.005 < stats.chi2.sf(chi_square, len(due) - 1) < 0.995


@pytest.mark.parametrize(("top_k", "top_p"), [(5, 1.0), (0, 0.3)])
def test_what_is_cut_off_is_never_drawn(top_k, top_p):
    cut = dataclasses.replace(OPTIONS, top_k=top_k, top_p=top_p)
    token, logp = draws(cut, rows=10, width=40)
    p = probabilities(logits() / OPTIONS.temperature)
    order = np.argsort(-p)
    kept = order[: top_k or int(np.sum(np.cumsum(p[order]) - p[order] < top_p))]
    assert np.isin(token, kept).all() and len(np.unique(token)) > 4
    np.testing.assert_allclose(logp, np.log(p[token] / p[kept].sum()), atol=1e-4)


def test_the_edges_of_the_numbers_are_the_first_and_the_last_possible_token():
    x = jnp.broadcast_to(logits(), (2, VOCAB))
    draw = jax.jit(inverse_cdf)
    first, last = draw(x, jnp.array([[0.0, 0.0], [BELOW_ONE, BELOW_ONE]]))
    assert (first, last) == (256, 4_497)
    alone = jnp.where(jnp.arange(VOCAB) == 300, 0.0, -jnp.inf)
    for u in (0.0, 0.5, BELOW_ONE):
        assert (
            draw(jnp.stack([alone, alone]), jnp.full((2, 2), u)).tolist() == [300] * 2
        )


def test_a_token_of_little_mass_is_as_likely_as_it_is():
    """One in 2^24 is missed by a single float32 number; here it has half its block."""
    x = jnp.full(VOCAB, -jnp.inf).at[0].set(0).at[jnp.array([300, 301])].set(-12.0)
    u = jnp.array([[BELOW_ONE, 0.4], [BELOW_ONE, 0.6]])
    assert jax.jit(inverse_cdf)(jnp.broadcast_to(x, (2, VOCAB)), u).tolist() == [
        300,
        301,
    ]


def test_a_completion_is_a_function_of_its_own_keys():
    """Of the run's key, iteration, prompt and sample, whatever else is in the batch."""
    config = lm.LMConfig(VOCAB, 1, 16, num_heads=2, num_kv_heads=1, head_dim=8, ffn=16)
    params, ids = lm.init(config, jax.random.key(0)), jnp.arange(100, 106)
    prompts = jnp.asarray(np.random.default_rng(0).integers(0, VOCAB, (6, 5)))

    def draw(rows, iteration, params=params):
        asked = prompts[rows], jnp.ones((len(rows), 5), bool), ids[rows]
        case = (params, *asked, jax.random.key(7), iteration, OPTIONS)
        return rollout_completions(lm.bind(config), *case)

    whole, order = draw(np.arange(6), 3), np.array([4, 1])
    rows = (4 * order[:, None] + np.arange(4)).reshape(-1)
    np.testing.assert_array_equal(draw(order, 3).tokens, whole.tokens[rows])
    stacked = draw(order, 3, lm.stacked(params))
    np.testing.assert_array_equal(stacked.tokens, whole.tokens[rows])
    assert np.mean(draw(order, 4).tokens != whole.tokens[rows]) > 0.9
    texts = (whole.prompts, whole.prompt_mask, whole.tokens, whole.valid)
    at = OPTIONS.temperature
    logp = jax.jit(completion_logprobs, static_argnums=0)(config, params, *texts, at)
    np.testing.assert_allclose(whole.logp, logp.logp, atol=1e-4)
