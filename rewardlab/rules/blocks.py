"""Blocks between tags, read from left to right in linear time."""

import re
from collections.abc import Iterator, Sequence


def blocks(text: str, tags: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(tag, what stands between <tag> and the next </tag>), then on behind it.

    As `re.findall(r"<(a|b)>(.*?)</\\1>", text, re.DOTALL)`, which takes quadratic time
    where tags are opened and never closed. An opening without an end is passed over.
    """
    opening = re.compile("|".join(f"<{re.escape(tag)}>" for tag in tags))
    unclosed, at = set[str](), 0
    while found := opening.search(text, at):
        at, tag = found.end(), found[0][1:-1]
        end = -1 if tag in unclosed else text.find(f"</{tag}>", at)
        if end < 0:
            unclosed.add(tag)
            continue
        yield tag, text[at:end]
        at = end + len(tag) + 3
