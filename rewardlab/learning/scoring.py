"""Scorers at work: asked in the plan's order, and fitted.

Neighbours of one place are one program, so equal forward passes in it are merged; a
scorer that asks the host stands by itself and cuts the iteration in two.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from rewardlab.core.evaluations import where
from rewardlab.core.reward import place
from rewardlab.core.signals.holes import abstaining
from rewardlab.core.types import Rollout
from rewardlab.data.batch import Batch
from rewardlab.learning.fit import of_shard
from rewardlab.learning.parallel import REPLICATED, SHARDED, SHARDED_ROLLOUT, Driver
from rewardlab.learning.scorer_fit import (
    Learned,
    Make,
    Means,
    States,
    begun,
    fitting,
    trained_of,
)
from rewardlab.scorers.plan import Plan
from rewardlab.scorers.protocol import Context, Scorer, context_of, naming_roles
from rewardlab.system.processes import agreed, fetched


class Scoring(NamedTuple):
    """The scorers of a run as functions.

    `init(context, rollout)` reads shapes; `score(states, context, rollout, batch)` adds
    signals, and learns what learns before; `fit(states, context, rollout, batch,
    reward, learns)` learns what learns after, `step(states, context, rollout)` follows
    the policy.
    """

    init: Callable[[Context, Rollout], States]
    score: Callable[..., tuple[Rollout, States, Means]]
    fit: Callable[..., tuple[States, Means]]
    step: Callable[[States, Context, Rollout], States]
    learns: bool  # whether `fit` does anything
    follows: bool  # likewise `step`
    private: tuple[str, ...]  # signals that end with the iteration
    warmup: int  # iterations in which the policy does not learn


def scoring(plan: Plan, make: Make, driver: Driver, micro_batches: int = 1) -> Scoring:
    """The scorers of a plan, which `make(hp)` gives again with numbers to be traced."""
    order = [scorer for scorer in plan.scorers if scorer.place != "sample"]
    pieces = [_piece(plan, group, make, driver) for group in _neighbours(order)]
    fits = {
        s.name: fitting(s.name, make, driver, micro_batches) for s in order if s.fit
    }
    late = [s.name for s in order if s.fit and s.fit.when == "after"]
    names = [s.name for s in order]

    def score(
        states: States, context: Context, rollout: Rollout, batch: Batch
    ) -> tuple[Rollout, States, Means]:
        means: Means = {}
        for group, ask in pieces:
            first = group[0]
            if first.fit and first.fit.when == "before":
                learnt = fits[first.name](states, context, rollout, batch, None)
                states, means = learnt[0], means | learnt[1]
            own = {s.name: trained_of(states.get(s.name, ())) for s in group}
            rollout = rollout.with_signals(**ask(own, context, rollout, batch))
        return abstaining(rollout), states, means

    def fit(
        states: States, context: Context, rollout: Rollout, batch: Batch, *told: Any
    ) -> tuple[States, Means]:
        means: Means = {}
        for name in late:
            states, more = fits[name](states, context, rollout, batch, *told)
            means |= more
        return states, means

    private = tuple(itertools.chain.from_iterable(s.private for s in plan.scorers))
    warmup = max([s.fit.warmup for s in order if s.fit], default=0)
    does = bool(late), any(s.step for s in order)
    step = _following(names, make, driver)
    return Scoring(_init_of(names, make), score, fit, step, *does, private, warmup)


def _following(
    names: list[str], make: Make, driver: Driver
) -> Callable[[States, Context, Rollout], States]:
    """What moves after the policy has: of what learns, what is trained."""

    def step(states: States, context: Context, rollout: Rollout) -> States:
        made = make(context.hp)
        for name in names:
            if (follow := made[name].step) is not None:
                was, own = states[name], context_of(context, name)
                new = follow(trained_of(was), own, rollout)
                now = driver.part(new)  # as it lay
                learns = isinstance(was, Learned)
                states = {**states, name: was._replace(params=now) if learns else now}
        return states

    return step


def _neighbours(order: Sequence[Scorer]) -> list[list[Scorer]]:
    """Runs of scorers that are one program; what learns before begins another."""
    groups: list[list[Scorer]] = []
    for scorer in order:
        apart = scorer.place == "host" or (scorer.fit and scorer.fit.when == "before")
        if groups and not apart and groups[-1][0].place == scorer.place:
            groups[-1].append(scorer)
        else:
            groups.append([scorer])
    return groups


def _piece(
    plan: Plan, group: list[Scorer], make: Make, driver: Driver
) -> tuple[list[Scorer], Callable[..., dict[str, Array]]]:
    place, names = group[0].place, [scorer.name for scorer in group]

    def ask(own: States, context: Context, rollout: Rollout, batch: Batch) -> Any:
        scorers = make(context.hp)
        found: dict[str, Array] = {}
        for name in names:
            case = (
                own[name],
                context_of(context, name),
                rollout.with_signals(**found),
                batch,
            )
            found |= plan.own(name, scorers[name].score(*case))
        return found

    def on_shard(own: States, context: Context, rollout: Rollout, batch: Batch) -> Any:
        return ask(own, context, of_shard(rollout), batch)

    if place == "host":
        (scorer,) = group

        def on_host(
            own: States, context: Context, rollout: Rollout, batch: Batch
        ) -> Any:
            # Of several processes the first asks Python, for all.
            read = fetched((context_of(context, scorer.name), rollout))
            case = own[scorer.name], *read, batch
            found = agreed(lambda: plan.own(scorer.name, scorer.score(*case)))
            return {name: jnp.asarray(x) for name, x in found.items()}

        return group, on_host
    if place == "batch":
        whole = jax.jit(ask)
        return group, lambda o, c, r, batch: whole(o, c, r, batch.on_device)
    ins = (REPLICATED, REPLICATED, SHARDED_ROLLOUT, SHARDED)
    parts = driver.spmd(on_shard, ins=ins, outs=SHARDED)
    return group, lambda o, c, r, batch: parts(o, c, r, batch.on_device)


def outline(plan: Plan, make: Make) -> Callable[[Context, Rollout, Batch], Rollout]:
    """The rollout with all signals of a plan, for its shapes: a scorer's state is made
    when what it reads is there. What they evaluate, and as they learn, is counted."""

    def gather(context: Context, rollout: Rollout, batch: Batch) -> Rollout:
        scorers, states = make(context.hp), {}
        for name in (s.name for s in plan.scorers if s.place != "sample"):
            own = context_of(context, name)
            with naming_roles(name, own), where(by=name):
                state = states[name] = scorers[name].init(own, abstaining(rollout))
                _refuse_early(scorers[name], state, own, rollout, batch)
                found = scorers[name].score(state, own, rollout, batch)
            rollout = rollout.with_signals(**plan.own(name, found))
        rollout = abstaining(rollout)
        reward = place(jnp.zeros(rollout.mask.shape), rollout.mask)
        for name, state in states.items():
            if (fit := scorers[name].fit) is not None and fit.when == "after":
                own = context_of(context, name)
                with where(by=name, times=fit.updates.epochs, program=name):
                    fit.loss(state, own, rollout, batch, reward)
        return rollout

    return gather


def _refuse_early(
    scorer: Scorer, state: Any, context: Context, rollout: Rollout, batch: Batch
) -> None:
    """`ValueError` for a scorer that would learn of a reward before it is made."""
    if scorer.fit is None or scorer.fit.when == "after":
        return
    try:
        with where(times=scorer.fit.updates.epochs, program=scorer.name):
            scorer.fit.loss(state, context, rollout, batch, None)
    except (AttributeError, TypeError) as error:
        raise ValueError(
            f"the scorer {scorer.name!r} learns before it is asked, when there is no "
            f"reward yet, and its loss reads one ({error}); write when='after'"
        ) from None


def _init_of(names: list[str], make: Make) -> Callable[[Context, Rollout], States]:
    def init(context: Context, rollout: Rollout) -> States:
        states: States = {}
        for name, scorer in make(context.hp).items():
            state = (
                scorer.init(context_of(context, name), rollout) if name in names else ()
            )
            if scorer.fit and name in names:
                state = begun(scorer.fit, state, context.hp)
            if jax.tree.leaves(state):
                states[name] = state
        return states

    return init
