"""`rewardlab audit`: a sentence's gradient and credit beside the exact ones."""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from rewardlab.audits import exact
from rewardlab.audits.drawn import DRAWERS, extra_turns, turns_of_a_row
from rewardlab.audits.facts import Facts, facts_of
from rewardlab.audits.made_by import OTHERWISE
from rewardlab.audits.paid import (
    Payer,
    every_batch,
    makers_of,
    per_outcome,
    sampled,
)
from rewardlab.audits.process import enumerated
from rewardlab.audits.scores import (
    Credit,
    Direction,
    Noise,
    Sample,
    cosine_of_mean,
    credit,
    direction,
    expected_by_action,
    gradients,
    noise,
    uncertain,
)
from rewardlab.audits.world import WORLDS, World
from rewardlab.methods import method_of, resolve

ROWS = 8  # of a prompt
LISTED = 1 << 15  # batches that are all listed
BATCHES, DRAWS, IN_ALL = 2048, (16, 256), 1 << 14
BUDGET = 32  # batches of a method without restarts


class Optimum(NamedTuple):
    """The best policy for the expected shaped return, in truth."""

    best: float  # success of the best policy there is
    kept: float  # success of the one that is best for the shaped return

    @property
    def changed(self) -> bool:
        """Whether the shaping prefers a policy that succeeds less often."""
        return self.best - self.kept > 1e-6


@dataclasses.dataclass(frozen=True)
class Audit:
    """What `audit` found. `str` is a table of it; fields hold the numbers.

    `error` are standard errors of `direction`, 0 where every batch was listed
    (`listed`). `budget` is the mean cosine of a gradient to the true one that took as
    many turns as 32 batches without restarts. `optimum` is None where the sentence has
    no shaped return. `paid` [S] is the mean |expected credit| of each turn.
    """

    name: str
    world: World
    makers: dict[str, str]
    direction: Direction
    error: Direction
    noise: Noise
    budget: float
    credit: Credit
    optimum: Optimum | None
    paid: np.ndarray
    gradient: np.ndarray
    cost: float  # turns of a row, restarts included, over those of the row alone
    listed: bool

    def __str__(self) -> str:
        from rewardlab.audits.table import table

        return table([self])


def audit(
    sentence: str,
    world: World | str = "plain",
    rows: int = ROWS,
    signals: Mapping[str, str] | None = None,
    **hp: Any,
) -> Audit:
    """Audits a method's name or a sentence on an enumerated decision process.

    The expected gradient is that of sum_t advantage_t log pi_t over `rows` episodes of
    each prompt, per row; loss, selection and scorers of a method take no part. Where
    there are at most 32768 batches all are listed; else each outcome is paid in the
    company of 16 to 256 drawn batches, the same ones for all outcomes.

        rewardlab.audit("rloo").direction.bias       # 0.0: leave-one-out is unbiased
        print(rewardlab.audit("grpo", world="xor"))

    `world` is one of `WORLDS` or a `World`, `signals` names other makers of signals.
    `ValueError` for what is no sentence, and for a signal that nobody makes.
    """
    if rows < 1:
        raise ValueError(f"rows={rows} leaves no episode; take 1 or more")
    if isinstance(world, str):
        if world not in WORLDS:
            raise ValueError(f"no world {world!r}; have {', '.join(WORLDS)}")
        world = WORLDS[world]
    transform = resolve(sentence, **hp)
    makers = makers_of(transform, {**OTHERWISE.get(sentence, {}), **(signals or {})})
    facts = facts_of(enumerated(world))
    with jax.enable_x64(True):
        payer = Payer(facts, transform, makers, rows)
        return _audited(_shown(sentence), payer)


def _shown(sentence: str) -> str:
    return sentence if method_of(sentence).title else " ".join(sentence.split())


def _audited(name: str, payer: Payer) -> Audit:
    facts, rng = payer.facts, np.random.default_rng(0)
    true = exact.gradient(facts.process).ravel()
    drawn = any(maker in DRAWERS for maker in payer.makers.values())
    every = None if drawn else every_batch(facts, payer.rows, LISTED)
    listed = every is not None
    batches = sampled(facts, payer.rows, BATCHES, rng) if every is None else every
    paid = payer(batches, rng)
    chance = facts.chance[batches].prod(axis=1) if listed else np.ones(BATCHES)
    sample = Sample(batches, chance / chance.sum(), paid.credit)
    each = gradients(facts, batches, paid.credit) / batches.shape[1]
    if listed:
        expected, total = _by_outcome(facts, sample, paid.total)
        steps = (sample.chance @ each)[None]
    else:
        expected, total, steps = _in_company(payer, rng)
    mean, cost = steps.mean(axis=0), _cost(facts, payer)
    count = max(1, round(BUDGET / cost))
    return Audit(
        name=name,
        world=facts.process.world,
        makers=payer.makers,
        direction=direction(mean, true),
        error=Direction(0, 0, 0) if listed else uncertain(steps, true, rng),
        noise=noise(each, sample.chance, true),
        budget=cosine_of_mean(each, sample.chance, true, count, rng),
        credit=credit(facts, expected, sample),
        optimum=None if total is None else _optimum(facts, total),
        paid=_by_turn(facts, expected),
        gradient=mean,
        cost=cost,
        listed=listed,
    )


def _by_outcome(
    facts: Facts, sample: Sample, total: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray | None]:
    """What each outcome is paid in the mean, over all batches in which it is."""
    flat = sample.batches.ravel()
    weight = np.repeat(sample.chance, sample.batches.shape[1])
    count = np.bincount(flat, weight, len(facts.episode))

    def mean(x: np.ndarray) -> np.ndarray:
        return np.bincount(flat, weight * x.ravel(), len(facts.episode)) / count

    turns = np.moveaxis(sample.credit, 2, 0)
    credits = np.stack([mean(x) for x in turns], axis=1)
    return credits, None if total is None else mean(total)


def _in_company(
    payer: Payer, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
    """The same by draws of other rows, and the expected gradient of each draw."""
    facts = payer.facts
    count = int(np.clip(IN_ALL // len(facts.episode), *DRAWS))
    draws = sampled(facts, payer.rows, count, rng)
    paid, total = per_outcome(payer, draws, rng)
    pushed = paid * facts.chance[None, :, None] / facts.process.prompts
    outcomes = np.tile(np.arange(len(facts.episode)), (count, 1))
    steps = gradients(facts, outcomes, pushed)
    return paid.mean(axis=0), None if total is None else total.mean(axis=0), steps


def _cost(facts: Facts, payer: Payer) -> float:
    own = turns_of_a_row(facts)
    return (own + extra_turns(facts, set(payer.makers.values()))) / own


def _by_turn(facts: Facts, expected: np.ndarray) -> np.ndarray:
    process = facts.process
    mean = np.abs(expected_by_action(facts, expected))
    return exact.chances(process) @ mean / process.prompts


def _optimum(facts: Facts, total: np.ndarray) -> Optimum:
    """By the expected shaped return of each episode, over its verdicts."""
    process = facts.process
    paid = np.bincount(facts.episode, facts.chance * total, len(process.prompt))
    weight = np.bincount(facts.episode, facts.chance, len(process.prompt))
    _, truth = exact.best(process, process.success)
    _, kept = exact.best(
        process, paid / weight, close=1e-9 * (1 + np.ptp(paid / weight))
    )
    return Optimum(truth, kept)
