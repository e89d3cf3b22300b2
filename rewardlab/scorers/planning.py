"""Which tokens plan: phrases that many rows share, whatever their problem."""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Bool

from rewardlab.core import masked
from rewardlab.core.counts import count
from rewardlab.core.types import Rollout, Static
from rewardlab.data.batch import Batch
from rewardlab.scorers.passes import Maker
from rewardlab.scorers.protocol import Context, Scorer, Setting


def planning(size: Static[int] = 3, share: float = 0.2) -> Maker:
    """`is_planning` [N, T]: True on the tokens of phrases that many rows have.

    A phrase is `size` tokens of the policy's that follow one another; it counts if at
    least `share` of the batch's rows that have tokens hold it, each row once. What
    steers a solution returns in most rows, what executes it has the problem's own
    numbers and names. (After the strategic n-grams of HICRA, arXiv 2509.03646: the
    method `hicra`, which finds them once, by frequency in clusters of meanings)

    planning(2, share=0.6): "so 3", "so 4", "is 3" -> none; "so I 3", "so I 4" -> so I
    """

    def make(setting: Setting) -> Scorer:
        def score(
            state: Any, context: Context, rollout: Rollout, batch: Batch
        ) -> dict[str, Array]:
            return {"is_planning": frequent(rollout, size, share)}

        return Scorer("planning", {"is_planning": "NT"}, (), "batch", score)

    return make


def frequent(rollout: Rollout, size: int, share: float | Array) -> Bool[Array, "N T"]:
    """The tokens that lie in a phrase of `size` tokens which enough rows hold."""
    rows, width = rollout.tokens.shape
    if size > width:
        return jnp.zeros((rows, width), bool)
    starts = width - size + 1
    parts = [rollout.tokens[:, k : k + starts] for k in range(size)]
    whole = jnp.ones((rows, starts), bool)
    for k in range(size):
        whole &= rollout.mask[:, k : k + starts]
    keys = [jnp.where(whole, part, -1) for part in parts]
    row = jnp.broadcast_to(jnp.arange(rows)[:, None], whole.shape)
    *_, phrase, own = masked.dense_ids_of_each(*keys, row)
    index = jnp.arange(whole.size, dtype=jnp.int32).reshape(whole.shape)
    first = whole & (index == masked.set_min(index, own, whole.size))
    holders = masked.set_sum(first.astype(jnp.int32), phrase, whole.size)
    present = count(jnp.any(rollout.mask, axis=1)[None])[0]
    common = whole & (holders >= share * present)
    found = jnp.zeros((rows, width), bool)
    for k in range(size):
        found = found.at[:, k : k + starts].set(found[:, k : k + starts] | common)
    return found
