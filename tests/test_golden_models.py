"""Logits against those of transformers, saved beside each folder of weights."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from checkpoints import FOLDERS, NAMES

from rewardlab.models import lm
from rewardlab.models.cache import start
from rewardlab.models.known import known_folder
from rewardlab.models.weights import read_config, read_weights

CLOSE = 2e-5  # float32; logits have a deviation of 1


def model(name, stacked):
    config = dataclasses.replace(read_config(FOLDERS / name), stacked=stacked)
    with np.load(FOLDERS / name / "logits.npz") as saved:
        return config, read_weights(FOLDERS / name, config), dict(saved)


@pytest.mark.parametrize("name", NAMES)
def test_reading_token_by_token_gives_the_logits_of_transformers(name):
    """A prompt with padding before it, then blocks of 1 and of the rest, by a cache."""
    config, params, saved = model(name, stacked=False)
    tokens = np.pad(saved["tokens"], ((0, 0), (2, 0)), constant_values=7)
    cache = start(jnp.broadcast_to(jnp.arange(26) >= 2, (2, 26)))
    read, parts = jax.jit(lm.bind(config)), []
    for first, last in ((0, 13), (13, 26)):
        logits, cache = read(params, tokens[:, first:last], cache)
        parts.append(logits)
    logits = jnp.concatenate(parts, 1)[:, 2:]
    np.testing.assert_allclose(logits, saved["logits"], atol=CLOSE)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("stacked", [False, True])
def test_completions_have_the_logits_of_transformers(name, stacked):
    """Either layout; the first 9 tokens are the prompt, with padding before them."""
    config, params, saved = model(name, stacked)
    tokens, expected = saved["tokens"], saved["logits"]
    prompts = np.pad(tokens[:, :9], ((0, 0), (1, 0)), constant_values=7)
    mask = np.broadcast_to(np.arange(10) >= 1, (2, 10))
    rest = tokens[:, 9:]
    texts = prompts, mask, rest, np.ones((2, 15), bool)
    states = jax.jit(lm.states, static_argnums=0)(config, params, *texts)
    logits = states @ lm.head(config, params)
    np.testing.assert_allclose(logits, expected[:, 8:-1], atol=CLOSE)


@pytest.mark.slow
@pytest.mark.skipif(
    not known_folder("smollm2-135m").is_dir(), reason="rewardlab fetch smollm2-135m"
)
def test_a_real_model_has_the_logits_of_transformers():
    """SmolLM2-135M-Instruct, whose logits have a deviation of 8."""
    folder = known_folder("smollm2-135m")
    config = read_config(folder)
    params = read_weights(folder, config)
    with np.load(FOLDERS / "smollm2.npz") as saved:
        tokens, expected = saved["tokens"][None], dict(saved)
    cache = start(jnp.ones(tokens.shape, bool))
    plain = lm.unstacked(params)
    logits = np.asarray(jax.jit(lm.bind(config))(plain, tokens, cache)[0][0])
    np.testing.assert_array_equal(logits.argmax(-1), expected["largest"])
    np.testing.assert_allclose(logits[:, ::768], expected["logits"], atol=3e-4)
    mass = jax.nn.logsumexp(logits, axis=-1)
    np.testing.assert_allclose(mass, expected["mass"], atol=1e-4)
