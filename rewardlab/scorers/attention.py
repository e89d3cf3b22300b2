"""A row's score handed to the tokens that a model looks at when it reads the last."""

from typing import Any

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from rewardlab.core import masked
from rewardlab.core.types import Rollout, SignalName
from rewardlab.reward_models.redistribution import by_attention
from rewardlab.scorers.passes import Maker
from rewardlab.scorers.protocol import Context, Scorer, Setting


def attention_rewards(read: SignalName = "score", beta: float = 0.8) -> Maker:
    """`token_reward` [N, T]: beta a_t R + (1 - beta) R at the end, R the score.

    a_t is the attention of the last token of the row to its token t: in the last layer
    of the frozen base, on which a `reward_model` has its head, the mean over heads, as
    a share of what all tokens of the policy's get. They add up to R, so the total is
    that of the score; beta = 0 leaves it at the end. What a token gets depends on those
    after it, so this is no shaping by a potential. (ABC, arXiv 2402.00782: the method
    `abc`)

    R = 2, shares (0.25, 0.75), beta 0.5 -> (0.25, 1.75)
    """

    def make(setting: Setting) -> Scorer:
        model = setting.models["reference"]

        def score(
            state: Any, context: Context, rollout: Rollout, batch: Any
        ) -> dict[str, Array]:
            params = lax.stop_gradient(context.params["reference"])
            looks = model.last_attention(params, rollout)
            there = masked.speaks(rollout, read)
            value = jnp.where(there, rollout.signal(read), 0)
            found = by_attention(looks, value, rollout.mask, beta)
            return {"token_reward": found, "token_reward_valid": there}

        provides, roles = {"token_reward": "NT"}, ("reference",)
        name = "attention_rewards"
        return Scorer(name, provides, (read,), "shard", score, roles=roles)

    return make
