"""Scorers of plain facts: how a completion ended, what the data say of a problem."""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from rewardlab.core.types import Rollout
from rewardlab.data.batch import Batch
from rewardlab.scorers.protocol import Context, Scorer, Setting
from rewardlab.scorers.verifier import Maker
from rewardlab.text.ends import have_ended


def finished() -> Maker:
    """`finished` [N]: 1 where the policy ended the completion, 0 where a limit did.

    finished(): "ab<eos>", "abc" of at most 3 tokens -> 1, 0
    """

    def make(setting: Setting) -> Scorer:
        def score(
            state: Any, context: Context, rollout: Rollout, batch: Batch
        ) -> dict[str, Array]:
            ended = have_ended(setting.tokenizer, rollout.tokens, rollout.mask)
            return {"finished": ended.astype(jnp.float32)}

        return Scorer("finished", {"finished": "N"}, (), "shard", score)

    return make


def column(name: str) -> Maker:
    """`name` [N]: a number that the data have of each problem, for all its rows.

    column('difficulty'): 0.2 and 0.9 of two problems with two rows -> 0.2 0.2 0.9 0.9
    """

    def make(setting: Setting) -> Scorer:
        def score(
            state: Any, context: Context, rollout: Rollout, batch: Batch
        ) -> dict[str, Array]:
            if name not in batch.arrays:
                raise ValueError(
                    f"the column {name!r} of the data is not of numbers alone; have "
                    f"{', '.join(sorted(batch.arrays))}"
                )
            return {name: jnp.asarray(batch.arrays[name])[rollout.group]}

        return Scorer(
            f"column_{name}", {name: "N"}, (), "shard", score, columns=(name,)
        )

    return make
