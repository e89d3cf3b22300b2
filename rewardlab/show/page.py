"""An episode as one HTML file that needs nothing else; colours are in its style."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template

from rewardlab.show.episode import Episode, Fact, Part, Token, Turn
from rewardlab.system.printable import number, signed

TEMPLATE = Path(__file__).with_name("page.html")


def page(episode: Episode) -> str:
    """The text of the file; whatever a policy wrote is escaped."""
    where = f"training step {episode.step} · row {episode.row} · prompt {episode.group}"
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=escape(f"{episode.run}: {where}"),
        run=escape(episode.run),
        where=escape(where),
        facts=_facts(episode.facts),
        legend=_legend(episode.peak),
        prompt=escape(episode.prompt),
        turns="\n".join(_turn(turn, episode) for turn in episode.turns),
        table=_table(episode),
    )


def _turn(turn: Turn, episode: Episode) -> str:
    title = f"{episode.unit} {turn.number}"
    facts, mean = list(turn.facts), turn.mean_advantage
    if mean is not None:
        facts.append(Fact("mean advantage", signed(mean), True))
    parts = "\n".join(_part(part, episode.peak) for part in turn.parts)
    return (
        f'<section aria-label="{title}">\n<h2>{title}</h2>\n<div>\n{parts}\n</div>\n'
        f'<aside aria-label="rewards of {title}">{_facts(facts)}</aside>\n</section>'
    )


def _part(part: Part, peak: float) -> str:
    who = "policy" if part.by_policy else "environment"
    tokens = "".join(
        _chosen(token, peak) if part.by_policy else _observed(token)
        for token in part.tokens
    )
    return (
        f'<div class="part {who}"><span class="who">{who}</span>'
        f'<p class="said">{tokens}</p></div>'
    )


def _chosen(token: Token, peak: float) -> str:
    """A token with its colour; a touch brings its title to the foot of the page."""
    kind, style = "bad", ""
    if token.advantage is not None:
        kind = (
            "above" if token.advantage > 0 else "below" if token.advantage else "zero"
        )
        share = abs(token.advantage) / peak if peak else 0.0
        style = f' style="--a:{100 * min(share, 1.0):.1f}"' if share else ""
    title = "\n".join(f"{name} {value}" for name, value in _numbers(token).items())
    return (
        f'<span class="{kind}"{style} tabindex="-1" title="{escape(title)}">'
        f"{escape(token.text)}</span>"
    )


def _observed(token: Token) -> str:
    return f'<span title="{escape(f"token {token.id}")}">{escape(token.text)}</span>'


def _numbers(token: Token) -> dict[str, str]:
    """What is known of a token of the policy."""
    logp, advantage = token.logp, token.advantage
    return {
        "token": str(token.id),
        "logp": "not finite" if logp is None else number(logp),
        "advantage": "not finite" if advantage is None else signed(advantage),
        **token.facts,
    }


def _facts(facts: Sequence[Fact]) -> str:
    rows = "".join(
        f"<div><dt>{escape(fact.name)}</dt>"
        f"<dd class={'applies' if fact.applies else 'absent'}>"
        f"{escape(fact.text)}</dd></div>"
        for fact in facts
    )
    return f"<dl>{rows}</dl>"


def _legend(peak: float) -> str:
    if not peak:
        caption = "The advantage is 0 on every token of this step."
        return f"<figure><figcaption>{caption}</figcaption></figure>"
    return (
        '<figure><div class="scale" role="img" aria-label="colours from orange below '
        'zero to blue above"></div>'
        f'<div class="ends"><span>{signed(-peak)}</span><span>0</span>'
        f"<span>{signed(peak)}</span></div><figcaption>Advantage of the policy’s "
        "tokens, underlined below 0. The ends are the largest of all rows of this "
        "step. Point at a token, or touch it, for its numbers.</figcaption></figure>"
    )


def _table(episode: Episode) -> str:
    rows = []
    for turn in episode.turns:
        for part in turn.parts:
            for token in part.tokens:
                known = _numbers(token) if part.by_policy else {"token": str(token.id)}
                text = token.text.replace("\n", "")  # its mark is enough in a cell
                rows.append({episode.unit: str(turn.number), "text": text, **known})
    names = list(dict.fromkeys(name for row in rows for name in row))
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(row.get(n, ''))}</td>" for n in names) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
