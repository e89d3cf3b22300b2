"""Every word that a sentence may use, by kind. One idea a file."""

from rewardlab import compose
from rewardlab.transforms.center import center_by_group
from rewardlab.transforms.credit import broadcast_to_tokens
from rewardlab.transforms.scale import scale_by_group_std
from rewardlab.transforms.sources import kl_penalty, outcome, process

SOURCES = {"outcome": outcome, "process": process, "kl_penalty": kl_penalty}
SHAPERS: dict = {}
COMBINATORS = {
    "weighted_sum": compose.weighted_sum,
    "on": compose.on,
    "gate": compose.gate,
}
BASELINES = {
    "center_by_group": center_by_group,
    "scale_by_group_std": scale_by_group_std,
}
CREDIT = {"broadcast_to_tokens": broadcast_to_tokens}

TRANSFORMS = {**SOURCES, **SHAPERS, **COMBINATORS, **BASELINES, **CREDIT}
