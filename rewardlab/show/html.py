"""Pieces of pages: links, lists of rows, colours. All text is escaped here."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

from rewardlab.show.rows import Row
from rewardlab.system.printable import number, signed

KEYS = {"previous row": "p", "next row": "n", "previous step": "b", "next step": "f"}


class Links(NamedTuple):
    """Where a page leads: files beside it, by what they are called; "" of none."""

    around: Mapping[str, str]
    rows: Mapping[int, str]


NOWHERE = Links({}, {})


def navigation(links: Mapping[str, str]) -> str:
    """Links in order; some have an access key, which browsers take with Alt or so."""
    if not links:
        return ""
    return f'<nav aria-label="pages">{"".join(map(_link, links.items()))}</nav>'


def _link(named: tuple[str, str]) -> str:
    name, file = named
    if not file:
        return f'<span class="off">{escape(name)}</span>'
    key = KEYS.get(name)
    extra = f' accesskey="{key}" title="access key {key}"' if key else ""
    return f'<a href="{escape(file)}"{extra}>{escape(name)}</a>'


def listed(rows: Sequence[Row], files: Mapping[int, str]) -> str:
    """Rows as a table; the numbers of those with a page are links."""
    judged = any(row.verdict for row in rows)
    peak = max((abs(row.advantage or 0.0) for row in rows), default=0.0)
    names = ["row", "prompt", *["verdict"] * judged, "reward", "advantage", "tokens"]
    head = "".join(f'<th scope="col">{name}</th>' for name in [*names, "text"])
    body = "".join(_row(row, files.get(row.row, ""), judged, peak) for row in rows)
    return (
        '<div class="wide"><table class="rows">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _row(row: Row, file: str, judged: bool, peak: float) -> str:
    name = f'<a href="{escape(file)}">{row.row}</a>' if file else str(row.row)
    verdict = [f"{row.mark} {row.verdict}"] if judged else []
    cells = [name, str(row.group), *verdict, _reward(row), _advantage(row, peak)]
    said = "".join(f"<td>{cell}</td>" for cell in [*cells, str(row.length)])
    return f'<tr>{said}<td class="text">{escape(row.text)}</td></tr>'


def _reward(row: Row) -> str:
    if row.reward is None:
        return '<span class="quiet">absent</span>'
    return number(row.reward)


def _advantage(row: Row, peak: float) -> str:
    if not row.kept:
        return '<span class="quiet">dropped</span>'
    if row.advantage is None and not row.length:
        return ""
    said = "not finite" if row.advantage is None else signed(row.advantage)
    return f"<span {shade(row.advantage, peak)}>{said}</span>"


def shade(value: float | None, peak: float) -> str:
    """The attributes of an element with the colour of a number."""
    if value is None:
        return 'class="bad"'
    kind = "above" if value > 0 else "below" if value else "zero"
    share = abs(value) / peak if peak else 0.0
    style = f' style="--a:{100 * min(share, 1.0):.1f}"' if share else ""
    return f'class="{kind}"{style}'
