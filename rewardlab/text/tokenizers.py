"""Text to token ids and back."""

import dataclasses
from collections.abc import Iterable
from typing import ClassVar


@dataclasses.dataclass(frozen=True)
class CharTokenizer:
    """One id a character: id 0 pads, id 1 ends a text, id i is `characters[i - 2]`."""

    characters: str
    pad_id: ClassVar[int] = 0
    eos_id: ClassVar[int] = 1

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
