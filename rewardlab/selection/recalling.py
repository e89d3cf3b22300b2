"""SPEAR's replay: groups of the past in the places of prompts that are dropped."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from rewardlab.core import masked
from rewardlab.core.intervals import need
from rewardlab.core.types import Rollout, Static
from rewardlab.selection import replay
from rewardlab.selection.brings import (
    Brings,
    Entered,
    Learnt,
    Told,
    empty,
    own_rows,
    rows_of,
    with_prompts,
    with_rows,
)
from rewardlab.selection.groups import group_mean

Taken = tuple[Int[Array, " B"], Bool[Array, " B"]]


@dataclasses.dataclass(frozen=True)
class Recall(Brings):
    """See `recall`."""

    groups: int
    most: int

    def init(self, shapes: Rollout, arrays: Mapping[str, Any], problems: int) -> Any:
        prompts, n = shapes.prompts.shape[0], shapes.mask.shape[0]
        rows = empty(rows_of(shapes), self.groups * (n // prompts))
        return {
            "rows": _grouped(rows, self.groups),
            "reward": jnp.zeros((self.groups, n // prompts)),
            "arrays": empty(dict(arrays), self.groups),
            "born": jnp.full(self.groups, -1, jnp.int32),
            "next": jnp.zeros((), jnp.int32),
            "means": jnp.zeros((self.most + 1, prompts)),
            "seen": jnp.zeros((), jnp.int32),  # iterations, of which means are there
        }

    def enter(
        self,
        state: Any,
        told: Told,
        rollout: Rollout,
        arrays: dict[str, Array],
        dropped: Bool[Array, " B"],
    ) -> Entered:
        worth = self._worth(state)
        good = (worth > 0) & jnp.any(state["rows"]["mask"], axis=2)
        born = state["born"]
        young = (born >= 0) & replay.fresh(born, told.iteration, self.most)
        entry, taken = _in_turn(told.key, young & jnp.any(good, axis=1), dropped)
        rows = jax.tree.map(lambda x: _flat(x[entry]), state["rows"])
        rows["mask"] &= _flat(good[entry])[:, None]
        where = taken[rollout.group]
        marks = {"born": born[entry][rollout.group], "recalled": _flat(worth[entry])}
        marks["recalled_valid"] = _flat(good[entry])

        def put(new: Array, old: Array) -> Array:
            there = taken.reshape(-1, *[1] * (old.ndim - 1))
            return jnp.where(there, new[entry], old)

        others = {k: put(x, arrays[k]) for k, x in state["arrays"].items()}
        rollout = with_rows(rollout, where, rows, **marks)
        asked = others["prompts"], others["prompt_mask"]
        return Entered(with_prompts(rollout, *asked), arrays=others)

    def store(
        self,
        state: Any,
        told: Told,
        rollout: Rollout,
        arrays: dict[str, Array],
        learnt: Learnt,
    ) -> Any:
        own, prompts = own_rows(rollout), rollout.prompts.shape[0]
        group = jnp.where(own, rollout.group, prompts)
        means = group_mean(jnp.where(own, learnt.reward, 0), group, prompts + 1)
        means = jnp.where(_groups_with(own, rollout), means[:prompts], jnp.nan)
        past = (
            state["means"]
            .at[state["seen"] % len(state["means"])]
            .set(jnp.nan_to_num(means, nan=_NOBODY))
        )
        keep = own & replay.worth_storing(learnt.advantage, rollout.mask)
        some = _groups_with(keep, rollout)
        rows = rows_of(rollout, state["rows"])
        rows["mask"] &= keep[:, None]
        new = {
            "rows": _grouped(rows, prompts),
            "reward": learnt.reward.reshape(prompts, -1),
            "arrays": {k: arrays[k] for k in state["arrays"]},
            "born": jnp.broadcast_to(told.iteration, prompts),
        }
        slot = (state["next"] + jnp.cumsum(some) - 1) % self.groups
        kept = replay.remember({k: state[k] for k in new}, new, slot, some)
        follows = (state["next"] + jnp.sum(some)) % self.groups
        return {
            **kept,
            "next": follows.astype(jnp.int32),
            "means": past,
            "seen": state["seen"] + 1,
        }

    def _worth(self, state: Any) -> Float[Array, "E G"]:
        """What each stored row is worth now."""
        number = jnp.arange(len(state["means"]))[:, None]
        there = (number < state["seen"]) & (state["means"] != _NOBODY)
        past = jnp.where(there, state["means"], jnp.nan).reshape(-1)
        worth = replay.recalibrated(state["reward"].reshape(-1), past)
        return jnp.nan_to_num(worth).reshape(state["reward"].shape)


_NOBODY = -1e30  # the mean of a group without rows of its own


def recall(groups: Static[int] = 256, most: Static[int] = 10) -> Brings:
    """Groups of the past stand in for prompts that words before it drop.

    `groups` of them are kept, the rows with a mean advantage above 0 of each, and none
    comes back after `most` iterations. A row is worth r - median of the last means of
    groups, and only those above 0 come; `recalled(weight)` of the reward makes that
    their advantage. A reward of 1 where the median is 0.4 is worth 0.6. Of 64 prompts
    of which `keep_varied(share=0.75)` drops 16, up to 16 places are filled. (SPEAR,
    arXiv 2509.22601, which has them as a second loss of their own mean)
    """
    need("recall", "[1, inf)", groups=groups, most=most)
    return Recall(groups, most)


def _in_turn(key: Array, ready: Bool[Array, " E"], dropped: Bool[Array, " B"]) -> Taken:
    """An entry for each dropped place, none twice, from a random one on; and whether
    there is one. One number is drawn, however large the store."""
    count = jnp.sum(ready)
    order = jnp.argsort(~ready, stable=True)  # those that are ready come first
    start = jnp.floor(jax.random.uniform(key) * count).astype(jnp.int32)
    rank = jnp.cumsum(dropped) - 1
    entry = order[(start + rank) % jnp.where(count > 0, count, 1)]
    return entry, dropped & (rank < count)


def _groups_with(rows: Bool[Array, " N"], rollout: Rollout) -> Bool[Array, " B"]:
    return masked.group_sum(rows.astype(jnp.int32), rollout) > 0


def _grouped(rows: Any, prompts: int) -> Any:
    return jax.tree.map(lambda x: x.reshape(prompts, -1, *x.shape[1:]), rows)


def _flat(x: Array) -> Array:
    return x.reshape(-1, *x.shape[2:])
