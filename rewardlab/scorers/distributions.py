"""Numbers of whole next-token distributions, and of a prompt cut short."""

import dataclasses
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from rewardlab.core.types import Rollout
from rewardlab.models.logprobs import Predicted, collision
from rewardlab.scorers.protocol import Context, Scorer, Setting
from rewardlab.scorers.verifier import Maker
from rewardlab.transforms.sources.surprise import away_from_uniform


def sum_pi_squared() -> Maker:
    """sum_pi_squared_t = sum_v p_v^2, the chance that two draws of token t agree.

    Of the policy that sampled, at its temperature. (The Optimal Token Baseline, arXiv
    2602.07078: the method `optimal_token_baseline`)

    sum_pi_squared(): p = (1/2, 1/4, 1/4) -> 3/8
    """
    return _statistic("sum_pi_squared", lambda logits, tokens: collision(logits))


def certainty() -> Maker:
    """certainty_t = (1 / V) sum_v p_v log(p_v V): how far from uniform the policy is.

    Its mean over a row is the self-certainty of Shop-R1 (arXiv 2507.17842).

    certainty(): p = (1/2, 1/2) -> 0; p = (1, 0) -> log(2) / 2
    """
    return _statistic("certainty", lambda logits, tokens: away_from_uniform(logits))


def _statistic(name: str, f: Predicted) -> Maker:
    def make(setting: Setting) -> Scorer:
        model = setting.models["policy"]

        def score(
            state: Any, context: Context, rollout: Rollout, batch: Any
        ) -> dict[str, Array]:
            params = context.params["policy"]
            return {name: model.statistic(params, rollout, f, setting.temperature)}

        return Scorer(name, {name: "NT"}, (), "shard", score)

    return make


def blind() -> Maker:
    """blind_logp_t = log pi(token t | the prompt's last token, tokens before), nats.

    How likely the policy finds the completion without the question in sight; one token
    of it stays, since something must come before the first. (Self-Aligned Reward, arXiv
    2509.05489: the method `self_aligned`)
    """

    def make(setting: Setting) -> Scorer:
        model = setting.models["policy"]

        def score(
            state: Any, context: Context, rollout: Rollout, batch: Any
        ) -> dict[str, Array]:
            mask = rollout.prompt_mask
            places = jnp.arange(mask.shape[1])
            last = jnp.max(jnp.where(mask, places, -1), axis=1, keepdims=True)
            seen = dataclasses.replace(rollout, prompt_mask=mask & (places == last))
            stats = model.log_probs(context.params["policy"], seen, setting.temperature)
            return {"blind_logp": stats.logp}

        return Scorer("blind", {"blind_logp": "NT"}, (), "shard", score)

    return make
