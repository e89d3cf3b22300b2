"""Reward models that learn of rows: whether each is right, or how much it is worth."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float

from rewardlab.core import masked
from rewardlab.core.evaluations import at_first
from rewardlab.core.types import Rollout, SignalName, Static, Sum
from rewardlab.data.batch import Batch
from rewardlab.reward_models.bradley_terry import binary_loss, gaussian_loss
from rewardlab.scorers.pair_fit import report
from rewardlab.scorers.passes import Maker
from rewardlab.scorers.preferences import heard_of, keys_of, poisson, value_of
from rewardlab.scorers.protocol import Context, Fit, Scorer, Setting
from rewardlab.scorers.reading import Reader, Reading, Trunk, base_trunk

Each = Callable[[Reading, Array], Array]  # of K readings of N rows and labels: [K, N]


class Rows(NamedTuple):
    """What is learned of rows: the loss of each, by which label, for how long."""

    loss: Each
    label: str
    warmup: int
    resample: bool = False


def outcome_model(
    label: SignalName = "correct",
    trunk: Trunk | None = None,
    warmup: Static[int] = 50,
    signal: str = "score",
) -> Maker:
    """score = sigmoid(r(row)), the chance that the label is 1, in [0, 1]; then frozen.

    outcome_model(): r = 0 -> 0.5, r = 2 -> 0.88.

    Binary cross-entropy with the label of each row (an outcome reward model, ORM); a
    label of steps counts as its sum. For `warmup` iterations it learns and the policy
    rests.
    """

    def each(found: Reading, labels: Array) -> Array:
        return binary_loss(found.score, labels)

    rows = Rows(each, label, warmup)
    return _one("outcome_model", signal, rows, trunk or base_trunk(), jax.nn.sigmoid)


def regression_model(
    label: SignalName = "correct",
    trunk: Trunk | None = None,
    warmup: Static[int] = 50,
    signal: str = "score",
) -> Maker:
    """score = r(row), fitted to the label by (r - label)^2 / 2; then frozen.

    regression_model('prm'): rows whose steps' scores add up to 1.8 -> about 1.8.

    The unit is the label's. (HelpSteer2's regression, arXiv 2410.01257, of one
    attribute)
    """

    def each(found: Reading, labels: Array) -> Array:
        return (found.score - labels) ** 2 / 2

    rows = Rows(each, label, warmup)
    return _one("regression_model", signal, rows, trunk or base_trunk(), lambda r: r)


def gaussian_ensemble(
    k: Static[int] = 5,
    label: SignalName = "correct",
    trunk: Trunk | None = None,
    warmup: Static[int] = 50,
) -> Maker:
    """`members` [N, K] and `spread` [N, K]: means and deviations of K Gaussians.

    gaussian_ensemble(2): a row -> (0.7, 0.4), give or take (0.3, 0.5).

    Each is fitted to the label by ((label - mean) / spread)^2 / 2 + log spread, on a
    bootstrap of the rows. (BRME, arXiv 2409.15360; the loss is our reading)
    """

    def each(found: Reading, labels: Array) -> Array:
        return gaussian_loss(found.score, found.log_spread, labels)

    rows = Rows(each, label, warmup, True)

    def make(setting: Setting) -> Scorer:
        reader = (trunk or base_trunk())(setting, k)

        def score(
            state: Any, context: Context, rollout: Rollout, batch: Batch
        ) -> dict[str, Array]:
            found = reader.read(state, context, rollout)
            spread = jnp.exp(found.log_spread)
            return {"members": found.score.T, "spread": spread.T}

        told = lambda rollout: jnp.mean(rollout.signal("members"), axis=1)  # noqa: E731
        provides = {"members": "NK", "spread": "NK"}
        fit = _fit(reader, rows, told, setting)
        return _scorer("gaussian_ensemble", provides, score, reader, fit, label)

    return make


def _one(
    word: str, signal: str, rows: Rows, trunk: Trunk, link: Callable[[Array], Array]
) -> Maker:
    def make(setting: Setting) -> Scorer:
        reader = trunk(setting, 1)

        def score(
            state: Any, context: Context, rollout: Rollout, batch: Batch
        ) -> dict[str, Array]:
            return {signal: link(reader.read(state, context, rollout).score[0])}

        name = word if signal == "score" else f"{word}_{signal}"
        fit = _fit(reader, rows, lambda rollout: rollout.signal(signal), setting)
        return _scorer(name, {signal: "N"}, score, reader, fit, rows.label)

    return make


def _scorer(
    name: str,
    provides: dict[str, str],
    score: Callable[..., dict[str, Array]],
    reader: Reader,
    fit: Fit,
    label: str,
) -> Scorer:
    begin, roles = reader.begin, reader.roles
    return Scorer(name, provides, (label,), "shard", score, begin, fit=fit, roles=roles)


def _fit(
    reader: Reader, rows: Rows, told: Callable[[Rollout], Array], setting: Setting
) -> Fit:
    """Learns of the rows whose label is known while the policy rests."""

    def loss(
        trained: Any, context: Context, rollout: Rollout, batch: Batch, reward: Any
    ) -> tuple[Sum, dict[str, Sum]]:
        def learning() -> Sum:
            labels = value_of(rows.label, rollout)
            each = rows.loss(reader.read(trained, context, rollout), labels)
            weight = _weights(rows, len(each), context, rollout, batch)
            value = jnp.sum(jnp.where(weight > 0, weight * each, 0))
            return Sum(value, jnp.sum(weight) / len(each))

        nothing = lambda: Sum(jnp.zeros(()), jnp.zeros(()))  # noqa: E731
        found = at_first(context.iteration, rows.warmup, learning, nothing)
        return found, _report(rows.label, told(rollout), rollout, setting)

    return Fit(loss, lambda hp: optax.adam(reader.lr), warmup=rows.warmup)


def _weights(
    rows: Rows, members: int, context: Context, rollout: Rollout, batch: Batch
) -> Float[Array, "K N"]:
    """How often each row counts: once, or as often as a member's bootstrap has it."""
    there = labelled(rows.label, rollout)
    whole = jnp.broadcast_to(there * 1.0, (members, len(there)))
    if not rows.resample:
        return whole
    per_prompt = masked.by_prompt(there, rollout).shape[1]
    times = poisson(keys_of(context, batch), members, (per_prompt,))  # [K, B, G]
    return whole * times.reshape(members, -1)


def labelled(label: str, rollout: Rollout) -> Bool[Array, " N"]:
    """The rows that are there and whose label is known."""
    return heard_of(label, rollout) & jnp.any(rollout.valid, axis=1)


def _report(
    label: str, score: Array, rollout: Rollout, setting: Setting
) -> dict[str, Sum]:
    """As `report`, with the number of labels, and how far scores are from them."""
    found = report((label,), score, rollout, setting)
    there = labelled(label, rollout)
    batch = setting.sizes.get("B", rollout.prompts.shape[0])
    share = jnp.asarray(rollout.prompts.shape[0] / batch)
    error = masked.sum_of((score - value_of(label, rollout)) ** 2, there)
    del found["confidence"]
    return {**found, "labels": Sum(jnp.sum(there * 1.0), share), "brier": error}
