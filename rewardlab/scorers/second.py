"""Frozen models beside the policy, and a slow copy of it: log-probs under them."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from rewardlab.core.types import Rollout, Static
from rewardlab.reward_models.averaging import moved_copy
from rewardlab.reward_models.distillation import generalized_jsd
from rewardlab.scorers.passes import Maker
from rewardlab.scorers.protocol import Context, Scorer, Setting


def teacher(temperature: float | None = None) -> Maker:
    """teacher_logp_t = log pi_teacher(token t | prompt, tokens before), in nats.

    Under the model of the role `teacher` (`--config.models="teacher=runs/strong"`), at
    the temperature that is sampled at, or at one of your own. (G-OPD, arXiv 2602.12125:
    the method `g_opd`)
    """
    return _under("teacher", temperature)


def strong(temperature: float | None = None) -> Maker:
    """strong_logp_t = log pi_strong(token t | prompt, tokens before), in nats.

    Under the model of the role `strong`. (CDR, arXiv 2411.02481: the method `cdr`)
    """
    return _under("strong", temperature)


def weak(temperature: float | None = None) -> Maker:
    """weak_logp_t = log pi_weak(token t | prompt, tokens before), in nats.

    Under the model of the role `weak`. (CDR, arXiv 2411.02481: the method `cdr`)
    """
    return _under("weak", temperature)


def _under(role: str, temperature: float | None) -> Maker:
    signal = f"{role}_logp"

    def make(setting: Setting) -> Scorer:
        model = setting.models[role]
        at = setting.temperature if temperature is None else temperature

        def score(
            state: Any, context: Context, rollout: Rollout, batch: Any
        ) -> dict[str, Array]:
            return {signal: model.log_probs(context.params[role], rollout, at).logp}

        return Scorer(role, {signal: "NT"}, (), "shard", score, roles=(role,))

    return make


def divergence(role: str = "teacher", beta: Static[float] = 0.5) -> Maker:
    """divergence_t = D_beta(role || policy) of whole next-token distributions, nats.

    The generalised Jensen-Shannon divergence at the temperature that is sampled at: how
    far token by token the policy is from a model beside it. (GKD, arXiv 2306.13649, has
    it as a loss)

    divergence(beta=1): KL(policy || teacher), whose mean over what the policy samples
    is that of logp - teacher_logp
    """

    def make(setting: Setting) -> Scorer:
        mine, theirs = setting.models["policy"], setting.models[role]
        apart = functools.partial(generalized_jsd, beta=beta)

        def score(
            state: Any, context: Context, rollout: Rollout, batch: Any
        ) -> dict[str, Array]:
            models = context.params["policy"], theirs, context.params[role]
            found = mine.beside(*models, rollout, apart, setting.temperature)
            return {"divergence": found}

        provides, roles = {"divergence": "NT"}, (role,)
        return Scorer("divergence", provides, (), "shard", score, roles=roles)

    return make


def moving_reference(
    decay: float = 0.995, every: Static[int] = 10, signal: str = "ref_logp"
) -> Maker:
    """ref_logp_t under copy = decay copy + (1 - decay) policy, moved every few steps.

    The copy is the policy as training began, until `every` iterations are done, and
    moves after the policy's step. decay 0 is the policy of the last move, 1 a frozen
    reference. GRPO-CARE (arXiv 2506.16141: the method `grpo_care`) has 0.995 and 10;
    TRL's `sync_ref_model` is `moving_reference(0.4, 512)`.

    decay 0.9, every 2, copy 1, policy 2, 3 -> 1, then 0.9 + 0.3 = 1.2
    """

    def make(setting: Setting) -> Scorer:
        model = setting.models["policy"]

        def init(context: Context, shapes: Rollout) -> Any:
            return jax.tree.map(jnp.copy, context.params["policy"])

        def score(
            state: Any, context: Context, rollout: Rollout, batch: Any
        ) -> dict[str, Array]:
            stats = model.log_probs(state, rollout, setting.temperature)
            return {signal: stats.logp}

        def step(state: Any, context: Context, rollout: Rollout) -> Any:
            now = context.params["policy"]
            moves = (context.iteration + 1) % every == 0
            return lax.cond(moves, lambda: moved_copy(state, now, decay), lambda: state)

        name = "moving_reference"
        name = name if signal == "ref_logp" else f"{name}_{signal}"
        return Scorer(name, {signal: "NT"}, (), "shard", score, init, step=step)

    return make
