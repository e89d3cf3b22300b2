"""A process reward model with a language model of its own under its head."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import optax
from jaxtyping import Array

from rewardlab.core.lookup import look_up
from rewardlab.core.reward import Reward
from rewardlab.core.types import Rollout, SignalName, Static, Sum
from rewardlab.reward_models import step_scores
from rewardlab.scorers import heads
from rewardlab.scorers.beside import Own, own_model
from rewardlab.scorers.passes import Maker
from rewardlab.scorers.protocol import Context, Fit, Scorer, Setting
from rewardlab.scorers.step_model import WIDTH, scored_steps, told_of
from rewardlab.scorers.steps import of_steps

READS = ("step_label", "step_weight")


def step_lm(
    signal: SignalName = "prm",
    loss: str = "cross_entropy",
    logits: Static[int] = 2,
    lr: float = 1e-4,
    warmup: Static[int] = 0,
    start: str = "policy",
) -> Maker:
    """`prm` [N, S] as `step_model` makes it, of a language model that learns with its
    head.

    x_k are its own states at the end of step k, beside the policy's log-probs, and all
    of its weights learn `step_label`, of this batch alone. It starts as the policy,
    "fresh", or as a role; it costs a forward pass to score and one to learn. With
    logits=2 it gives two, of "wrong" and "right", as PRMs that write a verdict do.
    """
    each = look_up(loss, "loss of step_lm", step_scores.LOSSES)

    def make(setting: Setting) -> Scorer:
        own = own_model(setting, start)

        def init(context: Context, shapes: Rollout) -> dict[str, Any]:
            size = own.model.config.width + 5
            head = heads.begin(context.key, size, WIDTH, logits)
            return {"lm": own.init(context, shapes), "head": head}

        def score(
            state: dict[str, Any], context: Context, rollout: Rollout, batch: Any
        ) -> dict[str, Array]:
            found = step_scores.probability(_read(own, state, context, rollout))
            valid = scored_steps(rollout)
            return {signal: jnp.where(valid, found, 0), f"{signal}_valid": valid}

        fit = Fit(_error(own, each), lambda hp: optax.adam(lr), warmup=warmup)
        provides, name = {signal: "NS"}, f"step_lm_{signal}"
        name = "step_lm" if signal == "prm" else name
        return Scorer(name, provides, READS, "shard", score, init, fit, roles=own.roles)

    return make


def _read(own: Own, state: dict[str, Any], context: Context, rollout: Rollout) -> Array:
    """The head's logits at the end of each step."""
    params = own.whole(state["lm"], context)
    hidden = own.model.states(params, rollout, after=True)
    return heads.read(state["head"], of_steps(hidden, rollout))


def _error(own: Own, each: Callable[..., Array]) -> Callable[..., Any]:
    """The weighted mean of a loss over the batch's labels."""

    def error(
        state: dict[str, Any],
        context: Context,
        rollout: Rollout,
        batch: Any,
        reward: Reward,
    ) -> tuple[Sum, dict[str, Sum]]:
        label, weight = (rollout.signal(name) for name in READS)
        found = _read(own, state, context, rollout)
        errors = jnp.where(weight > 0, each(found, label), 0)
        total = Sum(jnp.sum(weight * errors), jnp.sum(weight))
        return total, told_of(step_scores.probability(found), rollout)

    return error
