"""Texts that say the same at greater length, and texts that nobody expects."""

import re
import string
from typing import NamedTuple

from hypothesis import strategies as st

FILLERS = {
    "spaces": " ",
    "new lines": "\n",
    "words": "Let me think about this once more. ",
    "wait": "wait, ",
    "Chinese": "\u8ba9\u6211\u60f3\u4e00\u60f3\u3002",
    "marks": "!?",
}
PLACES = ("after", "before", "in")
# A mark, an accent alone, a digit to `isdigit` and none to int, and others.
RARE = "\x00\u200f\u0301\u00b2\u0663\u00bd\u221e\u4e2d\U0001f600"
LONGEST = 10_000  # characters that are added


class Longer(NamedTuple):
    """A text with `size` characters that say nothing, after it, before it or in it."""

    what: str  # of `FILLERS`, or "itself"
    where: str  # of `PLACES`
    size: int

    def of(self, text: str) -> str:
        """The longer text; in it is behind its first tag, or its first word.

        Longer("wait", "after", 8).of("7") -> "7 wait, wai"
        """
        unit = FILLERS.get(self.what, text + " ")
        added = (unit * (self.size // max(len(unit), 1) + 1))[: self.size]
        if self.what in ("spaces", "new lines"):
            return self._put(text, added)
        return self._put(text, f" {added}" if self.where != "before" else f"{added}\n")

    def _put(self, text: str, added: str) -> str:
        if self.where == "in":
            end = re.match(r"\s*(<[^<>]*>|\S*)", text).end()  # type: ignore[union-attr]
            return text[:end] + added + text[end:]
        return text + added if self.where == "after" else added + text

    def __str__(self) -> str:
        letters = "character" if self.size == 1 else "characters"
        return f"{self.size} more {letters} ({self.what}) {self.where} it"


def longer() -> st.SearchStrategy[Longer]:
    """Shrinks to few spaces after the text."""
    sizes = st.one_of(st.integers(1, 40), st.integers(41, LONGEST))
    whats = st.sampled_from([*FILLERS, "itself"])
    return st.builds(Longer, whats, st.sampled_from(PLACES), sizes)


HOSTILE = (
    "",
    " ",
    "\x00",
    "\U0001f600",
    "\u00b2",  # a digit to str.isdigit, and no number to int
    "\u0661",  # a digit to both
    "1e999",
    "nan",
    "-inf",
    "1/0",
    "9" * 5_000,  # longer than int reads
    "9**9**9",
    "(" * 20_000,
    "[" * 20_000,
    "<answer>" * 2_000,
    "<answer>",
    "</answer><answer>",
    "\\boxed{" * 2_000,
    "\\boxed{",
    "####",
    '{"a": ' * 5_000,
    "```python\nwhile True: pass\n",
    "a" * 100_000,
    "a " * 50_000,
    "( " * 25 + "!",
)


def any_text() -> st.SearchStrategy[str]:
    """Short texts of all kinds of characters, hostile ones among them."""
    short = [text for text in HOSTILE if len(text) <= 60]
    return st.one_of(
        st.text(string.printable + RARE, max_size=30), st.sampled_from(short)
    )
