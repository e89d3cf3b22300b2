"""Weights: some tokens or rows matter more than others.

A weight w >= 0 that does not depend on the policy being trained commutes with the
clipped surrogate: the loss of w A is w times the loss of A. A weight that does depend
on it is a loss, in `rewardlab.objectives`.
"""

from rewardlab.core.types import Table
from rewardlab.transforms.weights.amplify import amplify
from rewardlab.transforms.weights.binary_kl import mask_binary_kl
from rewardlab.transforms.weights.bonus import capped_bonus, position_bonus
from rewardlab.transforms.weights.duration import weigh_by_duration
from rewardlab.transforms.weights.entropy import keep_high_entropy
from rewardlab.transforms.weights.hardness import weigh_by_gap, weigh_by_unlikeness
from rewardlab.transforms.weights.hindsight import hindsight_ratio
from rewardlab.transforms.weights.importance import (
    masked_importance,
    truncated_importance,
)
from rewardlab.transforms.weights.perplexity import weigh_by_perplexity
from rewardlab.transforms.weights.recalled import recalled
from rewardlab.transforms.weights.signal import weigh

WEIGHTS: Table = {
    "capped_bonus": capped_bonus,
    "hindsight_ratio": hindsight_ratio,
    "keep_high_entropy": keep_high_entropy,
    "mask_binary_kl": mask_binary_kl,
    "masked_importance": masked_importance,
    "position_bonus": position_bonus,
    "recalled": recalled,
    "truncated_importance": truncated_importance,
    "weigh": weigh,
    "weigh_by_duration": weigh_by_duration,
    "weigh_by_gap": weigh_by_gap,
    "weigh_by_perplexity": weigh_by_perplexity,
    "weigh_by_unlikeness": weigh_by_unlikeness,
    "amplify": amplify,
}
