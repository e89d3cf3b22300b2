"""A model of what turns promise, which learns of outcomes by time differences."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import optax
from jaxtyping import Array

from rewardlab.core.intervals import need
from rewardlab.core.masked import heard, sum_of
from rewardlab.core.types import Rollout, Static, Sum
from rewardlab.reward_models import promise
from rewardlab.scorers import heads
from rewardlab.scorers.passes import Maker
from rewardlab.scorers.protocol import Context, Fit, Scorer, Setting


def promise_model(
    discount: float = 1.0,
    decay: float = 0.95,
    beta: float = 1.0,
    width: Static[int] = 64,
    lr: float = 1e-3,
    warmup: Static[int] = 0,
) -> Maker:
    """`promise` [N, S]: Q_k, what the outcome after turn k is expected to be.

    And `turn_progress` [N, S]: Q_k - Q_{k-1}, of a row's first turn Q less the mean of
    the prompt's first turns. A head on the `step_states` of the turn, through which no
    gradient flows into the policy, learns by

        (Q_k - G_k)^2 + beta ((Q_k - Q_{k-1}) - (G_k - G_{k-1}))^2

    a mean over the turns of rows with an outcome `correct`; a row's first turn has the
    first term alone. G_k = Q_k + A_k, with the Q that were told before the step and A
    the GAE of delta_k = r_k + discount Q_{k+1} - Q_k, r the outcome at the last turn.
    For `warmup` iterations it learns and the policy does not. (AgentPRM, arXiv
    2511.08325: the method `agent_prm`; that of 2502.10325 is another)

    promise_model(): Q = (0.2, 0.6, 0.5) -> progress 0.4 and -0.1 after the first turn
    """
    need("promise_model", "[0, 1]", discount=discount, decay=decay)
    need("promise_model", "[0, inf)", beta=beta, lr=lr)

    def make(setting: Setting) -> Scorer:
        def init(context: Context, shapes: Rollout) -> heads.Head:
            size = shapes.signals["step_states"].shape[-1]
            return heads.begin(context.key, size, width)

        def score(
            state: heads.Head, context: Context, rollout: Rollout, batch: Any
        ) -> dict[str, Array]:
            there, value = _read(state, rollout)
            rows = rollout.group, rollout.prompts.shape[0]
            progress = promise.progress_of(value, there, *rows)
            found = {"promise": value, "turn_progress": progress}
            return found | {f"{name}_valid": there for name in found}

        fit = Fit(
            _fitted(discount, decay, beta), lambda hp: optax.adam(lr), warmup=warmup
        )
        names = ("promise", "turn_progress")
        provides = dict.fromkeys((*names, *(f"{x}_valid" for x in names)), "NS")
        reads = ("step_states", "correct")
        return Scorer("promise_model", provides, reads, "shard", score, init, fit)

    return make


def _fitted(discount: Any, decay: Any, beta: Any) -> Callable[..., Any]:
    """The loss of a head, against labels made of what it told before."""

    def loss(
        head: heads.Head, context: Context, rollout: Rollout, batch: Any, reward: Any
    ) -> tuple[Sum, dict[str, Sum]]:
        there, value = _read(head, rollout)
        outcome, known = heard(rollout, "correct")
        there &= known[:, None]
        told = rollout.signal("promise"), jnp.where(known, outcome, 0)
        label = promise.td_labels(*told, there, discount, decay)
        error = promise.promise_loss(value, label, there, beta)
        gap, both = promise.differences(value - label, there)
        numbers = {
            "promise": sum_of(value, there),
            "label": sum_of(label, there),
            "promise_error": sum_of((value - label) ** 2, there),
            "progress_error": sum_of(gap**2, both),
        }
        return sum_of(error, there), numbers

    return loss


def _read(head: heads.Head, rollout: Rollout) -> tuple[Array, Array]:
    """Which turns there are, and what the head says of them; 0 elsewhere."""
    states = rollout.signal("step_states")
    there = states[..., 0] > 0
    return there, jnp.where(there, heads.read(head, states)[..., 0], 0)
