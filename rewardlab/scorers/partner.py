"""Prompts that come with a rewriting, and label each other."""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from rewardlab.core.types import Rollout
from rewardlab.data.batch import Batch
from rewardlab.scorers.passes import Maker
from rewardlab.scorers.protocol import Context, Scorer, Setting


def partner(column: str = "pair") -> Maker:
    """`partner` [N]: the group of the prompt that has the same number in the column.

    What `majority_vote('answer_id', of='partner')` reads: each of two prompts is
    labelled by the answers to the other. A prompt without another has its own group.
    Problems with a column `pair` are drawn two by two. (Co-Reward, arXiv 2508.00410:
    the method `co_reward`)

    partner(): pairs (4, 4, 9, 9) -> groups 1, 0, 3, 2
    """

    def make(setting: Setting) -> Scorer:
        def score(
            state: Any, context: Context, rollout: Rollout, batch: Batch
        ) -> dict[str, Array]:
            pair = jnp.asarray(batch.arrays[column])
            own = jnp.arange(pair.shape[0])
            same = (pair[:, None] == pair) & (own[:, None] != own)
            other = jnp.where(jnp.any(same, axis=1), jnp.argmax(same, axis=1), own)
            return {"partner": other[rollout.group].astype(jnp.int32)}

        provides, columns = {"partner": "N"}, (column,)
        return Scorer("partner", provides, (), "batch", score, columns=columns)

    return make
