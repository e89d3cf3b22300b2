"""A language model in two lines, of which every gradient can be written down."""

import jax
import jax.numpy as jnp

from rewardlab.models.logprobs import TokenStats


class Bigram:
    """Parameters are logits [V, V] by the token before; before the first it is V - 1.

    It stands for a `Model`; environment tokens are read and get a log-prob too.
    """

    def log_probs(self, params, rollout, temperature=1.0, entropy=False):
        last = params.shape[0] - 1
        before = jnp.pad(rollout.tokens, ((0, 0), (1, 0)), constant_values=last)
        table = jax.nn.log_softmax(params / temperature, axis=-1)
        logp = table[before[:, :-1], rollout.tokens]
        logp = jnp.where(rollout.valid, logp, 0)
        return TokenStats(logp, jnp.zeros(logp.shape))
