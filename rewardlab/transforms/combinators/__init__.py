"""Combinators: several channels become one, or a transform acts on some of them."""

from rewardlab.core import compose
from rewardlab.core.types import Table
from rewardlab.transforms.combinators.constrained import constrained_sum
from rewardlab.transforms.combinators.copies import copy_channel
from rewardlab.transforms.combinators.credit_or_blame import credit_or_blame
from rewardlab.transforms.combinators.either import either
from rewardlab.transforms.combinators.ensemble import (
    mean_minus_variance_of,
    median_of,
    min_of,
)
from rewardlab.transforms.combinators.formula import formula
from rewardlab.transforms.combinators.gain import add_where_below, relative_drop
from rewardlab.transforms.combinators.gated import gated_accumulation
from rewardlab.transforms.combinators.geometric import geometric_mean_of
from rewardlab.transforms.combinators.pareto import keep_pareto_front
from rewardlab.transforms.combinators.segments import in_segments
from rewardlab.transforms.combinators.standardize_or_fallback import (
    standardize_or_fallback,
)
from rewardlab.transforms.combinators.trust import trust, zero_if_group_unanimous
from rewardlab.transforms.combinators.turn_shares import share_by_softmax

COMBINATORS: Table = {
    "copy_channel": copy_channel,
    "gated_accumulation": gated_accumulation,
    "standardize_or_fallback": standardize_or_fallback,
    "trust": trust,
    "share_by_softmax": share_by_softmax,
    "zero_if_group_unanimous": zero_if_group_unanimous,
    "relative_drop": relative_drop,
    "add_where_below": add_where_below,
    "weighted_sum": compose.weighted_sum,
    "constrained_sum": constrained_sum,
    "formula": formula,
    "min_of": min_of,
    "median_of": median_of,
    "mean_minus_variance_of": mean_minus_variance_of,
    "geometric_mean_of": geometric_mean_of,
    "keep_pareto_front": keep_pareto_front,
    "on": compose.on,
    "gate": compose.gate,
    "in_segments": in_segments,
    "either": either,
    "credit_or_blame": credit_or_blame,
}
