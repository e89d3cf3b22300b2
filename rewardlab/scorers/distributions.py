"""Numbers of whole next-token distributions, and of a prompt cut short."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from rewardlab.core.types import Rollout
from rewardlab.models import predictions
from rewardlab.models.logprobs import Predicted, collision
from rewardlab.models.logprobs import mean_logp as mean_over_vocabulary
from rewardlab.objectives.token_importance import group_divergence, token_importance
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


def self_certainty() -> Maker:
    """self_certainty_t = KL(uniform || p) = -(1 / V) sum_v log p_v - log V, nats.

    self_certainty(): p = (1/2, 1/2) -> 0; p = (3/4, 1/4) -> 0.144
    """
    return _statistic("self_certainty", lambda z, _: predictions.self_certainty(z))


def mean_logp() -> Maker:
    """mean_logp_t = (1 / V) sum_v log p_v, nats; V counts ids that nobody uses, too.

    Of the policy that sampled: what the loss `rover(uniform='mean_logp')` compares the
    trained policy's with. (ROVER, arXiv 2509.24981: the method `rover`)

    mean_logp(): p = (1/2, 1/2) -> -log(2)
    """
    return _statistic("mean_logp", lambda z, _: mean_over_vocabulary(z))


def varentropy() -> Maker:
    """varentropy_t = sum_v p_v (log p_v)^2 - H^2: the variance of log p, nats^2.

    0 where all that is possible is as likely.

    varentropy(): p = (3/4, 1/4) -> 0.226
    """
    return _statistic("varentropy", lambda z, _: predictions.varentropy(z))


def top_margin() -> Maker:
    """top_margin_t = the greatest p_v minus the next, in [0, 1].

    top_margin(): p = (1/2, 3/8, 1/8) -> 1/8
    """
    return _statistic("top_margin", lambda z, _: predictions.top_margin(z))


def gradient_norm_squared() -> Maker:
    """gradient_norm_squared_t = 1 - 2 p_t + sum_v p_v^2, in [0, 2].

    p_t is the token's own probability: the squared length of the gradient of its log
    with respect to the logits. The running sum over a row is the weight of the Optimal
    Token Baseline (arXiv 2602.07078).

    gradient_norm_squared(): p = (1/2, 1/2) -> 1/2
    """
    return _statistic("gradient_norm_squared", predictions.gradient_norm_squared)


def importance(alpha: float = 1.7, limit: float = 11.0) -> Maker:
    """importance_t = 1 + (alpha - 1) of how much a group disagrees on token t, [N, T].

    Per column t of a prompt's rows: q = mean over rows of log p (a row that has ended
    counts as uniform), d = clip(q - log p, +-limit), the mean over rows of
    sum_v exp(d) - d - 1; then scaled by its least and greatest over the columns. The
    same for all rows of a prompt, 0 off the mask, 1 in a group of one. (TW-GRPO, arXiv
    2505.24718: the method `tw_grpo`)

    importance(): two equal rows -> 1 everywhere
    """

    def make(setting: Setting) -> Scorer:
        model = setting.models["policy"]

        def apart(logits: Array, mask: Array) -> Array:
            return group_divergence(jax.nn.log_softmax(logits, axis=-1), mask, limit)

        def score(
            state: Any, context: Context, rollout: Rollout, batch: Any
        ) -> dict[str, Array]:
            params, at = context.params["policy"], setting.temperature
            divergence = model.together(params, rollout, apart, at)
            weight = token_importance(divergence, alpha)[rollout.group]
            return {"importance": jnp.where(rollout.mask, weight, 0)}

        return Scorer("importance", {"importance": "NT"}, (), "shard", score)

    return make


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
