"""A page of audits, one line a sentence: docs/audit.md is made by it."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import jax

from rewardlab.audits.audit import Audit
from rewardlab.audits.drawn import DRAWERS
from rewardlab.audits.made_by import OTHERWISE
from rewardlab.audits.signals import MAKERS
from rewardlab.audits.table import HEADS, READS, cells
from rewardlab.methods import METHODS
from rewardlab.methods.sentence import describe

ABOUT = """\
[lab.md](lab.md#audit) says what is measured and what takes no part: a method's loss,
its choice of rows, and models that learn. Best first, by the mean cosine to the true
gradient for equally many turns; methods with one reward stand in one line. A high place
says that a sentence is right and quiet where the signals that it reads are true. It is
no promise where they are not: see the makers below, and `--set error=0.2`.
"""


class Row(NamedTuple):
    """Methods of one sentence, and what was found or why nothing could be."""

    names: tuple[str, ...]
    found: Audit | str


def alike(names: Iterable[str] = METHODS) -> list[tuple[str, ...]]:
    """Methods, those together that have one reward and are told of alike."""
    found: dict[tuple[str, str], list[str]] = {}
    for name in names:
        key = describe(METHODS[name].build()), str(OTHERWISE.get(name))
        found.setdefault(key, []).append(name)
    return [tuple(names) for names in found.values()]


def rows(
    groups: Iterable[tuple[str, ...]], audited: Callable[[str], Audit]
) -> list[Row]:
    """Each group audited by its first name."""
    found = []
    for names in groups:
        try:
            found.append(Row(names, audited(names[0])))
        except ValueError as error:
            found.append(Row(names, str(error)))
        jax.clear_caches()  # type: ignore[no-untyped-call]  # each compiles its own
    return found


def page(found: Iterable[Row], command: str) -> str:
    """The page as Markdown; `command` is what made it."""
    every = list(found)
    known = {row.names: row.found for row in every if isinstance(row.found, Audit)}
    best = sorted(known.items(), key=lambda item: -item[1].budget)
    lines = ["# Audits", "", f"Written by `{command}`.", "", ABOUT]
    lines += [f"| | methods | {' | '.join(HEADS)} |", "|---" * (2 + len(HEADS)) + "|"]
    for place, (names, one) in enumerate(best, 1):
        lines.append(f"| {place} | {_named(names)} | {' | '.join(cells(one))} |")
    lines += [
        "",
        *(f"- *{line.replace(': ', '*: ', 1)}" for line in READS.splitlines()),
    ]
    lines += ["", "## Who made the signals", "", *_makers(known)]
    reasons: dict[str, list[str]] = {}
    for row in every:
        if isinstance(row.found, str):
            reasons.setdefault(row.found.split(";")[0], []).extend(row.names)
    if reasons:
        lines += ["", "## Not audited", "", "| methods | why |", "|---|---|"]
        lines += [f"| {_named(names)} | {why} |" for why, names in reasons.items()]
    return "\n".join(lines) + "\n"


def _named(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _makers(known: Mapping[tuple[str, ...], Audit]) -> list[str]:
    says = {name: text for name, (_, text) in (*MAKERS.items(), *DRAWERS.items())}
    pairs = sorted({pair for one in known.values() for pair in one.makers.items()})
    lines = [
        f"| `{name}` | `{maker}` | {says[maker].replace('|', chr(92) + '|')} |"
        for name, maker in pairs
    ]
    return ["| signal | maker | what it is |", "|---|---|---|", *lines]
