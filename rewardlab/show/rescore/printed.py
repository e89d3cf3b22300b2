"""A rescoring in the terminal."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from rewardlab.show.episode import Step, episode_of
from rewardlab.show.report.samples import spoken_of
from rewardlab.show.rescore import said
from rewardlab.show.rescore.found import Rescored
from rewardlab.show.rescore.paid import (
    Paid,
    Pair,
    Ranking,
    most_changed,
    pair_of,
    rankings,
    rows_of,
)
from rewardlab.show.terminal import blocks, styled
from rewardlab.system.printable import one_line, signed

MOST = 3  # rows whose tokens are shown
STEPS = 12  # rows of the table; of more the ends
MARGIN = 6  # columns beside a text
PROMPT = 300  # characters of a prompt, its end


def printed(found: Rescored, row: int | None = None) -> RenderableType:
    """Sentences, numbers, ranks, and tokens of the rows that change most, or of one."""
    rows = rows_of(found)
    last = found.steps[-1]
    pair, step = pair_of(found, last), last.kept.step
    shown = most_changed(rows, step)
    if row is not None:
        shown = [one for one in shown if one.had.row == row]
        if not shown:
            raise ValueError(
                f"step {step} learned from no row {row}; give --row another, or --step"
            )
    elif found.own:  # nothing differs
        shown = []
    return Group(
        Text(said.title(found), "bold"),
        _sentences(found),
        *(Text(note) for note in said.notes(found)),
        Text(""),
        _table(found),
        Text(said.LEGEND, "dim"),
        *(part for one in rankings(rows) for part in (Text(""), _ranking(one))),
        *((Text(""), _legend(pair, step)) if shown else ()),
        *(part for one in shown[:MOST] for part in _row(one, pair)),
    )


def _sentences(found: Rescored) -> Table:
    out = Table.grid(padding=(0, 1))
    out.add_column(style="dim", width=MARGIN)
    out.add_column(overflow="fold")
    out.add_row("had", Text(said.sentence(found.had)))
    if not found.own:
        out.add_row("would", Text(said.sentence(found.would)))
    return out


def _table(found: Rescored) -> Table:
    out = Table(box=None, padding=(0, 1), pad_edge=False, collapse_padding=True)
    rows, gap = found.table, len(found.table) > STEPS
    shown = [*rows[: STEPS - 4], *rows[-4:]] if gap else rows
    for name in said.HEAD:
        words = name.replace(" ", "\n")  # so that all fits into 80 columns
        out.add_column(words, justify="right", no_wrap=True, header_style="dim")
    for row in shown:
        out.add_row(*said.cells(row), style="bold" if row.name == "all" else "")
    return out


def _ranking(of: Ranking) -> RenderableType:
    out = Table(box=None, padding=(0, 1), pad_edge=False, expand=True)
    for name in ("step", "row", "reward", f"rank of {of.of}"):
        out.add_column(name, justify="right", no_wrap=True, header_style="dim")
    out.add_column("text", ratio=1, no_wrap=True, overflow="ellipsis")
    for row in of.rows:
        reward, ranks = said.paid(row), said.arrow(*map(str, row.ranks))
        place = str(row.step), str(row.had.row)
        out.add_row(*place, reward, ranks, Text(row.had.text))
    return Group(Text(of.kind, "bold"), out)


def _legend(pair: Pair, step: int) -> Text:
    """The colours of the tokens below, those of each sentence by its own peak."""
    out = Text(f"step {step}, the rows whose credit differs most\n", "bold")
    for name, of in (("had", pair.had), ("would", pair.would)):
        out.append(f"{name} ", "not bold dim")
        scale = Text.assemble(*blocks(of.peak)) if of.peak else Text("0")
        out.append(f"{signed(-of.peak)} ", "not bold").append_text(scale)
        out.append(f" {signed(of.peak)}  ", "not bold")
    return out


def _row(row: Paid, pair: Pair) -> Iterator[RenderableType]:
    n = row.had.row
    mark = f"{row.had.mark} {row.had.verdict}  " if row.had.verdict else ""
    reward, advantage = said.paid(row), said.credited(row)
    title = f"row {n} of prompt {row.had.group}  {mark}reward {reward}  "
    yield Rule(Text(f"{title}advantage {advantage}"), align="left", style="dim")
    out = Table.grid(padding=(0, 1))
    out.add_column(style="dim", width=MARGIN)
    out.add_column(overflow="fold")
    prompt = one_line(episode_of(pair.had, n).prompt)
    out.add_row("prompt", Text(prompt[-PROMPT:], "italic"))
    for name, step in (("had", pair.had), ("would", pair.would)):
        out.add_row(name, _tokens(step, n))
    yield out


def _tokens(step: Step, row: int) -> Text:
    """A completion, the policy's tokens in their colours; breaks are marks alone."""
    out = Text()
    for by_policy, token in spoken_of(episode_of(step, row)):
        if isinstance(token, int):
            out.append(f" … {token:,} tokens … ", "dim")
        elif by_policy:
            text, style = styled(token, step.peak)
            out.append(text.replace("\n", ""), style)
        else:
            out.append(token.text.replace("\n", ""), "italic dim")
    return out
