"""Scorers of plain facts: how a completion ended, what the data say of a problem."""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from rewardlab.core import masked
from rewardlab.core.counts import count
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


def positive() -> Maker:
    """`positive` [N]: the policy's tokens in the batch for each one of a right row, the
    same number for all right rows, and 0 for the others.

    What makes a sum over right rows a mean over their tokens (see `positive_nll`).

    positive(): rows of 3 and 1 tokens, of which the second is right -> 0, 4
    """

    def make(setting: Setting) -> Scorer:
        def score(
            state: Any, context: Context, rollout: Rollout, batch: Batch
        ) -> dict[str, Array]:
            known = rollout.signals.get("correct_valid", True)
            right = (rollout.signal("correct") > 0) & known
            tokens = count(rollout.mask)
            own = jnp.sum(jnp.where(right, tokens, 0))
            share = masked.safe_divide(jnp.sum(tokens) * 1.0, own)
            return {"positive": jnp.where(right & (own > 0), share, 0)}

        return Scorer("positive", {"positive": "N"}, ("correct",), "batch", score)

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
