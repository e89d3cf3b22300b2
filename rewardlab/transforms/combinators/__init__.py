"""Several channels meet, or a transform acts on some of them."""

from rewardlab import compose
from rewardlab.transforms.combinators.copies import copy_channel
from rewardlab.transforms.combinators.gain import relative_drop, top_up
from rewardlab.transforms.combinators.gated import gated_accumulation
from rewardlab.transforms.combinators.standardize_or import standardize_or
from rewardlab.transforms.combinators.trust import pay_if_mixed, trust
from rewardlab.types import Table

COMBINATORS: Table = {
    "copy_channel": copy_channel,
    "gated_accumulation": gated_accumulation,
    "standardize_or": standardize_or,
    "trust": trust,
    "pay_if_mixed": pay_if_mixed,
    "relative_drop": relative_drop,
    "top_up": top_up,
    "weighted_sum": compose.weighted_sum,
    "on": compose.on,
    "gate": compose.gate,
}
