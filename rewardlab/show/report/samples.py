"""Completions of each arm at its end, with the colours of their advantages."""

import itertools
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from markupsafe import Markup, escape

from rewardlab.results.reading import RunResult
from rewardlab.show.episode import Episode, Step, Token, episode_of, read_step
from rewardlab.show.html import shade
from rewardlab.show.report.extremes import KINDS, extremes
from rewardlab.show.rows import Row
from rewardlab.system.printable import number, signed

FIRST, LAST = 240, 80  # tokens that are shown of a longer completion
PROMPT = 600  # and characters of a prompt
SHORT = 80  # tokens
NOISE = 1e-6  # of the step's largest advantage: what is left of sums that are zero

Spoken = tuple[bool, Token | int]  # whether the policy's; a number: tokens left out


class Part(NamedTuple):
    """What one speaker says without a break."""

    by_policy: bool
    html: Markup


class Sample(NamedTuple):
    """A completion as the page shows it."""

    kinds: list[str]
    row: Row
    reward: str
    advantage: str
    prompt: str
    parts: list[Part]
    where: str
    command: str  # that shows all of it


class ArmSamples(NamedTuple):
    """The samples of an arm, and why there are not more."""

    arm: str
    samples: list[Sample]
    absent: list[str]

    @property
    def short(self) -> bool:
        """Whether several fit beside one another."""
        return all(sample.row.length <= SHORT for sample in self.samples)


Found = tuple[RunResult, Step]  # where a row is from


def samples_of(cells: Mapping[str, Iterable[RunResult]]) -> list[ArmSamples]:
    """For each arm the completions of `extremes`, over the last steps of its runs."""
    return [_of_arm(arm, list(runs)) for arm, runs in cells.items()]


def _of_arm(arm: str, runs: Sequence[RunResult]) -> ArmSamples:
    rows: list[tuple[Found, Row]] = []
    absent: list[str] = []
    for run in runs:
        try:
            step = read_step(run.folder)
        except ValueError as error:
            absent.append(f"seed {run.seed}: {error}")
        else:
            rows += [((run, step), row) for row in step.rows]
    found = extremes(rows)
    if rows and not any(row.mark for _, row in rows):
        absent.append("no completion has a verdict, so none is called right or wrong")
    elif rows:
        kinds = (kind for kind in KINDS if kind.verdict and kind.name not in found)
        absent += [f"no {kind.verdict} completion was paid" for kind in kinds]
    named: dict[tuple[str, int], list[str]] = {}
    for name, ((run, _), row) in found.items():
        named.setdefault((str(run.folder), row.row), []).append(name)
    once = {(str(of[0].folder), row.row): (of, row) for of, row in found.values()}
    made = [_sample(names, *once[key]) for key, names in named.items()]
    return ArmSamples(arm, made, absent)


def _sample(kinds: list[str], of: Found, row: Row) -> Sample:
    run, step = of
    episode = episode_of(step, row.row)
    prompt = episode.prompt
    where = ["rewardlab", "show", str(run.folder)]
    return Sample(
        kinds=kinds,
        row=row,
        reward="absent" if row.reward is None else number(row.reward),
        advantage=_mean(row.advantage, step.peak),
        prompt=prompt if len(prompt) <= PROMPT else "…" + prompt[-PROMPT:],
        parts=list(parts_of(spoken_of(episode), step.peak)),
        where=f"seed {run.seed}, step {step.step}, row {row.row}",
        command=shlex.join([*where, f"--step={step.step}", f"--row={row.row}"]),
    )


def _mean(advantage: float | None, peak: float) -> str:
    if advantage is None:
        return "not finite"
    return signed(advantage if abs(advantage) > NOISE * peak else 0.0)


def spoken_of(episode: Episode) -> list[Spoken]:
    """What is said, token by token; of what is too long the beginning and the end."""
    spoken = [
        (part.by_policy, token)
        for turn in episode.turns
        for part in turn.parts
        for token in part.tokens
    ]
    left_out = len(spoken) - FIRST - LAST
    if left_out <= 0:
        return list(spoken)
    by_policy = spoken[FIRST][0]
    return [*spoken[:FIRST], (by_policy, left_out), *spoken[-LAST:]]


def parts_of(spoken: Sequence[Spoken], peak: float) -> Iterator[Part]:
    """The same as markup, each token of the policy in the colour of its advantage."""
    for by_policy, tokens in itertools.groupby(spoken, lambda x: x[0]):
        said = (_html(token, by_policy, peak) for _, token in tokens)
        yield Part(by_policy, Markup("").join(said))


def _html(token: Token | int, by_policy: bool, peak: float) -> Markup:
    if isinstance(token, int):
        return Markup('<span class="cut"> … {:,} tokens … </span>').format(token)
    if not by_policy:
        return escape(token.text)
    advantage, logp = token.advantage, token.logp
    said = "not finite" if advantage is None else signed(advantage)
    likely = "not finite" if logp is None else number(logp)
    return Markup(
        '<span {} tabindex="-1" title="advantage {}\nlogp {}">{}</span>'
    ).format(Markup(shade(advantage, peak)), said, likely, token.text)
