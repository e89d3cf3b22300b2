"""A critic that reads the answer before it judges turns, and learns from outcomes."""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from rewardlab.core.intervals import need
from rewardlab.core.lookup import look_up
from rewardlab.core.types import Rollout, Static, Sum
from rewardlab.data.batch import Batch
from rewardlab.models.model import Model
from rewardlab.reward_models.pairs import trajectory_dpo
from rewardlab.reward_models.turn_scores import TURNS
from rewardlab.scorers.beside import Own, own_model
from rewardlab.scorers.hindsight import TRUTH, told_the_answer
from rewardlab.scorers.implicit import (
    clipped_adamw,
    nan_as_labels,
    outcomes,
    told,
)
from rewardlab.scorers.passes import Maker
from rewardlab.scorers.protocol import Context, Fit, Scorer, Setting
from rewardlab.scorers.steps import inside


def privileged_critic(
    beta: float = 0.1,
    turn: str = "mean",
    lr: float = 1e-4,
    clip: float = 10.0,
    warmup: Static[int] = 0,
) -> Maker:
    """`turn_score` [N, S]: u_k = mean over turn k of log pi_phi - log pi_ref, nats.

    Both read the right answer, then the prompt and the turns before; the policy never
    sees it. phi is a copy of the policy as training began and learns by

        -log sigmoid(beta (sum_k u_k(row that succeeded) - sum_k u_k(row that failed)))

    over such pairs of a prompt, by the signal `correct`, so at phi = ref every score is
    0 and the loss log 2. With turn='sum' u_k is the sum over the turn's tokens. The
    answer is what the problems have in the columns `truth` and `truth_mask`. It costs
    two forward passes to score and one to learn; AdamW steps with `lr`, gradients are
    clipped to the norm `clip`. (SWEET-RL, arXiv 2503.15478: the method `sweet_rl`)

    privileged_critic(): ratios (0.2, 0 | -0.3) of two turns -> 0.1, -0.3
    """
    need("privileged_critic", "[0, inf)", beta=beta, lr=lr)
    need("privileged_critic", "(0, inf)", clip=clip)
    of_turns = look_up(turn, "score of a turn", TURNS)

    def make(setting: Setting) -> Scorer:
        own, reference = own_model(setting), setting.models["reference"]

        def scores(state: Any, context: Context, *rows: Any) -> Float[Array, "N S"]:
            rollout, batch, ref = rows
            case = own.model, own.whole(state, context)
            ratio = _knowing(case, rollout, batch, setting.temperature) - ref
            return of_turns(jnp.where(rollout.mask, ratio, 0), inside(rollout))

        def score(
            state: Any, context: Context, rollout: Rollout, batch: Batch
        ) -> dict[str, Array]:
            case = reference, context.params["reference"]
            ref = _knowing(case, rollout, batch, setting.temperature)
            found = scores(state, context, rollout, batch, ref)
            return {"turn_score": found, "truth_ref_logp": ref}

        def learn(
            trained: Any, context: Context, rollout: Rollout, batch: Batch, reward: Any
        ) -> tuple[Sum, dict[str, Sum]]:
            ref = rollout.signal("truth_ref_logp")
            turns = scores(trained, context, rollout, batch, ref)
            rows = outcomes(beta * jnp.sum(turns, axis=1), rollout)
            loss = trajectory_dpo(rows.reward, rows.label > 0, rows.group)
            return nan_as_labels(loss, rows), told(rows, rollout)

        fit = Fit(learn, lambda hp: clipped_adamw(lr, clip), warmup=warmup)
        return _blank(own)._replace(score=score, init=own.init, fit=fit)

    return make


def _knowing(
    case: tuple[Model, Any], rollout: Rollout, batch: Batch, temperature: Any
) -> Float[Array, "N T"]:
    """Log-probs of the rows' tokens under a model that has read the answer first."""
    model, params = case
    seen = told_the_answer(rollout, batch)
    return model.log_probs(params, seen, temperature).logp


def _blank(own: Own) -> Scorer:
    """The critic before it is said what it does."""
    provides = {"turn_score": "NS", "truth_ref_logp": "NT"}
    roles = tuple(sorted({*own.roles, "reference"}))
    scorer = Scorer("privileged_critic", provides, ("correct",), "shard", lambda *_: {})
    return scorer._replace(private=("truth_ref_logp",), columns=TRUTH, roles=roles)
