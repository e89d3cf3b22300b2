"""One channel of reward, and how channels combine, token by token.

Most rewards are one number a row: an outcome on its last True token, or an episode's
credit on all of them. Such a reward also keeps that number by row, and functions of one
number at a time then cost N operations instead of N T. Nobody has to know: every
function gives the same with and without it.
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from rewardlab.core.counts import count

Number = Any  # one number, under `jnp.vectorize`


class Rows(NamedTuple):
    """One number a row, on `times` tokens of each row that is placed.

    `times` is None for outcomes: at most one token a row, its last True one.
    """

    value: Float[Array, " N"]
    placed: Bool[Array, " N"]
    times: Int[Array, " N"] | None


@functools.partial(
    jax.tree_util.register_dataclass,
    data_fields=["value", "placed"],
    meta_fields=[],
    drop_fields=["_rows"],
)
@dataclasses.dataclass(frozen=True)
class Reward:
    """One channel of reward: a number on some tokens of each completion.

    `placed` says on which True tokens a reward stands; elsewhere `value` is 0. Zero is
    a value, not an absence: a step scored 0 is placed, an abstained row has nothing
    placed and stays out of every baseline.
    """

    value: Float[Array, "N T"]
    placed: Bool[Array, "N T"]
    _rows: Rows | None = None  # the same by row, where a reward was made so

    def with_value(self, value: Float[Array, "N T"]) -> "Reward":
        """The same places with other numbers; numbers elsewhere are dropped."""
        return Reward(jnp.where(self.placed, value, 0), self.placed)

    def map(self, f: Callable[..., Number], *others: "Array | Reward") -> "Reward":
        """f(r, ...) for each reward r, one number at a time; places stay.

        `others` are numbers for f beside r: a scalar, one a row [N], one a token
        [N, T], or another reward, which is 0 where it has none.

            reward.map(lambda r, mean: r - mean, mean)
        """
        f = jnp.vectorize(f, signature=",".join(["()"] * (1 + len(others))) + "->()")
        if self._rows is not None and all(_is_like(self._rows, x) for x in others):
            value = f(self._rows.value, *(_by_row(x) for x in others))
            return _on_tokens(self._rows._replace(value=value), self.placed)
        return self.with_value(f(self.value, *(_by_token(x) for x in others)))

    def keep(self, where: "Bool[Array, ' N'] | Bool[Array, 'N T']") -> "Reward":
        """Only the rewards of rows or tokens that are True in `where`."""
        if self._rows is not None and where.ndim == 1:
            rows = self._rows._replace(placed=self._rows.placed & where)
            return _on_tokens(rows, self.placed)
        return place(self.value, self.placed & _by_token(where))

    @property
    def has_value(self) -> Bool[Array, " N"]:
        """Whether anything is placed in each row."""
        return self._rows.placed if self._rows else jnp.any(self.placed, axis=1)

    @property
    def count(self) -> Int[Array, " N"]:
        """How many rewards stand in each row."""
        if self._rows is None:
            return count(self.placed)
        return self._rows.placed * (1 if (n := self._rows.times) is None else n)

    @property
    def total(self) -> Float[Array, " N"]:
        """The sum of each row."""
        if self._rows is None:
            return jnp.sum(self.value, axis=1)
        return self._rows.value * (1 if (n := self._rows.times) is None else n)

    @property
    def smallest(self) -> Float[Array, " N"]:
        """The smallest reward of each row; inf if it has none."""
        reward = self if self._rows is None else self._rows
        value = jnp.where(reward.placed, reward.value, jnp.inf)
        return value if value.ndim == 1 else jnp.min(value, axis=1)


def place(value: Float[Array, "N T"], where: Bool[Array, "N T"]) -> Reward:
    """A reward of `value` on the tokens `where`; NaN elsewhere does not leak."""
    return Reward(jnp.where(where, value, 0), where)


def place_rows(rows: Rows, where: Bool[Array, "N T"]) -> Reward:
    """One number a row on the tokens `where`, of which a row has `rows.times`.

    For `core/placed.py`, which counts them.
    """
    value = jnp.where(rows.placed, rows.value, 0)
    return _on_tokens(rows._replace(value=value), where)


def combine_any(
    f: Callable[[Array, Array], Number], rewards: Sequence[Reward]
) -> Reward:
    """f(values [K], placed [K]) on each token where any of K rewards is placed."""
    return _placed(_combine(jnp.logical_or, _stacked(f), rewards))


def combine_all(f: Callable[[Array], Number], rewards: Sequence[Reward]) -> Reward:
    """f(values [K]) on each token where all of K rewards are placed."""
    each = _stacked(lambda values, _: f(values))
    return _placed(_combine(jnp.logical_and, each, rewards))


def weighted(weights: Sequence[Any], rewards: Sequence[Reward]) -> Reward:
    """sum_c w_c r_c, placed where any reward is."""

    def add(values: list[Array], _: list[Array]) -> Array:
        return sum(w * value for w, value in zip(weights, values, strict=True))

    return _combine(jnp.logical_or, add, rewards)


def mean_over(f: Callable[[Array], Reward], xs: Float[Array, "J ..."]) -> Reward:
    """mean_j f(x_j), for a function that places the same rewards for every x."""

    def parts(x: Array) -> tuple[Reward, Rows | None]:
        reward = f(x)
        return reward, reward._rows

    reward, rows = jax.vmap(parts)(xs)
    placed = reward.placed[0]
    if rows is None:
        return place(jnp.mean(reward.value, axis=0), placed)
    first = jax.tree.map(lambda x: x[0], rows)
    return place_rows(first._replace(value=jnp.mean(rows.value, axis=0)), placed)


def _combine(
    over: Callable[[Array, Array], Array],
    f: Callable[[list[Array], list[Array]], Array],
    rewards: Sequence[Reward],
) -> Reward:
    where = functools.reduce(over, (reward.placed for reward in rewards))
    rows = rewards[0]._rows
    if rows is not None and all(_is_like(rows, reward) for reward in rewards):
        parts = [_rows_of(reward) for reward in rewards]
        placed = [part.placed for part in parts]
        value = f([part.value for part in parts], placed)
        rows = Rows(value, functools.reduce(over, placed), rows.times)
        return place_rows(rows, where)
    value = f([r.value for r in rewards], [r.placed for r in rewards])
    return Reward(value, where)


def _placed(reward: Reward) -> Reward:
    """With 0 where nothing stands, whatever a function gave there."""
    return place(reward.value, reward.placed) if reward._rows is None else reward


def _stacked(
    f: Callable[[Array, Array], Number],
) -> Callable[[list[Array], list[Array]], Array]:
    """A function of K numbers and their places as one of K arrays, place by place."""
    f = jnp.vectorize(f, signature="(k),(k)->()")
    return lambda *parts: f(*(jnp.stack(part, axis=-1) for part in parts))


def _on_tokens(rows: Rows, where: Bool[Array, "N T"]) -> Reward:
    rows = rows._replace(value=jnp.where(rows.placed, rows.value, 0))
    where = where & rows.placed[:, None]
    return Reward(jnp.where(where, rows.value[:, None], 0), where, rows)


def _is_like(rows: Rows, x: Any) -> bool:
    """Whether x is a number, one a row, or a reward on the same tokens as `rows`."""
    if isinstance(x, Reward):
        same = (x._rows.times is None) == (rows.times is None) if x._rows else False
        return same
    return jnp.ndim(x) < 2


def _rows_of(reward: Reward) -> Rows:
    assert reward._rows is not None
    return reward._rows


def _by_row(x: Any) -> Array:
    return _rows_of(x).value if isinstance(x, Reward) else x


def _by_token(x: Any) -> Array:
    if isinstance(x, Reward):
        return x.value
    return x[:, None] if jnp.ndim(x) == 1 else x
