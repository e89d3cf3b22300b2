"""Implicit process rewards: a language model that is trained on outcomes scores tokens.

A copy of the policy learns to say by r = beta sum_t (log pi_phi - log pi_ref), over the
policy's own tokens, how a completion ended; the terms of that sum are rewards of tokens
and steps, which `log_ratio('prm_logp')` reads. The words here differ in the loss alone.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float

from rewardlab.core import masked
from rewardlab.core.clipping import clip_by_norm
from rewardlab.core.intervals import need
from rewardlab.core.types import Reward, Rollout, SignalName, Static, Sum
from rewardlab.reward_models import pairs
from rewardlab.reward_models.implicit import (
    cross_entropy,
    detached_pair_loss,
    implicit_reward,
    vanilla_kto,
)
from rewardlab.scorers.beside import own_model
from rewardlab.scorers.passes import Maker
from rewardlab.scorers.protocol import Context, Fit, Scorer, Setting


class Outcomes(NamedTuple):
    """What rows are worth to the reward model, and what is known of them."""

    reward: Float[Array, " N"]  # implicit; it carries the gradient
    label: Float[Array, " N"]  # `correct`, 0 where nobody judged
    group: Array  # rows that do not count have one of their own
    there: Bool[Array, " N"]  # rows that were judged and have a token


class Options(NamedTuple):
    """How such a model learns."""

    beta: float
    lr: float
    clip: float
    ref: str
    warmup: int
    when: Any


def implicit(
    beta: float = 0.05,
    lr: float = 1e-4,
    clip: float = 10.0,
    ref: SignalName = "ref_logp",
    warmup: Static[int] = 0,
    when: str = "after",
) -> Maker:
    """prm_logp_t = log pi_phi(token t), nats; y log s + (1 - y) log(1 - s) is raised,
    with s = sigmoid(beta sum_t (log pi_phi - log pi_ref)) and y the outcome.

    At phi = ref every s is 1/2 and the loss is log 2. `y` is the signal `correct`; rows
    without a token or a verdict do not count. `ref` is the signal of the reference's
    log-probs, "" the policy that sampled; all are at the temperature that is sampled
    at. Gradients are clipped to the norm `clip`, AdamW steps with `lr`; the first
    `warmup` iterations teach phi alone. With `when='before'` it learns from rows before
    it scores them, so their outcomes leak into their scores. (PRIME, arXiv 2502.01456:
    beta 0.05, clip 10, lr 1e-6 of a model of 7B; ImplicitPRM, arXiv 2412.01981)
    """

    def loss(rows: Outcomes) -> Sum:
        return masked.sum_of(cross_entropy(rows.reward, rows.label), rows.there)

    return _maker(loss, Options(beta, lr, clip, ref, warmup, when))


def implicit_dpo(
    beta: float = 0.05,
    lr: float = 1e-4,
    clip: float = 10.0,
    ref: SignalName = "ref_logp",
    warmup: Static[int] = 0,
    when: str = "after",
) -> Maker:
    """As `implicit`, with -log sigmoid(r+ - r-) over every pair of a row that succeeded
    and one of the same prompt that did not.

    Two right rows and one wrong are two pairs; at phi = ref the loss is log 2. A row
    succeeded if `correct` is above 0. Without a pair nothing is learned. iStar (arXiv
    2509.19199) has ref='', the policy that sampled.
    """

    def loss(rows: Outcomes) -> Sum:
        return pairs.trajectory_dpo(rows.reward, rows.label > 0, rows.group)

    return _maker(loss, Options(beta, lr, clip, ref, warmup, when))


def implicit_kto(
    beta: float = 0.05,
    lr: float = 1e-4,
    clip: float = 10.0,
    ref: SignalName = "ref_logp",
    warmup: Static[int] = 0,
    when: str = "after",
) -> Maker:
    """As `implicit`, with 1 - sigmoid(r - z) of right rows and 1 - sigmoid(z - r) of
    wrong ones, where z = [mean r of the prompt's rows of the other outcome]+.

    At phi = ref the loss is 1/2. The authors' z is over the batch (ImplicitPRM, arXiv
    2412.01981). Rows of prompts with one outcome alone do not count.
    """

    def loss(rows: Outcomes) -> Sum:
        each, count = vanilla_kto(rows.reward, rows.label > 0, rows.group)
        return masked.sum_of(each, count)

    return _maker(loss, Options(beta, lr, clip, ref, warmup, when))


def implicit_detached(
    beta: float = 0.05,
    lr: float = 1e-4,
    clip: float = 10.0,
    ref: SignalName = "ref_logp",
    warmup: Static[int] = 0,
    when: str = "after",
) -> Maker:
    """As `implicit`, with -log sigmoid(+-(r - z)), z the mean r of the prompt's rows of
    the other outcome, through which no gradient flows.

    At phi = ref the loss is log 2; a row without others of another outcome has z = 0.
    (the "dpo" of verl's PRIME recipe)
    """

    def loss(rows: Outcomes) -> Sum:
        each = detached_pair_loss(rows.reward, rows.label, rows.group)
        return masked.sum_of(each, rows.there)

    return _maker(loss, Options(beta, lr, clip, ref, warmup, when))


def _maker(loss: Callable[[Outcomes], Sum], options: Options) -> Maker:
    need("implicit", "[0, inf)", beta=options.beta, lr=options.lr)
    need("implicit", "(0, inf)", clip=options.clip)
    if options.when not in ("after", "before"):
        raise ValueError(f"implicit: when={options.when!r}; write 'after' or 'before'")

    def make(setting: Setting) -> Scorer:
        own = own_model(setting)

        def score(
            state: Any, context: Context, rollout: Rollout, batch: Any
        ) -> dict[str, Array]:
            params = own.whole(state, context)
            found = own.model.log_probs(params, rollout, setting.temperature)
            return {"prm_logp": found.logp}

        def learn(
            trained: Any,
            context: Context,
            rollout: Rollout,
            batch: Any,
            reward: Reward | None,
        ) -> tuple[Sum, dict[str, Sum]]:
            logp = score(trained, context, rollout, batch)["prm_logp"]
            ref = rollout.signal(options.ref) if options.ref else rollout.logp
            worth = implicit_reward(logp, ref, rollout.mask, options.beta)
            rows = outcomes(worth, rollout)
            return nan_as_labels(loss(rows), rows), told(rows, rollout)

        reads = ("correct", *filter(None, (options.ref,)))
        steps = lambda hp: clipped_adamw(options.lr, options.clip)  # noqa: E731
        fit = Fit(learn, steps, options.when, options.warmup)
        provides = {"prm_logp": "NT"}
        scorer = Scorer("implicit", provides, reads, "shard", score, own.init, fit)
        return scorer._replace(roles=own.roles)

    return make


def clipped_adamw(lr: float, clip: float) -> optax.GradientTransformation:
    """AdamW's steps of a gradient no longer than `clip`."""
    return optax.chain(clip_by_norm(clip), optax.adamw(lr))


def outcomes(reward: Float[Array, " N"], rollout: Rollout) -> Outcomes:
    """The rows with what they are worth to a reward model, and how they ended."""
    label, there = masked.heard(rollout, "correct")
    label = jnp.where(there, label, 0)
    return Outcomes(reward, label, pairs.apart(rollout.group, there), there)


def nan_as_labels(loss: Sum, rows: Outcomes) -> Sum:
    """The loss, NaN where a label is: whether that is above 0 would hide it."""
    return loss._replace(value=loss.value + 0 * jnp.sum(rows.label))


def told(rows: Outcomes, rollout: Rollout) -> dict[str, Sum]:
    """How well it tells the outcomes of rows that it has not learned from yet."""
    reward, success = jax.lax.stop_gradient(rows.reward), rows.label > 0
    auc = pairs.pair_auc(reward, success, rows.group)
    prompts = jnp.asarray(1.0 * rollout.prompts.shape[0])
    return {
        "auc": auc,
        "pairs": Sum(auc.count, prompts),
        "reward_of_right": masked.sum_of(reward, rows.there & success),
        "reward_of_wrong": masked.sum_of(reward, rows.there & ~success),
    }
