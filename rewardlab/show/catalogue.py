"""METHODS as pages that people read: `python -m rewardlab.show.catalogue` writes them.

`docs/methods.md` has every row whole; the README has one line a row.
"""

import ast
import inspect
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from rewardlab.core.grammar import parse, pipe
from rewardlab.methods import IDEAS, LAWS, METHODS, Method
from rewardlab.methods.method import ALWAYS
from rewardlab.methods.taxonomy import place_of
from rewardlab.objectives import (
    AGGREGATIONS,
    APART,
    MASKS,
    SURROGATES,
    TERMS,
    spelled,
)
from rewardlab.objectives.kl import KL_ESTIMATORS
from rewardlab.objectives.updates import WORDS
from rewardlab.scorers.makers import counts, making
from rewardlab.selection.words import SELECTORS
from rewardlab.show.place import said_of
from rewardlab.show.signals_page import made_text, signals_page

VERIFIED = {
    "code": "the authors' code",
    "paper": "the paper's text",
    "secondary": "a secondary source",
    "abstract": "the abstract only",
    "guess": "guesses, in part",
    "": "nothing published",
}
# Between these the README has its table.
BEGIN = "<!-- methods: python -m rewardlab.show.catalogue -->"
END = "<!-- end of methods -->"
TELLING = tuple(law for law in LAWS if law not in ALWAYS)
PAGE = """# Methods

{count} rows, sorted by idea. `rewardlab.resolve(name)` builds one,
`--config.reward=name` trains on it, `rewardlab explain name` shows it at work on a
small rollout, and `rewardlab methods WORD ...` finds rows in the terminal. This page is
written by `python -m rewardlab.show.catalogue` from the table that the code runs.

*Laws.* A row keeps these unless it says `not`: {always}. Beyond these:

{laws}

*Stopping.* The policy decides how many turns an episode has, so what is taken off every
turn is a fee for going on (verl issue 7244). The suite sums gradients exactly over all
batches of a small process. A mean over episodes, each counted once, is right, and so
are returns to go against the mean of the other rows; biased are turns centred before
they are summed (`igpo`, `igpo_separate`), returns to go against the rows that reached
the turn, means that count long episodes more often (`opo`, `process_sum`), and whatever
divides by a deviation (`grpo`, `g_ra`, `gigpo`). These rows keep the law: {stopping}. A
row without it is biased, or divides by a deviation, or was not tried: it reads more
than outcomes and rewards of steps, or is slow to compile.

*Loss* is a sentence too: the policy loss, the terms beside it, and the average, with
every number that acts; the words are in tables at the end. The KL is to the base policy
(`base/` of a run) and reads `ref_logp`. *Learns from* says which rows are kept; without
it all are. `--config.loss="clipped(epsilon=0.1) | token_mean()"` or
`--config.select=""` set a row's own aside; `--config.hp.NAME=NUMBER` changes a number
that stands under a name.

*Updates.* A row learns from each batch as often as its authors do, and once where it
says nothing. At the first update the policy is the one that sampled: every ratio is 1,
no clip acts, and most policy losses have the same gradient; they differ from the second
on. `mini_batches(16)` cuts the prompts of a batch into 16 parts, an optimizer step
each; of a batch in which a device has 8 prompts a row makes 8, the most that cut them
evenly. `--config.updates="mini_batches(4) | epochs(2)"` sets a row's own aside.

*Pays apart* is the finest unit whose parts may be paid unlike others, *family* the
survey's word for how; *place* has both, the setting, the kind and the evidence, and
what a row asks for besides sampling and learning. [credit.md](credit.md) has all
columns on one page, and what they mean.

*Checked against* names the weakest part that matters: {verified}. What is a guess
besides, `differs` says.

*Signals* are facts about completions. {alone} of {count} rows train by their name
alone, on a task that makes all they read, {trees} more with episodes that share
prefixes, and {data} on data of yours with the columns that they name; {needs} wait for
somebody to make a signal. [signals.md](signals.md) says who makes each, and what waits
for what. A text reward of that name can stand in (`--config.scorers`), or another
signal (`--config.signals=READ=MADE`).
"""


def page() -> str:
    """`docs/methods.md`: an index by idea, then every row whole."""
    always = "; ".join(LAWS[law] for law in ALWAYS)
    laws = "\n".join(f"- `{law}`: {LAWS[law]}." for law in TELLING)
    verified = "; ".join(VERIFIED.values())
    kept = [f"`{name}`" for name, m in METHODS.items() if "stopping" in m.laws]
    head = PAGE.format(
        count=len(METHODS),
        always=always,
        laws=laws,
        stopping=", ".join(kept),
        verified=verified,
        **counts(),
    )
    parts = [head]
    parts += [f"## {idea}\n\n{_index(rows)}\n" for idea, rows in IDEAS.items()]
    parts += ["# Every row\n"]
    parts += [_entry(name, method) for name, method in METHODS.items()]
    parts += ["# Losses\n", _losses()]
    return "\n".join(parts)


def short() -> str:
    """The README's table: how many rows an idea has, and which."""
    lines = ["| idea | methods |", "|---|---|"]
    for idea, rows in IDEAS.items():
        links = ", ".join(f"[{name}](docs/methods.md#{name})" for name in rows)
        lines.append(f"| {idea} ({len(rows)}) | {links} |")
    return "\n".join(lines)


def loss_text(method: Method) -> str:
    """The loss that a row goes with, with every number that acts."""
    tree = method.tree("loss")
    return spelled(tree) if tree else ""


def laws_of(method: Method) -> str:
    """The telling laws that a row keeps, and those of all that it does not."""
    kept = [law for law in TELLING if law in method.laws]
    return ", ".join(kept + [f"not {law}" for law in ALWAYS if law not in method.laws])


def _index(rows: dict[str, Method]) -> str:
    heads = (
        "method|what it believes about credit|pays apart|family|laws|checked against"
    )
    lines = [f"| {heads.replace('|', ' | ')} |", "|---" * 6 + "|"]
    for name, method in rows.items():
        cells = [
            f"[{name}](#{name})",
            method.believes,
            *place_of(name)[:2],
            laws_of(method),
            VERIFIED[method.verified],
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _losses() -> str:
    kinds = {n: f for n, f in KL_ESTIMATORS.items() if not n.endswith("+")}
    parts = [
        _words("policy loss, a token", SURROGATES.items()),
        "`A` is the advantage, `r` the ratio pi / pi_old, `sg` stops the gradient;"
        " `epsilon_high` is `epsilon` where it is not written, and `dual_clip=c` bounds"
        " a loss by -c A where A < 0.\n",
        _words("term", TERMS.items()),
        _words("mask", MASKS.items()),
        _words("`kind` of KL", kinds.items()),
        "`k1+` and `k3+` have the value of `k1` and `k3` and the gradient of `k2`.\n",
        _words("average", AGGREGATIONS.items()),
        _words("loss apart, with a count of its own", APART.items()),
        _words("learns from", SELECTORS.items()),
        _words("updates", WORDS.items()),
    ]
    return "\n".join(parts)


def _words(head: str, words: Iterable[tuple[str, Callable[..., Any]]]) -> str:
    lines = [f"| {head} | |", "|---|---|"]
    for name, word in words:
        says = (inspect.getdoc(word) or "").split("\n\n")[0].replace("\n", " ")
        lines.append(f"| `{name}` | {says.replace('|', chr(92) + '|')} |")
    return "\n".join(lines) + "\n"


def _entry(name: str, method: Method) -> str:
    return f"### {name}\n\n" + "\n".join(_lines(name, method)) + "\n"


def _lines(name: str, method: Method) -> Iterator[str]:
    link = f"[{method.arxiv}](https://arxiv.org/abs/{method.arxiv})"
    yield f"{method.title}{', ' + link if method.arxiv else ''}\n"
    yield "```python\n" + "\n| ".join(_parts(method.reward)) + "\n```\n"
    if method.hp:
        values = ", ".join(f"`{k}={v!r}`" for k, v in method.hp.items())
        yield f"- with {values}"
    yield f"- reads {', '.join(f'`{s}`' for s in method.reads)}"
    yield f"- in a run: {made_text(making(method))}"
    yield f"- place: {said_of(name)}"
    yield f"- laws: {laws_of(method) or 'none beyond those of all'}"
    yield f"- loss: `{loss_text(method)}`"
    if method.select:
        yield f"- learns from `{method.said('select')}`"
    if method.scorers:
        yield f"- scorers: `{method.scorers}`"
    if method.updates:
        yield f"- updates: `{method.said('updates')}`"
    yield f"- checked against {VERIFIED[method.verified]}"
    if method.differs:
        yield f"- differs: {method.differs}"


def _parts(sentence: str) -> Iterator[str]:
    """What stands between a sentence's pipes; those within a word stay in it."""
    for node in pipe(parse(sentence)):
        yield ast.get_source_segment(sentence, node) or ""


def main() -> None:
    """Writes the pages of methods, signals and credit, and the README's table."""
    from rewardlab.figures.looks import save, style
    from rewardlab.show import credit  # draws, and reads VERIFIED of this module

    Path("docs/methods.md").write_text(page())
    Path("docs/signals.md").write_text(signals_page())
    Path("docs/credit.md").write_text(credit.page())
    with style():  # its salt: the same figure is the same file
        save(credit.figure(), Path("docs/credit.svg"))
    readme = Path("README.md")
    before, mark, rest = readme.read_text().partition(f"{BEGIN}\n")
    _, end, after = rest.partition(f"\n{END}")
    readme.write_text(before + mark + short() + end + after)


if __name__ == "__main__":
    main()
