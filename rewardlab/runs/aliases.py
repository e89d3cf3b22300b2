"""Signals under other names: what a task makes, as a sentence calls it."""

import dataclasses

from ml_collections import ConfigDict

from rewardlab.core.types import Rollout
from rewardlab.methods import reads
from rewardlab.runs.builders import select_of, transform_of
from rewardlab.selection import signals_of


def names_of(config: ConfigDict) -> dict[str, str]:
    """`config.signals` as a dict: the name that is read, then the one that is made.

    It is written `prm=hop,match=format`; `ValueError` for what is not.
    """
    names: dict[str, str] = {}
    for pair in filter(None, config.signals.split(",")):
        read, _, made = (part.strip() for part in pair.partition("="))
        if not (read.isidentifier() and made.isidentifier()):
            raise ValueError(
                f"signals={config.signals!r} is not understood; write "
                "READ=MADE,READ=MADE, as in prm=hop,match=format"
            )
        if names.setdefault(read, made) != made:
            raise ValueError(
                f"signals={config.signals!r} names {read!r} twice; write it once"
            )
    return names


def wanted(config: ConfigDict) -> set[str]:
    """What the reward and `select` read, by the names that it is made under."""
    names = names_of(config)
    read = reads(transform_of(config)) | signals_of(select_of(config))
    return {names.get(name, name) for name in read}


def also_as(rollout: Rollout, names: dict[str, str]) -> Rollout:
    """The rollout with the signals under their second names too, validity included."""
    signals = dict(rollout.signals)
    for read, made in names.items():
        signals[read] = rollout.signal(made)
        signals.pop(f"{read}_valid", None)  # of another signal that had the name
        if f"{made}_valid" in signals:
            signals[f"{read}_valid"] = signals[f"{made}_valid"]
    return dataclasses.replace(rollout, signals=signals)
