"""How a reward model learns of pairs while the policy rests, and what is told of it."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array

from rewardlab.core.evaluations import at_first
from rewardlab.core.types import Rollout, Sum
from rewardlab.data.batch import Batch
from rewardlab.scorers.pair_losses import Loss, of_members
from rewardlab.scorers.preferences import (
    Preference,
    Source,
    agreement,
    heard_of,
    orders,
    resampled,
    value_of,
)
from rewardlab.scorers.protocol import Context, Fit, Scorer, Setting
from rewardlab.scorers.reading import Reader

# Of Adam. A bias shifts all scores alike and pairs do not see it: its gradient is
# rounding, of which the usual 1e-8 would make steps of the whole rate.
EPS = 1e-6


class Learning(NamedTuple):
    """How a reward model learns: of which pairs, what, and for how many iterations.

    For `warmup` iterations the policy rests and it learns of `pairs`, from then on of
    `after`; it is frozen where that is None. With `resample` each member has its own
    bootstrap.
    """

    pairs: Preference
    loss: Loss
    warmup: int
    after: Preference | None = None
    resample: bool = False


def scorer_of(
    name: str,
    provides: dict[str, str],
    score: Callable[..., dict[str, Array]],
    reader: Reader,
    case: tuple[Setting, Learning, Callable[[Rollout], Array]],
) -> Scorer:
    """A scorer that learns as `Learning` says; the last of `case` is its own signal."""
    setting, own, told = case
    known = [own.pairs, *([own.after] if own.after else [])]
    sources = [(x.make(setting), x.label) for x in known]

    def loss(
        trained: Any, context: Context, rollout: Rollout, batch: Batch, reward: Any
    ) -> tuple[Sum, dict[str, Sum]]:
        read = lambda rows: reader.read(trained, context, rows)  # noqa: E731

        def learning(source: Source, label: tuple[str, ...]) -> Sum:
            pairs = source(read, context, rollout, batch)
            if own.resample:
                pairs = resampled(pairs, context, batch)
            loss = of_members(own.loss, pairs)
            return loss._replace(value=loss.value + nan_of(label, rollout))

        def later() -> Sum:
            frozen = len(sources) == 1
            return Sum(*jnp.zeros((2,))) if frozen else learning(*sources[1])

        first = lambda: learning(*sources[0])  # noqa: E731
        total = at_first(context.iteration, own.warmup, first, later)
        return total, report(own.pairs.label, told(rollout), rollout, setting)

    adam = lambda hp: optax.adam(reader.lr, eps=EPS)  # noqa: E731
    fit = Fit(loss, adam, warmup=own.warmup)
    reads = [name for x in known for name in (*x.reads, *x.label)]
    return Scorer(
        name,
        provides,
        tuple(dict.fromkeys(reads)),
        "shard",
        score,
        reader.begin,
        fit,
        roles=reader.roles,
    )


def nan_of(label: tuple[str, ...], rollout: Rollout) -> Array:
    """0, or NaN where a label is that is there: no order of rows would show it."""
    found = [jnp.where(heard_of(x, rollout), value_of(x, rollout), 0) for x in label]
    return 0 * sum((jnp.sum(x) for x in found), jnp.zeros(()))


def report(
    label: tuple[str, ...], score: Array, rollout: Rollout, setting: Setting
) -> dict[str, Sum]:
    """Whether scores order the rows of a prompt as labels do, and as the truth does.

    `accuracy` is the share of pairs (1/2 where scores are equal), `confidence` what the
    model says that it is: at calibration they are equal. `truth` is the accuracy on
    `correct`, if it learns of something else. `pairs` are of the whole batch.
    """
    found: dict[str, Sum] = {}
    batch = setting.sizes.get("B", rollout.prompts.shape[0])
    if label:
        order = orders(label, rollout)
        count = jnp.sum((order > 0) * 1.0)
        share = jnp.asarray(rollout.prompts.shape[0] / batch)
        lead = score.reshape(order.shape[:2])
        lead = jnp.abs(lead[:, :, None] - lead[:, None])
        sure = jnp.sum(jnp.where(order > 0, jax.nn.sigmoid(lead), 0))
        found = {"accuracy": agreement(score, order), "pairs": Sum(count, share)}
        found["confidence"] = Sum(sure, count)
    if label != ("correct",) and "correct" in rollout.signals:
        found["truth"] = agreement(score, orders(("correct",), rollout))
    return found
