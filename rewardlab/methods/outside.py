"""Words of a person's own, which sentences may use for a while."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rewardlab.core.lookup import (
    handing,
    imported,
    module_named,
    place_of,
    words_in,
)
from rewardlab.core.schedules import SCHEDULES
from rewardlab.objectives import LOSSES
from rewardlab.selection import SELECTORS
from rewardlab.transforms import TRANSFORMS


@contextlib.contextmanager
def words_at_hand(words: Iterable[str] | Mapping[str, Any]) -> Iterator[None]:
    """Sentences may use these words meanwhile: modules, single words, or objects.

    words_at_hand(["shaping", "checks:exact"])
    words_at_hand({"exact": exact})

    `ValueError` for what cannot be imported, and for a word that is built in.
    """
    found = dict(words) if isinstance(words, Mapping) else {}
    for name in () if found else words:
        if (place := place_of(name, "word")) is None:
            found |= words_in(module_named(name, "the module of words"))
        else:
            found[place.attribute] = imported(place, "word")
    with handing(new_words(found)):
        yield


def new_words(words: Mapping[str, Any]) -> Mapping[str, Any]:
    """The words, none of which is built in; else `ValueError`."""
    if taken := sorted(set(words) & {*TRANSFORMS, *LOSSES, *SELECTORS, *SCHEDULES}):
        raise ValueError(
            f"the word {taken[0]!r} of yours has a name that is built in; give it "
            "another"
        )
    return words
