"""Labels of steps that a step scorer learns from: formal, sampled or copied."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from rewardlab.core import masked
from rewardlab.core.lookup import look_up
from rewardlab.core.types import Rollout, Static
from rewardlab.reward_models import step_labels as pure
from rewardlab.scorers.passes import Maker
from rewardlab.scorers.protocol import Context, Scorer, Setting
from rewardlab.scorers.steps import exists

Labelled = tuple[Float[Array, "N S"], Bool[Array, "N S"]]  # labels, where there are


class Facts(NamedTuple):
    """What labels are made of."""

    success: Float[Array, "N S"]  # of the prefix that ends with each step
    before: Float[Array, "N S"]  # of the prefix before it
    confidence: Float[Array, " N"]  # of the bare prompt
    first: Int[Array, " N"]  # the first step without success, -1 for none
    mask: Bool[Array, "N S"]  # steps whose success is known
    outcome: Float[Array, " N"]


class Numbers(NamedTuple):
    """The kinds' own numbers: see `step_labels`."""

    threshold: Any
    tolerance: int
    least: Any


def _hard(facts: Facts, own: Numbers) -> Labelled:
    return pure.hard(facts.success), facts.mask


def _soft(facts: Facts, own: Numbers) -> Labelled:
    return facts.success, facts.mask


def _reachable(facts: Facts, own: Numbers) -> Labelled:
    return pure.reachable(facts.success, facts.mask), facts.mask


def _first_error(facts: Facts, own: Numbers) -> Labelled:
    right = pure.before_error(facts.first, facts.mask)
    return right.astype(jnp.float32), pure.up_to_error(facts.first, facts.mask)


def _search(facts: Facts, own: Numbers) -> Labelled:
    _, asked = pure.search(facts.success, facts.mask)
    return facts.success, pure.asked_for(asked, facts.mask)


def _relative(facts: Facts, own: Numbers) -> Labelled:
    left = pure.relative_progress(facts.success, facts.before)
    return (left >= own.threshold).astype(jnp.float32), facts.mask


def _tolerant(facts: Facts, own: Numbers) -> Labelled:
    success, confidence, first, mask = facts.success, *facts[2:5]
    label = pure.tolerant(success, confidence, first, mask, own.tolerance)
    right = facts.outcome[:, None] > 0.5
    return jnp.where(right, 1, label), mask & (confidence > own.least)[:, None]


SAMPLED: dict[str, Callable[[Facts, Numbers], Labelled]] = {
    "first_error": _first_error,
    "hard": _hard,
    "reachable": _reachable,
    "relative": _relative,
    "search": _search,
    "soft": _soft,
    "tolerant": _tolerant,
}
COPIED = ("last", "outcome")
READS = {
    "formal": ("step_correct",),
    **dict.fromkeys(COPIED, ("correct",)),
    **dict.fromkeys(SAMPLED, ("success", "correct")),
}


def step_labels(
    kind: str = "formal",
    noise: float = 0.0,
    balance: bool = True,
    threshold: float = 0.8,
    tolerance: Static[int] = 1,
    least: float = 0.0,
) -> Maker:
    """`step_label` [N, S] in [0, 1], with `step_label_valid`, and `step_weight` [N, S].

    By `kind`, with mc_k the share of continuations that succeed after step k (the
    signal `success`: set `rollout.continuations`):

        formal       `step_correct` of the task's checker (FoVer)
        outcome      `correct` of the row, copied to each step: an ORM as a step scorer
        last         the same on the last step alone: an ORM
        hard         1 if mc_k > 0 (Math-Shepherd)
        soft         mc_k
        reachable    1 if any mc_j > 0, j >= k (stepwise ORM of GLoRe)
        first_error  1 before the first step with mc = 0, 0 there, none later
        search       mc_k of the steps that a binary search for it asks for (OmegaPRM)
        relative     1 if mc_k / mc_{k-1} >= `threshold` (GenPRM)
        tolerant     1; min(mc_k / SC, 1) in the `tolerance` steps before the first
                     error, 0 from it on; 1 in right rows; none where SC <= `least`
                     (SCAN; SC is the success of the bare prompt)

    `noise` is the share of labels that are turned over, drawn anew each iteration. With
    `balance` both sides of 1/2 weigh as much in a batch, and one that has one side only
    weighs nothing; else every label weighs 1. Sampled kinds give `first_error` [N] (-1:
    none) and `self_confidence` [N], SC, too.
    """
    look_up(kind, "kind of step labels", READS)
    own = Numbers(threshold, tolerance, least)

    def make(setting: Setting) -> Scorer:
        def score(
            state: Any, context: Context, rollout: Rollout, batch: Any
        ) -> dict[str, Array]:
            (label, valid), more = _labelled(kind, rollout, own)
            turned = jax.random.uniform(context.key, label.shape) < noise
            label = jnp.where(turned, 1 - label, label)
            weight = _balanced(label, valid) if balance else valid.astype(jnp.float32)
            found = {"step_label": jnp.where(valid, label, 0), "step_weight": weight}
            return {**found, "step_label_valid": valid, **more}

        provides = {"step_label": "NS", "step_weight": "NS"}
        if kind in SAMPLED:
            provides |= {"first_error": "N", "self_confidence": "N"}
        names = (*provides, "step_label_valid")
        reads = READS[kind]
        return Scorer("step_labels", provides, reads, "batch", score, private=names)

    return make


def _labelled(
    kind: str, rollout: Rollout, own: Numbers
) -> tuple[Labelled, dict[str, Array]]:
    """Labels, where there are, and what else is found; none on held-out problems."""
    mask = exists(rollout)
    if kind == "formal":
        return (
            rollout.signal("step_correct"),
            _valid(rollout, "step_correct", mask),
        ), {}
    outcome = rollout.signal("correct")
    heard = _valid(rollout, "correct", mask)
    if kind in COPIED:
        copied = jnp.broadcast_to(outcome[:, None], mask.shape)
        return (copied, masked.last(heard) if kind == "last" else heard), {}
    if "success" not in rollout.signals:
        none = jnp.zeros(outcome.shape)
        found = {"first_error": none.astype(jnp.int32) - 1, "self_confidence": none}
        return (jnp.zeros(mask.shape), jnp.zeros(mask.shape, bool)), found
    chance = rollout.signal("success")
    mask = _valid(rollout, "success", mask)
    first = pure.first_error(chance[:, 1:] > 0, mask)
    facts = Facts(chance[:, 1:], chance[:, :-1], chance[:, 0], first, mask, outcome)
    found = {"first_error": first, "self_confidence": facts.confidence}
    return SAMPLED[kind](facts, own), found


def _valid(rollout: Rollout, name: str, mask: Bool[Array, "N S"]) -> Bool[Array, "N S"]:
    """Where of the mask a signal says something."""
    valid = rollout.signals.get(f"{name}_valid", jnp.ones(len(mask), bool))
    return mask & (valid[:, None] if valid.ndim == 1 else valid)


def _balanced(
    label: Float[Array, "N S"], valid: Bool[Array, "N S"]
) -> Float[Array, "N S"]:
    """1/2 over the share of the label's side; 0 everywhere if one side is empty.

    NaN where a label is NaN: a step that learns of it is skipped, and counted.
    """
    high = label > 0.5
    share = masked.mean(jnp.where(jnp.isnan(label), jnp.nan, high), valid)
    both = valid & (share != 0) & (share != 1)
    return jnp.where(both, 0.5 / jnp.where(high, share, 1 - share), 0)
