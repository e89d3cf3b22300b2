"""An episode as one HTML file that needs nothing else; colours are in its style."""

import itertools
from collections.abc import Sequence
from html import escape

from markupsafe import Markup

from rewardlab.show.episode import Episode, Part, Token
from rewardlab.show.facts import Fact
from rewardlab.show.html import NOWHERE, Links, listed, navigation, shade
from rewardlab.show.rendered import rendered
from rewardlab.show.rows import Row
from rewardlab.show.worth import Worth
from rewardlab.system.printable import number, signed


def page(episode: Episode, links: Links = NOWHERE) -> str:
    """The text of the file; whatever a policy wrote is escaped."""
    where = f"training step {episode.step} · row {episode.row} · prompt {episode.group}"
    markup = {
        "facts": _facts(episode.facts),
        "legend": _legend(episode.peak),
        "links": navigation(links.around),
        "turns": "\n".join(_turn(n, episode) for n in range(len(episode.turns))),
        "siblings": _siblings(episode.siblings, links),
        "table": _table(episode),
    }
    text = {"run": episode.run, "where": where, "prompt": episode.prompt}
    made = {name: Markup(text) for name, text in markup.items()}
    title = f"{episode.run}: {where}"
    return rendered("page.html", {"title": title, **text, **made})


def _turn(n: int, episode: Episode) -> str:
    turn = episode.turns[n]
    title = f"{episode.unit} {turn.number}"
    facts, mean = list(turn.facts), turn.mean_advantage
    if mean is not None and not episode.worth:
        facts.append(Fact("mean advantage", signed(mean), True))
    parts = "\n".join(_part(part, episode.peak) for part in turn.parts)
    return (
        f'<section aria-label="{title}">\n<h2>{title}</h2>\n<div>\n{parts}\n</div>\n'
        f'<aside aria-label="rewards of {title}">{_facts(facts)}'
        f"{_worth(n, episode.worth)}</aside>\n</section>"
    )


def _worth(n: int, worth: Sequence[Worth]) -> str:
    """What each word made of a turn, as a list of words with their channels."""
    rows = []
    for word, stages in itertools.groupby(worth, lambda stage: stage.word):
        told = [stage for stage in stages if stage.told and stage.turns[n].text]
        cells = "".join(
            f"<dt>{escape(x.channel or word)}</dt>"
            f"<dd><span {shade(x.turns[n].value, x.peak)}>{escape(x.turns[n].text)}"
            "</span></dd>"
            for x in told
        )
        code = f"<code>{escape(word)}</code>" if told and told[0].channel else ""
        rows += [f"<li>{code}<dl>{cells}</dl></li>"] if cells else []
    return f'<ol class="worth">{"".join(rows)}</ol>' if rows else ""


def _siblings(rows: Sequence[Row], links: Links) -> str:
    if not rows:
        return ""
    return (
        '<section class="siblings" aria-label="other completions of the prompt">'
        f"<h2>other completions of the prompt</h2>{listed(rows, links.rows)}</section>"
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
    title = "\n".join(f"{name} {value}" for name, value in _numbers(token).items())
    return (
        f'<span {shade(token.advantage, peak)} tabindex="-1" title="{escape(title)}">'
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
