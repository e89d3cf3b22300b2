"""Where the pairs of a reward model come from: rows of a prompt, slips, files.

    reward_model(pairs=sampled('correct', flips=0.25))

A source reads completions with the model that learns and gives `Pairs` of K members,
with the members first. Its noise is drawn by the problem's id, so that no cut of the
batch changes it.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from rewardlab.core import masked
from rewardlab.core.types import Rollout, SignalName, Sum
from rewardlab.data.batch import Batch
from rewardlab.reward_models.heron import hierarchy_label
from rewardlab.scorers.pair_losses import Pairs
from rewardlab.scorers.protocol import Context, Setting
from rewardlab.scorers.reading import Reading

Read = Callable[[Rollout], Reading]
Source = Callable[[Read, Context, Rollout, Batch], Pairs]


class Preference(NamedTuple):
    """A source of pairs: `make(setting)` gives it, and `label` is what it prefers by.

    `label` are signals, the first before the second; () where it has none.
    """

    make: Callable[[Setting], Source]
    reads: tuple[str, ...] = ()
    label: tuple[str, ...] = ("correct",)


def sampled(
    label: SignalName = "correct", then: SignalName = "", flips: float = 0.0
) -> Preference:
    """Every two rows of a prompt whose labels differ: who has the higher one is chosen.

    sampled(): correct 1, 0, 0 -> two pairs, the first row before each of the others.

    A label of steps counts as its sum: `sampled('prm')`. Where labels are equal `then`
    decides, as in HERON (arXiv 2309.02632) without tolerances. A share `flips` of the
    pairs, drawn anew each iteration, is the wrong way round (0.25 in arXiv 2310.02743).
    """
    names = (label, then) if then else (label,)

    def make(setting: Setting) -> Source:
        def source(read: Read, context: Context, rollout: Rollout, batch: Batch) -> Any:
            found = read(rollout)
            square = masked.by_prompt(found.score.T, rollout)
            score = jnp.moveaxis(square, -1, 0)  # [K, B, G]
            order = orders(names, rollout)
            keys = keys_of(context, batch)
            order = jnp.where(_both_ways(keys, order.shape[-1], flips), -order, order)
            first = masked.by_prompt(value_of(label, rollout), rollout)
            apart = jnp.abs(first[:, :, None] - first[:, None])
            equal = jnp.triu(comparable(names, rollout) & (order == 0), 1)
            pairs = _members(score, order > 0, apart, equal)
            if found.logp is None:
                return pairs
            wrote = masked.by_prompt(found.logp, rollout)[None, :, :, None]
            wrote = jnp.broadcast_to(wrote, pairs.weight.shape)
            return pairs._replace(logp=wrote)

        return source

    return Preference(make, names, names)


def siblings(label: SignalName = "correct") -> Preference:
    """Rows that share a beginning: chosen is whose branch ends better, on average.

    Two rows part at the first token whose `node` differs; each branch is worth the mean
    label of all rows in it. For trees of episodes (`rollout.branching`).
    """

    def make(setting: Setting) -> Source:
        def source(read: Read, context: Context, rollout: Rollout, batch: Batch) -> Any:
            square = masked.by_prompt(read(rollout).score.T, rollout)
            score = jnp.moveaxis(square, -1, 0)
            lead = branch_lead(label, rollout)
            equal = jnp.zeros(lead.shape, bool)
            apart = jnp.abs(lead)
            return _members(score, lead > 0, apart, equal)

        return source

    return Preference(make, (label, "node"), (label,))


def branch_lead(label: str, rollout: Rollout) -> Float[Array, "B G G"]:
    """Mean label of i's branch less that of j's where they part; 0 if they share none.

    Rows that never part, or not after a common beginning, have 0.
    """
    node, value = (
        masked.by_prompt(x, rollout)
        for x in (rollout.signal("node"), value_of(label, rollout))
    )
    own = masked.by_prompt(rollout.valid, rollout)
    both = own[:, :, None] & own[:, None]
    same = both & (node[:, :, None] == node[:, None])  # [B, G, G, T]
    parted = both & ~same
    fork = jnp.argmax(parted, axis=-1)
    heard = masked.by_prompt(heard_of(label, rollout), rollout)
    counts = same & heard[:, None, :, None]
    worth = jnp.sum(jnp.where(counts, value[:, None, :, None], 0), axis=2)
    worth = worth / jnp.maximum(jnp.sum(counts, axis=2), 1)  # [B, G, T]
    at = jnp.take_along_axis(worth[:, :, None], fork[..., None], axis=-1)[..., 0]
    lead = at - jnp.swapaxes(at, 1, 2)
    return jnp.where(jnp.any(parted, axis=-1) & (fork > 0), lead, 0)


def _members(score: Array, pair: Array, apart: Array, tie: Array) -> Pairs:
    """`Pairs` of rows i and j of K members' scores [K, B, G], the members first."""
    shape = (len(score), *pair.shape)
    wide = lambda x: jnp.broadcast_to(x * 1.0, shape)  # noqa: E731
    chosen, rejected = wide(score[..., :, None]), wide(score[..., None, :])
    return Pairs(chosen, rejected, wide(pair), wide(apart), wide(tie))


def orders(names: tuple[str, ...], rollout: Rollout) -> Int[Array, "B G G"]:
    """1 where row i of a prompt is ahead of row j, -1 behind, 0 where none decides."""
    factors = jnp.stack([value_of(name, rollout) for name in names], axis=-1)
    square = masked.by_prompt(factors, rollout)
    ahead = hierarchy_label(
        square[:, :, None], square[:, None], jnp.zeros(len(names), square.dtype)
    )
    return jnp.where(comparable(names, rollout), ahead, 0)


def comparable(names: tuple[str, ...], rollout: Rollout) -> Array:
    """Pairs of rows [B, G, G] that are there and whose labels are known."""
    there = jnp.any(rollout.valid, axis=1)
    for name in names:
        there &= heard_of(name, rollout)
    square = masked.by_prompt(there, rollout)
    return square[:, :, None] & square[:, None]


def value_of(name: str, rollout: Rollout) -> Float[Array, " N"]:
    """A signal as one number of each row: the sum of steps; 0 where it abstains."""
    found = rollout.signal(name)
    known = rollout.signals.get(f"{name}_valid")
    if known is not None:
        known = known if known.ndim == found.ndim else known[:, None]
        found = jnp.where(known, found, 0)
    return jnp.sum(found, axis=1) if found.ndim == 2 else found * 1.0


def heard_of(name: str, rollout: Rollout) -> Array:
    """The rows whose label is known; a sum of steps is."""
    known = rollout.signals.get(f"{name}_valid")
    if known is None or known.ndim == 2:
        return jnp.ones(rollout.tokens.shape[0], bool)
    return known


def keys_of(context: Context, batch: Batch) -> Array:
    """A key for each problem, by its id and the iteration."""
    ids = jnp.asarray(batch.arrays["id"])
    return jax.vmap(lambda i: jax.random.fold_in(context.key, i))(ids)


def _both_ways(keys: Array, rows: int, share: float | Array) -> Array:
    """A `share` of the pairs of each prompt [B, G, G], (i, j) with (j, i)."""
    drawn = jax.vmap(lambda key: jax.random.uniform(key, (rows, rows)))(keys) < share
    upper = jnp.triu(drawn, 1)
    return upper | jnp.swapaxes(upper, 1, 2)


def resampled(pairs: Pairs, context: Context, batch: Batch) -> Pairs:
    """Each member's own bootstrap: a pair counts as often as its sample has it."""
    members, _, *shape = pairs.weight.shape
    times = poisson(keys_of(context, batch), members, tuple(shape))
    return pairs._replace(weight=pairs.weight * times, tie=pairs.tie * times)


def poisson(
    keys: Array, members: int, shape: tuple[int, ...]
) -> Float[Array, "K B *shape"]:
    """Poisson numbers of mean 1 for each member and problem, whoever else there is.

    A sample of n with replacement has each of n things about so often.
    """

    def draw(key: Array) -> Array:
        own = jax.vmap(lambda k: jax.random.fold_in(key, k))(1 + jnp.arange(members))
        u = jax.vmap(lambda k: jax.random.uniform(k, shape))(own)
        return jnp.sum(u[..., None] > jnp.asarray(_POISSON), axis=-1) * 1.0

    return jnp.moveaxis(jax.vmap(draw)(keys), 1, 0)


# P(X <= n) of a Poisson number of mean 1; beyond 6 there is one draw in 12,000.
_POISSON = (0.36788, 0.73576, 0.91970, 0.98101, 0.99634, 0.99941, 0.99992)


def agreement(score: Float[Array, " N"], order: Int[Array, "B G G"]) -> Sum:
    """The share of pairs that scores put in the order of the labels; equal is 1/2."""
    square = score.reshape(order.shape[:2])
    lead = square[:, :, None] - square[:, None]
    won = jnp.where(lead > 0, 1.0, jnp.where(lead == 0, 0.5, 0.0))
    ahead = order > 0
    return Sum(jnp.sum(jnp.where(ahead, won, 0)), jnp.sum(ahead * 1.0))
