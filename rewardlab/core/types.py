"""The four records that everything else is written in."""

import contextlib
import contextvars
import dataclasses
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from rewardlab.core.reward import Reward as Reward
from rewardlab.core.reward import place as place
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
DRAWS = "what a word draws at random follows from it"
Seed = Annotated[int, STATIC, DRAWS]
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
