"""The four records that everything else is written in."""

import contextlib
import contextvars
import dataclasses
import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from rewardlab.core.tree import Tree


class NoSignal(ValueError):
    """A signal that a rollout does not have."""

    def __init__(self, name: str, have: Iterable[str]) -> None:
        self.name, self.have = name, sorted(have)
        super().__init__(f"no signal {name!r}; have {self.have}")


_READ: contextvars.ContextVar[set[str] | None] = contextvars.ContextVar(
    "read", default=None
)


@contextlib.contextmanager
def reading() -> Iterator[set[str]]:
    """The names of the signals that are asked for inside; a set that fills."""
    names: set[str] = set()
    outer, token = _READ.get(), _READ.set(names)
    try:
        yield names
    finally:
        _READ.reset(token)
        if outer is not None:
            outer |= names


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Rollout:
    """N completions of T tokens to B prompts of P tokens.

    Channels live on the True tokens of `mask`, nowhere else. Masks say what True keeps.
    The sampler lays rows out prompt by prompt (rows b*G .. b*G+G-1 answer prompt b);
    estimators do not rely on that, they read `group`.
    """

    prompts: Int[Array, "B P"]  # left-padded
    prompt_mask: Bool[Array, "B P"]  # True: not padding
    group: Int[Array, " N"]  # the row of `prompts` that each completion answers
    tokens: Int[Array, "N T"]  # completion tokens: the policy's and the environment's
    mask: Bool[Array, "N T"]  # True: the policy chose this token
    valid: Bool[Array, "N T"]  # True: not padding (policy's or environment's)
    step: Int[Array, "N T"]  # step (turn) of each token, 0..S-1; -1 on padding
    logp: Float[Array, "N T"]  # nats, under the distribution that was sampled from
    signals: dict[str, Array]  # facts about the completions: [N], [N, S] or [N, T]
    iteration: Int[Array, ""]  # the clock that schedules read

    def signal(self, name: str) -> Array:
        """The signal of that name; else `NoSignal`, which lists those there are."""
        if (read := _READ.get()) is not None:
            read.add(name)
        if name not in self.signals:
            raise NoSignal(name, self.signals)
        return self.signals[name]

    def with_signals(self, **signals: Array) -> "Rollout":
        """The same rollout with more signals; a signal of the same name is replaced."""
        return dataclasses.replace(self, signals={**self.signals, **signals})


@functools.partial(
    jax.tree_util.register_dataclass,
    data_fields=["value", "placed"],
    meta_fields=[],
    drop_fields=["narrow", "times"],
)
@dataclasses.dataclass(frozen=True)
class Reward:
    """One channel of reward: a number on some tokens of each completion.

    `placed` says on which True tokens a reward stands; elsewhere `value` is 0. Zero is
    a value, not an absence: a step scored 0 is placed, an abstained row has nothing
    placed and stays out of every baseline.

    A channel with at most one reward a row, or with the same reward on every True token
    of a row, may carry the same as [N, 1] in `narrow`, so that words which do not look
    at places need not pass over all tokens. The number of a narrow reward stands in so
    many places as `times` says. They are notes for speed and no part of the pytree:
    whoever makes a reward anew leaves them out.
    """

    value: Float[Array, "N T"]
    placed: Bool[Array, "N T"]
    narrow: "Reward | None" = None
    times: "Int[Array, 'N 1'] | int" = 1

    def with_value(self, value: Float[Array, "N T"]) -> "Reward":
        """The same places with other numbers; what lies elsewhere is dropped."""
        value = jnp.where(self.placed, value, 0)
        return Reward(value, self.placed, times=self.times)

    @property
    def has_value(self) -> Bool[Array, " N"]:
        """Whether anything is placed in each row."""
        return jnp.any((self.narrow or self).placed, axis=1)

    @property
    def total(self) -> Float[Array, " N"]:
        """The sum of each row."""
        reward = self.narrow or self
        return reward.add_up(reward.value)

    def add_up(self, x: Float[Array, "N _"]) -> Float[Array, " N"]:
        """The sum of each row of `x` over the places of the reward."""
        return jnp.sum(jnp.where(self.placed, x, 0) * self.times, axis=1)


def place(value: Float[Array, "N T"], where: Bool[Array, "N T"]) -> Reward:
    """A reward of `value` on the tokens `where`; NaN elsewhere does not leak."""
    return Reward(jnp.where(where, value, 0), where)


def widen(narrow: Reward, where: Bool[Array, "N T"]) -> Reward:
    """An [N, 1] reward on the tokens `where`, `times` a row."""
    where = where & narrow.placed
    return Reward(jnp.where(where, narrow.value, 0), where, narrow)


def weighted(scales: list[Any], parts: list[Reward]) -> Reward:
    """sum_c w_c r_c, placed where any part is.

    Outcomes all stand on the last token, and what is spread over tokens on all of them.
    """
    value = sum(w * part.value for w, part in zip(scales, parts, strict=True))
    placed = functools.reduce(jnp.logical_or, (part.placed for part in parts))
    narrow = [part.narrow for part in parts if part.narrow is not None]
    kinds = {type(part.times) is int for part in narrow}
    if len(narrow) == len(parts) and len(kinds) == 1:
        row = weighted(scales, narrow)
        row = dataclasses.replace(row, times=narrow[0].times)
        return widen(row, placed)
    return Reward(value, placed)


Channels = dict[str, Reward]  # rewards by name; {} enters a sentence


class RewardTransform(NamedTuple):
    """A pure reward transform, as `optax.GradientTransformation` is for gradients.

    `init(rollout) -> state` reads shapes only. `update(rewards, state, rollout) ->
    (rewards, state)` keeps the structure of the state. `tree` is how the transform is
    written, and `parts` what it is a chain of.
    """

    init: Callable[[Rollout], Any]
    update: Callable[[Channels, Any, Rollout], tuple[Any, Any]]
    tree: Tree | None = None
    parts: tuple["RewardTransform", ...] = ()

    @property
    def sentence(self) -> str:
        """The tree as text."""
        return "<unnamed>" if self.tree is None else str(self.tree)


STATIC = "shapes the program"  # a loop's bound, an array's size: another is compiled
Kind = TypeVar("Kind")
Static = Annotated[Kind, STATIC]
SIGNAL = ("the name of a signal",)
SignalName = Annotated[
    str, *SIGNAL
]  # an argument of a word that names a signal; "" none
Table = dict[str, Callable[..., RewardTransform]]  # words that a sentence may use


class Sum(NamedTuple):
    """A mean kept as its two halves, so that adding shards and batches is exact."""

    value: Float[Array, ""]
    count: Float[Array, ""]  # type: ignore[assignment]  # hides tuple.count

    def mean(self) -> Float[Array, ""]:
        """value / count, and 0 for an empty sum."""
        return self.value / jnp.where(self.count == 0, 1, self.count)


Schedule = Callable[[Int[Array, ""]], Float[Array, ""]]
Coefficient = float | Float[Array, ""] | Schedule


def coefficient(c: Coefficient, rollout: Rollout) -> Any:
    """A coefficient's number now: schedules are read at `rollout.iteration`."""
    return c(rollout.iteration) if callable(c) else c
