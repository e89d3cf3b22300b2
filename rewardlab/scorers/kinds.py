"""Scores of steps, less for the kinds of steps that a policy overuses."""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Int

from rewardlab.core.types import Rollout, SignalName
from rewardlab.reward_models.step_scores import kind_offsets
from rewardlab.scorers.passes import Maker
from rewardlab.scorers.protocol import Context, Scorer, Setting
from rewardlab.scorers.steps import exists


def offset_common_kinds(
    *kinds: str,
    read: SignalName = "prm",
    signal: SignalName = "offset_prm",
    strength: float = 0.1,
    most: float = 0.3,
    prior: tuple[float, ...] = (),
) -> Maker:
    """`offset_prm` [N, S]: prm + clip(-strength log(P / Q), -most, most), by the kind.

    The kind of a step is that of `kinds`, each a token, which comes first in what the
    policy wrote of it; a step without one has no offset. P is a kind's share of the
    batch's steps that have one, Q its share in `prior`; () is as much for each. So a
    kind that the policy turns to too often scores less there. (FinePO, arXiv
    2601.05688, whose shares are of several batches)

    offset_common_kinds('+', '-'): 9 steps of 10 with + -> -0.1 log 1.8 for them
    """
    shares = prior or (1 / max(len(kinds), 1),) * len(kinds)
    if not kinds or len(shares) != len(kinds):
        raise ValueError(
            f"offset_common_kinds has kinds={kinds!r} and prior={prior!r}; name the "
            "kinds, and give a share for each of them or none"
        )

    def make(setting: Setting) -> Scorer:
        def score(
            state: Any, context: Context, rollout: Rollout, batch: Any
        ) -> dict[str, Array]:
            value = rollout.signal(read)
            ids = _tokens(setting, kinds)
            kind = kind_of_steps(rollout, ids, value.shape[1])
            own = kind[..., None] == jnp.arange(len(kinds))
            count = jnp.sum(own, axis=(0, 1))
            policy = count / jnp.maximum(jnp.sum(count), 1)
            asked = jnp.asarray(shares) / sum(shares)
            offset = kind_offsets(policy, asked, strength, most)
            valid = rollout.signals.get(f"{read}_valid", exists(rollout))
            found = value + jnp.sum(jnp.where(own, offset, 0), axis=-1)
            return {signal: jnp.where(valid, found, 0), f"{signal}_valid": valid}

        name = f"offset_{signal}"
        return Scorer(name, {signal: "NS"}, (read,), "batch", score)

    return make


def kind_of_steps(rollout: Rollout, ids: list[int], steps: int) -> Int[Array, "N S"]:
    """The place in `ids` of the first of them that the policy wrote there, or -1."""
    rows, width = rollout.tokens.shape
    same = rollout.tokens[..., None] == jnp.asarray(ids)
    known = jnp.any(same, axis=-1) & rollout.mask
    step = jnp.where(known, rollout.step, steps)
    place = jnp.broadcast_to(jnp.arange(width), known.shape)
    none = jnp.full((rows, steps), width)
    first = none.at[jnp.arange(rows)[:, None], step].min(place, mode="drop")
    at = jnp.minimum(first, width - 1)
    kind = jnp.take_along_axis(jnp.argmax(same, axis=-1), at, axis=1)
    return jnp.where(first < width, kind, -1)


def _tokens(setting: Setting, kinds: tuple[str, ...]) -> list[int]:
    coded = [setting.tokenizer.encode(kind) for kind in kinds]
    if long := [k for k, ids in zip(kinds, coded, strict=True) if len(ids) != 1]:
        raise ValueError(
            f"offset_common_kinds: {long[0]!r} is not one token of the tokenizer; name "
            "a kind of step by one"
        )
    return [ids[0] for ids in coded]
