"""Sampling: what is drawn, how likely it was, and what it does not depend on."""

import jax
import jax.numpy as jnp
import numpy as np

from rewardlab.models import lm
from rewardlab.models.logprobs import completion_logprobs
from rewardlab.sampling import Sampling, sample

CONFIG = lm.LMConfig(16, 2, 32, num_heads=4, num_kv_heads=2, head_dim=8, ffn=48)
APPLY = lm.bind(CONFIG)
PARAMS = jax.tree.map(lambda x: 1.5 * x, lm.init(CONFIG, jax.random.key(0)))
OPTIONS = Sampling(4, 12, eos_id=1, pad_id=0)
KEY = jax.random.key(7)


def questions(b=8, p=6):
    rng = np.random.default_rng(0)
    prompts = jnp.asarray(rng.integers(2, 16, (b, p)), jnp.int32)
    mask = jnp.arange(p) >= jnp.asarray(rng.integers(0, p - 1, b))[:, None]
    return prompts, mask, jnp.arange(100, 100 + b)


def draw(options=OPTIONS, rows=slice(None), iteration=3):
    prompts, mask, ids = (x[rows] for x in questions())
    return sample(APPLY, PARAMS, prompts, mask, ids, KEY, iteration, options)


def test_sampled_logp_is_teacher_forced_logp():
    r = draw()
    stats = completion_logprobs(
        APPLY, PARAMS, r.prompts, r.prompt_mask, r.tokens, r.valid
    )
    assert np.asarray(r.mask).sum(1).min() < 12  # some rows ended early
    np.testing.assert_allclose(stats.logp, r.logp, atol=1e-4)
