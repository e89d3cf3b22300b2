"""Text to token ids and back: the protocol, and one id a character."""

import dataclasses
from collections.abc import Iterable
from typing import ClassVar, Protocol


class Tokenizer(Protocol):
    """What is needed of a tokenizer; a token is any number of characters, or a part.

    `encode` adds no special tokens, and raises `ValueError` for a text that it cannot
    write. `decode` writes what the ids are, ends included where these have a text. Ids
    are below `vocab_size`; a model's vocabulary may be larger. A text ends with any of
    `eos_ids`, of which the first is the one that is written.
    """

    @property
    def vocab_size(self) -> int: ...

    @property
    def pad_id(self) -> int: ...

    @property
    def eos_ids(self) -> tuple[int, ...]: ...

    def encode(self, text: str) -> list[int]: ...

    def decode(self, ids: Iterable[int]) -> str: ...


_PROBE = "The 7 quick, brown foxes: 12 + 34 = 46?\n"


def same_texts(one: Tokenizer, other: Tokenizer) -> bool:
    """Whether both write a text with the same ids, as far as a short one tells."""
    text = getattr(one, "characters", _PROBE)
    try:
        alike = one.encode(text) == other.encode(text)
    except ValueError:
        return False
    return alike and bool({*one.eos_ids} & {*other.eos_ids})


@dataclasses.dataclass(frozen=True)
class CharTokenizer:
    """One id a character: id 0 pads, id 1 ends a text, id i is `characters[i - 2]`."""

    characters: str
    pad_id: ClassVar[int] = 0
    eos_ids: ClassVar[tuple[int, ...]] = (1,)

    @property
    def vocab_size(self) -> int:
        """How many ids there are, the two special ones included."""
        return len(self.characters) + 2

    def encode(self, text: str) -> list[int]:
        """The ids of a text, without an end; `ValueError` for a foreign character."""
        if foreign := sorted(set(text) - set(self.characters)):
            raise ValueError(
                f"characters {foreign} of {text!r} are not in the vocabulary; "
                f"write texts with {self.characters!r}"
            )
        return [self.characters.index(c) + 2 for c in text]

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ids; the end is not written, padding shows as `·`."""
        return "".join(("·", "", *self.characters)[i] for i in ids)
