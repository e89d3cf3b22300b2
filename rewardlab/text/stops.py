"""Strings that end a text, however a tokenizer writes them.

A stop string may be a token, several, or a part of one that goes on (".\\n\\n" holds
"\\n"), so it is looked for in characters, not in ids: an automaton over them goes
through a token at a time by a table [states, vocabulary], one look-up a row and token.
"""

import dataclasses
import functools
from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Int

from rewardlab.text.tokenizers import Tokenizer


@dataclasses.dataclass(frozen=True, eq=False)
class Stopping:
    """A tokenizer of which a text ends with any of `stops` too."""

    tokenizer: Tokenizer
    stops: tuple[str, ...]

    def __post_init__(self) -> None:
        for stop in self.stops:
            if not isinstance(stop, str) or not stop or not stop.isascii():
                raise ValueError(
                    f"rollout.stop has {stop!r}; a stop string is ASCII text, of at "
                    "least a character, since a tokenizer may write others in parts"
                )

    @property
    def vocab_size(self) -> int:
        """That of the tokenizer, as are the next two."""
        return self.tokenizer.vocab_size

    @property
    def pad_id(self) -> int:
        return self.tokenizer.pad_id

    @property
    def eos_ids(self) -> tuple[int, ...]:
        return self.tokenizer.eos_ids

    def encode(self, text: str) -> list[int]:
        """As the tokenizer does."""
        return self.tokenizer.encode(text)

    def decode(self, ids: Iterable[int]) -> str:
        """As the tokenizer does, stop strings too."""
        return self.tokenizer.decode(ids)

    @functools.cached_property
    def table(self) -> Int[np.ndarray, "S V"]:
        """The state after a token, by the state before it; the last one is the end."""
        return _table(self.stops, _texts(self.tokenizer))


def stopping(tokenizer: Tokenizer, stops: Sequence[str]) -> Tokenizer:
    """The tokenizer with stop strings, if there are any."""
    return Stopping(tokenizer, tuple(stops)) if stops else tokenizer


def end_of(tokenizer: Tokenizer) -> list[int]:
    """What is written at the end of a text: its first stop string, or an end."""
    if isinstance(tokenizer, Stopping):
        return tokenizer.encode(tokenizer.stops[0])
    return list(tokenizer.eos_ids[:1])


def completed(tokenizer: Tokenizer, ids: Sequence[int]) -> str:
    """What a completion says: its text without the end, and before any stop string.

    completed(Stopping(CharTokenizer("ab;"), (";",)), [2, 3, 4]) == "ab"
    """
    ids = list(ids)
    text = tokenizer.decode(
        ids[:-1] if ids[-1:] and ids[-1] in tokenizer.eos_ids else ids
    )
    if isinstance(tokenizer, Stopping):
        found = [text.find(stop) for stop in tokenizer.stops]
        return text[: min((at for at in found if at >= 0), default=len(text))]
    return text


def pieces(tokenizer: Tokenizer, ids: Sequence[int]) -> list[str]:
    """The text of each token in its place; together they are the whole text.

    A token that ends within a character has "", the one that completes it has it all;
    bytes that are no character show as `\\ufffd`.
    """
    found: list[str] = []
    begin = read = 0  # tokens from `begin` to `read` are told, and give the context
    for end in range(1, len(ids) + 1):
        before = tokenizer.decode(ids[begin:read])
        text = tokenizer.decode(ids[begin:end])
        broken = text.endswith("\ufffd") and end < len(ids)
        partial = broken and end - read < 4  # bytes, which no character exceeds
        found.append("" if partial else text[len(before) :])
        if not partial:
            begin, read = read, end
    return found


def _texts(tokenizer: Tokenizer) -> list[str]:
    """What each token adds to a text; decoders may trim the first of one."""
    first = next(iter(tokenizer.encode("a")), None)
    if first is None:
        return [tokenizer.decode([i]) for i in range(tokenizer.vocab_size)]
    cut = len(tokenizer.decode([first]))
    return [tokenizer.decode([first, i])[cut:] for i in range(tokenizer.vocab_size)]


def _table(stops: Sequence[str], texts: Sequence[str]) -> Int[np.ndarray, "S V"]:
    """Aho and Corasick's automaton, of which a state is what is begun of a stop."""
    alphabet = sorted(set("".join(stops)))
    begun = sorted({s[:n] for s in stops for n in range(len(s))}, key=len)
    end = len(begun)
    moves = np.zeros((end + 1, len(alphabet) + 1), np.int32)  # the last: any other
    moves[end] = end
    for state, text in enumerate(begun):
        for c, letter in enumerate(alphabet):
            now = text + letter
            tails = (now[n:] for n in range(len(now) + 1))
            over = any(now.endswith(stop) for stop in stops)
            moves[state, c] = (
                end if over else begun.index(next(t for t in tails if t in begun))
            )
    codes = {letter: c for c, letter in enumerate(alphabet)}
    states = np.tile(np.arange(end + 1, dtype=np.int32)[:, None], len(texts))
    lengths = np.array([len(text) for text in texts])
    for at in range(lengths.max(initial=0)):
        rows = np.flatnonzero(lengths > at)
        letters = [codes.get(texts[int(row)][at], len(alphabet)) for row in rows]
        states[:, rows] = moves[states[:, rows], letters]
    return states.astype(np.min_scalar_type(end))
