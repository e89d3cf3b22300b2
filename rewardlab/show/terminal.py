"""An episode in the terminal; where there are no colours, underlines show the sign."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from rewardlab.show.episode import Episode, Part, Token, Turn
from rewardlab.show.facts import Fact
from rewardlab.show.listing import beside
from rewardlab.show.shades import NOT_FINITE, style
from rewardlab.show.worth import Cell
from rewardlab.system.printable import signed

SPEAKER, MARGIN = 11, 26  # columns of text
LEGEND = 7  # blocks on each side of zero
TURNS = 6  # of a table of what words made of them


def terminal(episode: Episode) -> RenderableType:
    """Header, prompt and turns, with each turn's signals in the margin."""
    title = f"{episode.run}  training step {episode.step}  row {episode.row}"
    return Group(
        Text.assemble((title, "bold"), (f"  of prompt {episode.group}", "dim")),
        _inline(episode.facts),
        _legend(episode.peak),
        *((_worth(episode), Text("")) if episode.worth else ()),
        Rule("prompt", align="left", style="dim"),
        _in_columns([("", Text(episode.prompt))], []),
        *(_turn(turn, episode) for turn in episode.turns),
        *((beside(episode.siblings),) if episode.siblings else ()),
    )


def _worth(episode: Episode) -> Table:
    """A word and channel a line, a turn a column; of many turns the ends."""
    count = len(episode.turns)
    shown = [*range(count)]
    if count > TURNS:
        shown = [*range(TURNS - 2), *range(count - 2, count)]
    out = Table(box=None, padding=(0, 1), pad_edge=False)
    out.add_column(
        "after each word  (×2: on two tokens)", overflow="fold", header_style="dim"
    )
    out.add_column("", style="dim", overflow="fold")
    for k in shown:
        gap = "… " if count > TURNS and k == count - 2 else ""
        name = f"{gap}{episode.unit} {episode.turns[k].number}"
        out.add_column(name, justify="right", no_wrap=True, header_style="dim")
    before = ""
    for stage in (stage for stage in episode.worth if stage.told):
        word = stage.word if stage.word != before else ""
        before = stage.word
        cells = [stage.turns[k] for k in shown]
        out.add_row(
            Text(word, "" if stage.channel else "bold"),
            Text(stage.channel),
            *(_cell(x, stage.peak) for x in cells),
        )
    return out


def _cell(cell: Cell, peak: float) -> Text:
    if not cell.text:
        return Text("·", "dim")
    if cell.value is None:
        return Text(cell.text, NOT_FINITE)
    return Text(cell.text, style(cell.value, peak))


def _turn(turn: Turn, episode: Episode) -> RenderableType:
    rows = [_part(part, episode.peak) for part in turn.parts]
    title = f"{episode.unit} {turn.number}"
    return Group(
        Rule(title, align="left", style="dim"), _in_columns(rows, _margin(turn))
    )


def _part(part: Part, peak: float) -> tuple[str, Text]:
    if part.by_policy:
        text = Text.assemble(*(styled(token, peak) for token in part.tokens))
    else:
        text = Text("".join(token.text for token in part.tokens), "italic")
    text.remove_suffix("\n")  # a part ends its line anyway
    return "policy" if part.by_policy else "environment", text


def styled(token: Token, peak: float) -> tuple[str, str]:
    """A token of the policy with the colour of its advantage."""
    if token.advantage is None:
        return token.text, NOT_FINITE
    return token.text, style(token.advantage, peak)


def _margin(turn: Turn) -> list[tuple[str, Text]]:
    rows = [(fact.name, _said(fact)) for fact in turn.facts]
    mean = turn.mean_advantage
    if mean is not None:
        rows.append(("mean advantage", Text(signed(mean), "bold")))
    return rows


def _said(fact: Fact) -> Text:
    return Text(fact.text, "bold" if fact.applies else "dim italic")


def _in_columns(
    rows: Sequence[tuple[str, Text]], margin: Sequence[tuple[str, Text]]
) -> Table:
    """Who says what, and in the margin what it was worth."""
    text, notes = Table.grid(padding=(0, 1)), Table.grid(padding=(0, 1), expand=True)
    text.add_column(width=SPEAKER, style="dim", no_wrap=True)
    text.add_column(ratio=1, overflow="fold")
    notes.add_column(ratio=1, style="dim", overflow="fold")
    notes.add_column(justify="right", no_wrap=True)
    for speaker, said in rows:
        text.add_row(speaker, said)
    for name, value in margin:
        notes.add_row(name, value)
    if not margin:
        return text
    both = Table.grid(padding=(0, 2), expand=True)
    both.add_column(ratio=1)
    both.add_column(width=MARGIN)
    both.add_row(text, notes)
    return both


def _inline(facts: Sequence[Fact]) -> Text:
    return Text("   ").join(
        Text.assemble((f"{fact.name} ", "dim"), _said(fact)) for fact in facts
    )


def _legend(peak: float) -> Text:
    """The colours from the peak below zero to the peak above, and what they mean."""
    if not peak:
        return Text("advantage 0 of every token of this step", "dim")
    return Text.assemble(
        ("advantage ", "dim"),
        f"{signed(-peak)} ",
        *blocks(peak),
        f" {signed(peak)}",
        ("  the step's largest; below 0 underlined", "dim"),
    )


def blocks(peak: float) -> Iterator[tuple[str, str]]:
    """The colours from the peak below zero to the peak above."""
    for i in range(-LEGEND, LEGEND + 1):
        yield ("0", "bold") if i == 0 else (" ", style(i / LEGEND * peak, peak))
