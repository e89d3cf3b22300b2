"""The effective rank of hidden states: how an answer spreads, and how ever faster."""

import functools
from typing import Any

import jax.numpy as jnp
import optax
from jax import lax
from jaxtyping import Array

from rewardlab.core import masked
from rewardlab.core.reward import Reward
from rewardlab.core.types import Rollout, Static, Sum
from rewardlab.reward_models import effective_rank as ranks
from rewardlab.scorers.passes import Maker
from rewardlab.scorers.protocol import Context, Fit, Scorer, Setting

AT_ONCE = 8  # rows whose singular values are found together


def rank_bonus(
    stride: Static[int] = 40,
    window: Static[int] = 512,
    gain: float = 2.0,
    most: float = 5.0,
    rate: float = 0.3,
    by_score: Static[bool] = True,
) -> Maker:
    """rank_bonus = scale (b tanh d_rank + (1 - b) tanh d_velocity), [N].

    The effective rank exp(H(singular values / their sum)) of the policy's hidden states
    over an answer's own tokens, its mean velocity and acceleration over prefixes that
    grow by `stride` tokens, of the last `window`; d is how far each is from a running
    mean, in parts of it and within +-`most`, b = sigmoid(gain d_acceleration), and the
    scale 1 - the running share of right answers, or 1 without `by_score`. Running means
    move by `rate` after each batch and begin at 0. (VERL, arXiv 2509.23808: the method
    `velocity_rank`)
    """

    def make(setting: Setting) -> Scorer:
        def init(context: Context, shapes: Rollout) -> ranks.Moving:
            return ranks.Moving(jnp.zeros(3), jnp.zeros(()))

        def score(
            state: ranks.Moving, context: Context, rollout: Rollout, batch: Any
        ) -> dict[str, Array]:
            measure = functools.partial(
                ranks.rank_indicators, stride=stride, window=window
            )
            rows = rollout.signal("hidden_after"), rollout.mask
            found = lax.map(
                lambda row: measure(row[0], rows=row[1]), rows, batch_size=AT_ONCE
            )
            bonus = ranks.rank_bonus(found, state, gain, most, by_score)
            here = jnp.any(rollout.mask, axis=1)
            return {"rank_bonus": jnp.where(here, bonus, 0), "ranks": found}

        fit = Fit(_loss, lambda hp: optax.sgd(rate))
        provides = {"rank_bonus": "N", "ranks": "N3"}
        reads, private = ("hidden_after", "correct"), ("ranks",)
        return Scorer(
            "rank_bonus", provides, reads, "shard", score, init, fit, private=private
        )

    return make


def _loss(
    moving: ranks.Moving,
    context: Context,
    rollout: Rollout,
    batch: Any,
    reward: Reward | None,
) -> tuple[Sum, dict[str, Sum]]:
    """A running mean is a gradient step on the distance to the batch."""
    correct, rows = masked.heard(rollout, "correct")
    found = rollout.signal("ranks")
    score = jnp.where(rows, 2 * correct - 1, 0)
    total = ranks.distance(moving, found, score, rows)
    names = ("acceleration", "velocity", "rank")
    columns = (masked.sum_of(column, rows) for column in found.T)
    return total, dict(zip(names, columns, strict=True))
