"""An episode in the terminal; where there are no colours, underlines show the sign."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from rewardlab.show.episode import Episode, Fact, Part, Token, Turn
from rewardlab.system.printable import signed

SPEAKER, MARGIN = 11, 26  # columns of text
LEGEND = 7  # blocks on each side of zero

# Black text reads on all of them, and they stand out from light and dark terminals.
# Blue and orange are told apart by colour-blind readers.
NOT_FINITE = "bold #ffffff on #b00020"
BELOW, NEUTRAL, ABOVE = (255, 150, 40), (184, 184, 184), (86, 160, 255)


def terminal(episode: Episode) -> RenderableType:
    """Header, prompt and turns, with each turn's signals in the margin."""
    title = f"{episode.run}  training step {episode.step}  row {episode.row}"
    return Group(
        Text.assemble((title, "bold"), (f"  of prompt {episode.group}", "dim")),
        _inline(episode.facts),
        _legend(episode.peak),
        Rule("prompt", align="left", style="dim"),
        _beside([("", Text(episode.prompt))], []),
        *(_turn(turn, episode) for turn in episode.turns),
    )


def _turn(turn: Turn, episode: Episode) -> RenderableType:
    rows = [_part(part, episode.peak) for part in turn.parts]
    title = f"{episode.unit} {turn.number}"
    return Group(Rule(title, align="left", style="dim"), _beside(rows, _margin(turn)))


def _part(part: Part, peak: float) -> tuple[str, Text]:
    if part.by_policy:
        text = Text.assemble(*(_styled(token, peak) for token in part.tokens))
    else:
        text = Text("".join(token.text for token in part.tokens), "italic")
    text.remove_suffix("\n")  # a part ends its line anyway
    return "policy" if part.by_policy else "environment", text


def _styled(token: Token, peak: float) -> tuple[str, str]:
    if token.advantage is None:
        return token.text, NOT_FINITE
    return token.text, _style(token.advantage, peak)


def _style(advantage: float, peak: float) -> str:
    """Straight from neutral to full, so that twice the advantage is twice as far."""
    if not advantage:
        return ""
    full, share = ABOVE if advantage > 0 else BELOW, min(abs(advantage) / peak, 1.0)
    shade = (round(n + share * (c - n)) for n, c in zip(NEUTRAL, full, strict=True))
    underline = "" if advantage > 0 else " underline"
    return "#000000 on rgb({},{},{})".format(*shade) + underline


def _margin(turn: Turn) -> list[tuple[str, Text]]:
    rows = [(fact.name, _said(fact)) for fact in turn.facts]
    mean = turn.mean_advantage
    if mean is not None:
        rows.append(("mean advantage", Text(signed(mean), "bold")))
    return rows


def _said(fact: Fact) -> Text:
    return Text(fact.text, "bold" if fact.applies else "dim italic")


def _beside(
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
        *_blocks(peak),
        f" {signed(peak)}",
        ("  the step's largest; below 0 underlined", "dim"),
    )


def _blocks(peak: float) -> Iterator[tuple[str, str]]:
    for i in range(-LEGEND, LEGEND + 1):
        yield ("0", "bold") if i == 0 else (" ", _style(i / LEGEND * peak, peak))
