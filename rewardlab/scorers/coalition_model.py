"""A reward model that is asked about parts of a row, and what each part is worth."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from rewardlab.core.evaluations import each
from rewardlab.core.types import Rollout, Static
from rewardlab.data.batch import Batch
from rewardlab.reward_models.coalitions import (
    Nesting,
    Shares,
    asked,
    draw_orders,
    over_orders,
    owen,
)
from rewardlab.scorers.pair_fit import Learning, scorer_of
from rewardlab.scorers.pair_losses import bradley_terry
from rewardlab.scorers.passes import Maker
from rewardlab.scorers.preferences import Preference, sampled
from rewardlab.scorers.protocol import Context, Scorer, Setting
from rewardlab.scorers.reading import Trunk, base_trunk
from rewardlab.scorers.steps import columns

MOST = 1024  # passes over a row
_ORDERS = 2**31 - 1  # folded into a scorer's key: the orders in which parts join


def coalition_model(
    parts: Static[int] = 4,
    blocks: Static[int] = 1,
    orders: Static[int] = 0,
    pairs: Preference | None = None,
    trunk: Trunk | None = None,
    warmup: Static[int] = 50,
) -> Maker:
    """As `reward_model`, and `shapley` [N, S]: what each part of a row adds to its
    score, on average over the orders in which parts can join.

    The row's steps are gathered into at most `parts` neighbouring parts; the model
    reads the row with subsets of them, in their order. A part's worth stands on its
    last step, 0 on its others; the sum is the score of the row less that of an empty
    one. All 2^parts subsets give the Shapley value. With `blocks` above 1 neighbours
    are gathered into as many blocks, those of a block again, down to single parts, and
    the parts of a block join one after another: Owen values, of about 2/3 parts^2
    passes where blocks are 2. (SCAR, arXiv 2505.20417: the method `scar`)

    With `orders` above 0, an even number, that many orders are drawn for an iteration,
    the same for all rows, each second the first's reverse, and a part is paid its mean
    over these: orders (parts - 1) + 2 passes. The mean is the exact value, and each
    order alone adds up. `ValueError` where exact values take more than 1024 passes.

    coalition_model(2): scores of none, first, second, both 0, 1, 1, 4 -> 2, 2
    """
    made = Learning(pairs or sampled(), bradley_terry(), warmup)
    nesting = in_blocks(parts, blocks)
    problem = refused(parts, blocks, orders)
    if problem:
        raise ValueError(f"coalition_model: {problem}")
    exact = None if orders else owen(nesting)

    def make(setting: Setting) -> Scorer:
        reader = (trunk or base_trunk())(setting, 1)

        def score(
            state: Any, context: Context, rollout: Rollout, batch: Batch
        ) -> dict[str, Array]:
            part = parts_of(rollout, parts)

            def of(there: Bool[Array, " parts"]) -> Float[Array, " N"]:
                kept = rollout.valid & there[jnp.maximum(part, 0)]
                return reader.read(state, context, with_only(kept, rollout)).score[0]

            game = exact or drawn(context.key, orders, nesting)
            worth = each(of, jnp.asarray(game.coalitions)).T
            share = game.of(worth)
            return {"score": worth[:, -1], "shapley": on_steps(share, part, rollout)}

        told = lambda rollout: rollout.signal("score")  # noqa: E731
        provides = {"score": "N", "shapley": "NS"}
        case = (setting, made, told)
        return scorer_of("coalition_model", provides, score, reader, case)

    return make


def passes(parts: int, blocks: int, orders: int) -> int:
    """How often a row is read."""
    return orders * (parts - 1) + 2 if orders else asked(in_blocks(parts, blocks))


def refused(parts: int, blocks: int, orders: int) -> str:
    """Why a row cannot be read so; "" if it can."""
    if parts < 1 or blocks < 1:
        return f"parts={parts}, blocks={blocks}; use 1 or more of each"
    if orders < 0 or orders % 2:
        return f"orders={orders} come with their reverses; take 0 or an even number"
    often = passes(parts, blocks, orders)
    if often > MOST and not orders:
        return (
            f"parts={parts} are read {often} times with blocks={blocks}, {MOST} at "
            "most; draw some orders (orders=16), or gather parts in halves (blocks=2)"
        )
    return ""


def drawn(key: Array, orders: int, nesting: Nesting) -> Shares:
    """The shares over orders of this iteration."""
    own = jax.random.fold_in(key, _ORDERS)
    return over_orders(draw_orders(own, orders // 2, nesting))


def in_blocks(parts: int, blocks: int) -> list[Nesting]:
    """Neighbours together, in blocks of nearly equal size, and these in blocks again.

    in_blocks(4, 2) -> [[0, 1], [2, 3]]; in_blocks(4, 1) -> [0, 1, 2, 3]
    """

    def gathered(players: list[int]) -> list[Nesting]:
        n = len(players)
        if blocks == 1 or n <= blocks:
            return list(players)
        cut = [[i for i in range(n) if i * blocks // n == k] for k in range(blocks)]
        return [gathered([players[i] for i in own]) for own in cut]

    return gathered(list(range(parts)))


def parts_of(rollout: Rollout, parts: int) -> Int[Array, "N T"]:
    """The part of each token: part k of P has the steps s with s P // S = k, of S."""
    count = jnp.max(jnp.where(rollout.valid, rollout.step, -1), axis=1) + 1
    number = jnp.maximum(rollout.step, 0) * parts
    return jnp.minimum(number // jnp.maximum(count[:, None], parts), parts - 1)


def with_only(kept: Bool[Array, "N T"], rollout: Rollout) -> Rollout:
    """The rows with these tokens alone, in their order and without gaps."""
    order = jnp.argsort(~kept, axis=1, stable=True)
    take = lambda x: jnp.take_along_axis(jnp.asarray(x), order, axis=1)  # noqa: E731
    there = take(kept)
    return dataclasses.replace(
        rollout,
        tokens=jnp.where(there, take(rollout.tokens), 0),
        mask=there & take(rollout.mask),
        valid=there,
        step=jnp.where(there, take(rollout.step), -1),
        logp=jnp.where(there, take(rollout.logp), 0),
    )


def on_steps(
    share: Float[Array, "N parts"], part: Int[Array, "N T"], rollout: Rollout
) -> Float[Array, "N S"]:
    """Each part's share in the column of the last step that it has, 0 in others."""
    width = columns(rollout)
    step = jnp.arange(width)
    here = rollout.mask[:, None] & (rollout.step[:, None] == step[:, None])
    of = jnp.max(jnp.where(here, part[:, None], -1), axis=2)
    after = jnp.pad(of[:, 1:], ((0, 0), (0, 1)), constant_values=-1)
    last = (of >= 0) & (of != after)
    found = jnp.take_along_axis(share, jnp.maximum(of, 0), axis=1)
    return jnp.where(last, found, 0)
