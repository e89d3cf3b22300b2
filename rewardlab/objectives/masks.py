"""Words of a loss that leave rows out of it; baselines keep them."""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool

from rewardlab.core import masked, nodes
from rewardlab.core.types import Rollout, SignalName, Static
from rewardlab.models.logprobs import TokenStats
from rewardlab.objectives.correction import row_mean, token_k1, within_ratio


class Mask(NamedTuple):
    """`keep(stats, rollout)`: the tokens [N, T] that stay in the loss and its average.

    Averages over all rows, as `constant`, count the others as empty.
    """

    keep: Callable[[TokenStats, Rollout], Bool[Array, "N T"]]


def mask_truncated(signal: SignalName = "finished") -> Mask:
    """Rows that a limit cut off, whose `signal` [N] is 0, leave the loss.

    What they earned stays in the baseline of the others (overlong filtering of DAPO,
    arXiv 2503.14476; TRL's `mask_truncated_completions`); `drop_truncated` of `select`
    takes them out of that too.
    """

    def keep(stats: TokenStats, rollout: Rollout) -> Bool[Array, "N T"]:
        ended = rollout.signal(signal) > 0
        return jnp.broadcast_to(ended[:, None], rollout.mask.shape)

    return Mask(keep)


def mask_far_rows(
    max_ratio: Static[float], sampler: SignalName = "sampler_logp"
) -> Mask:
    """Rows leave whose exp(mean_t log(pi_old / pi_sampler)) is not in [1/most, most].

    `max_ratio` is `most`. For samplers whose numbers differ from the trainer's (verl's
    rejection of rows by their geometric mean ratio).
    """

    def keep(stats: TokenStats, rollout: Rollout) -> Bool[Array, "N T"]:
        gap = jnp.where(rollout.mask, rollout.logp - rollout.signal(sampler), 0)
        return within_ratio(row_mean(token_k1(gap), rollout.mask), max_ratio)

    return Mask(keep)


def mask_only_children(node: SignalName) -> Mask:
    """Steps leave the loss that have no sibling in the tree that `node` [N, T] says.

    Siblings are different steps of a prompt's rows after the same steps. What was not
    compared with anything teaches nothing, and counts in no mean. (CARL, arXiv
    2512.04949)
    """

    def keep(stats: TokenStats, rollout: Rollout) -> Bool[Array, "N T"]:
        entry = masked.step_ends(rollout)
        tree = nodes.forest(rollout.signal(node), entry, rollout)
        others = masked.step_total(1.0 * (entry & tree.siblings), rollout)
        return rollout.mask & (others > 0)

    return Mask(keep)


MASKS: dict[str, Callable[..., Mask]] = {
    "mask_truncated": mask_truncated,
    "mask_far_rows": mask_far_rows,
    "mask_only_children": mask_only_children,
}
