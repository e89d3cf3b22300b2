"""Who makes which signal, in which order: computed once, before anything compiles.

    sample -> first stage (what `select` reads) -> select -> second stage -> reward

What is read pulls in its maker, and what that reads its own; nobody writes an order.
"""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from rewardlab.scorers.protocol import Scorer

WITH = ("_valid", "_error", "_timeout")  # what goes with a signal
Reads = Mapping[str, Iterable[str]]  # by reader, as a sentence says it: signals


class Source(NamedTuple):
    """A scorer, and who brings it: "yours", "the method's", "the task's", ..."""

    whose: str
    scorer: Scorer


class Plan(NamedTuple):
    """The scorers that are asked, in order, `first` those that `select` needs."""

    first: tuple[Scorer, ...]
    second: tuple[Scorer, ...]
    made: dict[str, str]  # by signal that is wanted: the name of its scorer
    owners: dict[str, str]  # by signal that is made: likewise
    replaced: tuple[str, ...]  # sentences on signals that two could make

    @property
    def scorers(self) -> tuple[Scorer, ...]:
        """All of them, in order."""
        return self.first + self.second

    @property
    def on_host(self) -> bool:
        """Whether Python is asked between sampling and the estimate."""
        return any(scorer.place == "host" for scorer in self.scorers)

    @property
    def roles(self) -> frozenset[str]:
        """The models beside the policy whose parameters a scorer reads."""
        return frozenset(role for scorer in self.scorers for role in scorer.roles)

    def own(self, name: str, found: Mapping[str, Any]) -> dict[str, Any]:
        """What a scorer gives, without signals that another one makes."""
        return {
            signal: value
            for signal, value in found.items()
            if self.owners.get(signal, self.owners.get(base_of(signal), name)) == name
        }

    def wanted_of(self, name: str) -> frozenset[str]:
        """The signals of a scorer that somebody reads."""
        return frozenset(s for s, maker in self.made.items() if maker == name)


class Nobody(ValueError):
    """A signal that is read and that no scorer makes."""

    def __init__(self, name: str, reader: str, have: Iterable[str]) -> None:
        self.name, self.reader, self.have = name, reader, sorted(have)
        near = difflib.get_close_matches(name, self.have, n=1, cutoff=0.75)
        guess = f"did you mean {near[0]!r}? There are" if near else "there are"
        super().__init__(
            f"{reader} the signal {name!r}, and nothing makes it: {guess} "
            f"{', '.join(self.have)}"
        )


def plan(reads: Reads, sources: Sequence[Source], early: Reads | None = None) -> Plan:
    """The scorers for all that is read, each after those whose signals it reads.

    `reads` are signals by reader ("the reward 'grpo' reads"), `early` those that select
    rows. Of several makers of a signal the first of `sources` is asked. Raises `Nobody`
    for a signal without a maker, and `ValueError` for scorers that read each other or
    share a name.
    """
    _refuse_namesakes(sources)
    search = _Search(sources)
    for reader, names in (early or {}).items():
        for name in sorted(names):
            search.visit(name, reader)
    count = len(search.order)
    for reader, names in reads.items():
        for name in sorted(names):
            search.visit(name, reader)
    order = tuple(search.order)
    used = {scorer.name for scorer in order}
    said = tuple(x for x in _replaced(sources, search.made) if x[0] in used)
    sentences = tuple(sentence for _, sentence in said)
    owners = {n: s.name for n, s in search.makers.items() if s in search.order}
    return Plan(order[:count], order[count:], search.made, owners, sentences)


class _Search:
    """Depth first through what is read."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self.makers: dict[str, Scorer] = {}
        theirs: dict[str, str] = {}
        for whose, scorer in sources:
            for name in scorer.provides:
                other = self.makers.setdefault(name, scorer)
                if other is not scorer and theirs[name] == whose:
                    raise ValueError(
                        f"the signal {name!r} is made by {other.name!r} and "
                        f"{scorer.name!r}; leave one of them out"
                    )
                theirs.setdefault(name, whose)
        self.order: list[Scorer] = []
        self.made: dict[str, str] = {}
        self.path: list[str] = []

    def visit(self, name: str, reader: str) -> None:
        """Puts the maker of a signal in its place."""
        base = base_of(name)
        scorer = self.makers.get(name) or self.makers.get(base)
        if scorer is None:
            have = {base_of(signal) for signal in self.makers}
            raise Nobody(name, reader, have)
        if scorer.name in self.path:
            names = " -> ".join([*self.path, scorer.name])
            raise ValueError(
                f"scorers read each other: {names}; leave one of them out, or let it "
                "read another signal"
            )
        self.made[name] = scorer.name
        if scorer in self.order:
            return
        self.path.append(scorer.name)
        for read in scorer.reads:
            self.visit(read, f"the scorer {scorer.name!r} reads")
        self.path.pop()
        self.order.append(scorer)


def base_of(name: str) -> str:
    """The signal that `name_valid` and its like go with."""
    for suffix in WITH:
        name = name.removesuffix(suffix)
    return name


def _replaced(
    sources: Sequence[Source], made: Mapping[str, str]
) -> Iterable[tuple[str, str]]:
    """Scorers that make a signal in the place of others, with a sentence on it."""
    for name, maker in made.items():
        makers = [s for s in sources if name in s.scorer.provides]
        if len(makers) > 1 and makers[0].whose != makers[1].whose:
            mine, other = makers[:2]
            yield (
                maker,
                f"{name!r} is made by {mine.whose} {mine.scorer.name!r}, in the place "
                f"of {other.whose} {other.scorer.name!r}",
            )


def _refuse_namesakes(sources: Sequence[Source]) -> None:
    seen: dict[str, Any] = {}
    for _, scorer in sources:
        if seen.setdefault(scorer.name, scorer) is not scorer:
            raise ValueError(
                f"two scorers are called {scorer.name!r}, which is the key of their "
                "state and metrics; give one another name"
            )
