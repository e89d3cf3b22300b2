"""Signals become reward channels."""

from rewardlab.transforms.sources.adaptive_kl import adaptive_kl_penalty
from rewardlab.transforms.sources.belief import information_gain
from rewardlab.transforms.sources.dense import dense
from rewardlab.transforms.sources.kl import kl_penalty
from rewardlab.transforms.sources.signals import outcome, process
from rewardlab.types import Table

SOURCES: Table = {
    "outcome": outcome,
    "process": process,
    "dense": dense,
    "information_gain": information_gain,
    "kl_penalty": kl_penalty,
    "adaptive_kl_penalty": adaptive_kl_penalty,
}
