"""What rows that begin alike say of their beginning: values out of outcomes alone."""

from typing import Any

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from rewardlab.core import masked
from rewardlab.core.types import Rollout, SignalName
from rewardlab.data.batch import Batch
from rewardlab.scorers.passes import Maker
from rewardlab.scorers.protocol import Context, Scorer, Setting


def prefix_values(of: SignalName = "correct") -> Maker:
    """`prefix_value` [N, T]: the mean of `of` over the group's rows that begin so.

    Of a token of the policy's it is the value of the row up to the policy's next token,
    what the environment wrote in between included: rows share it if all their tokens up
    to there are equal. `prompt_value` [N] is the mean over the whole group. No forward
    pass and no further sample: where no other row begins so it is the row's own
    outcome. Rows without an outcome are in no mean and abstain. (The prefix tree of
    TEMPO, arXiv 2509.18314: the method `tempo`)

    prefix_values(): rows "ab", "ac", "d" of 1, 0, 0 -> (1/2, 1), (1/2, 0), (0)
    """

    def make(setting: Setting) -> Scorer:
        def score(
            state: Any, context: Context, rollout: Rollout, batch: Batch
        ) -> dict[str, Array]:
            outcome, heard = masked.heard(rollout, of)
            value = values_of_prefixes(jnp.where(heard, outcome, 0), heard, rollout)
            rows = masked.sum_over_group(heard.astype(jnp.int32), rollout)
            total = masked.sum_over_group(jnp.where(heard, outcome, 0), rollout)
            return {
                "prefix_value": jnp.where(heard[:, None], value, 0),
                "prefix_value_valid": heard,
                "prompt_value": masked.safe_divide(total, rows),
            }

        provides = {"prefix_value": "NT", "prompt_value": "N"}
        return Scorer("prefix_values", provides, (of,), "batch", score)

    return make


def values_of_prefixes(
    outcome: Float[Array, " N"], heard: Bool[Array, " N"], rollout: Rollout
) -> Float[Array, "N T"]:
    """The mean outcome of the rows that are heard and share each token's prefix."""
    rows = rollout.tokens.shape[0]

    def at(node: Int[Array, " N"], column: tuple[Array, Array]) -> tuple[Array, Array]:
        tokens, there = column
        following = masked.dense_ids(node, jnp.where(there, tokens, -1))
        total = masked.set_sum(jnp.where(heard, outcome, 0), following, rows)
        count = masked.set_sum(heard.astype(jnp.int32), following, rows)
        return following, masked.safe_divide(total, count)

    columns = jnp.asarray(rollout.tokens).T, jnp.asarray(rollout.valid).T
    group = masked.dense_ids(jnp.asarray(rollout.group))
    value = lax.scan(at, group, columns)[1].T
    return jnp.where(rollout.mask, _before_next(value, rollout), 0)


def _before_next(value: Float[Array, "N T"], rollout: Rollout) -> Float[Array, "N T"]:
    """The number at the last token there is before the policy's next one."""
    place = jnp.arange(value.shape[1])[None]
    length = jnp.max(jnp.where(rollout.valid, place, -1), axis=1, keepdims=True) + 1
    own = jnp.where(rollout.mask, place, length)
    ahead = lax.cummin(own, axis=1, reverse=True)[:, 1:]
    following = jnp.concatenate([ahead, length], axis=1) - 1
    return jnp.take_along_axis(value, jnp.maximum(following, 0), axis=1)
