"""A reward that is learned from demonstrations: reference answers of the data."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from rewardlab.core.types import Rollout, Static
from rewardlab.data.batch import Batch
from rewardlab.data.columns import written
from rewardlab.scorers.made_pairs import demonstrated, gap_to
from rewardlab.scorers.pair_fit import Learning, scorer_of
from rewardlab.scorers.pair_losses import Loss, bradley_terry
from rewardlab.scorers.passes import Maker
from rewardlab.scorers.protocol import Context, Scorer, Setting
from rewardlab.scorers.reading import Trunk, base_trunk

IDS = "reference_ids"


def reference_ids(column: str) -> Maker:
    """`reference_ids` [N, T]: a column of texts in tokens, with an end; -1 is padding.

    reference_ids('reference'): "ab", T = 4 -> (ids of a, b and the end, -1).

    A text of more than T tokens is cut off.
    """

    def make(setting: Setting) -> Scorer:
        def score(
            state: Any, context: Context, rollout: Rollout, batch: Batch
        ) -> dict[str, Any]:
            texts = [[(str(text), True)] for text in batch.columns[column]]
            rows = written(texts, setting.tokenizer, rollout.tokens.shape[1])
            ids = np.where(rows.valid, rows.tokens, -1).astype(np.int32)
            return {IDS: ids[np.asarray(rollout.group)]}

        return Scorer(IDS, {IDS: "NT"}, (), "host", score, columns=(column,))

    return make


def demonstration_model(
    loss: Loss | None = None,
    trunk: Trunk | None = None,
    warmup: Static[int] = 50,
) -> Maker:
    """score = r(row), fitted to prefer reference answers; gap = r(row) - r(reference).

    demonstration_model(): scores 1 and 2 beside a reference of 3 -> gaps -2 and -1.

    It reads `reference_ids`, learns for `warmup` iterations in which the policy rests,
    and is then frozen.
    """
    own = Learning(demonstrated(IDS), loss or bradley_terry(), warmup)

    def make(setting: Setting) -> Scorer:
        reader = (trunk or base_trunk())(setting, 1)

        def score(
            state: Any, context: Context, rollout: Rollout, batch: Batch
        ) -> dict[str, Array]:
            read: Callable[[Rollout], Any] = lambda x: reader.read(  # noqa: E731
                state, context, x
            )
            found = read(rollout).score[0]
            ids = jnp.asarray(rollout.signal(IDS))
            return {"score": found, "gap": gap_to(read, found, ids, rollout)}

        told = lambda rollout: rollout.signal("score")  # noqa: E731
        provides, name = {"score": "N", "gap": "N"}, "demonstration_model"
        return scorer_of(name, provides, score, reader, (setting, own, told))

    return make
