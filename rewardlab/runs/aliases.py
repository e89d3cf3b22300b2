"""What a config reads, and the names of its own that it gives to signals."""

from ml_collections import ConfigDict

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


def reads_of_reward(config: ConfigDict) -> set[str]:
    """The signals that the sentence of the reward reads."""
    return reads(transform_of(config))


def reads_of_select(config: ConfigDict) -> set[str]:
    """The signals that say which rows are learned from."""
    return signals_of(select_of(config))


def wanted(config: ConfigDict) -> set[str]:
    """What the reward and `select` read, by the names that it is made under."""
    names, read = names_of(config), reads_of_reward(config) | reads_of_select(config)
    return {names.get(name, name) for name in read}
