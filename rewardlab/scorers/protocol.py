"""Scorers: whatever makes signals, as transforms are whatever makes rewards of them."""

import contextlib
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

import jax
import optax
from jaxtyping import Array, Float, Int

from rewardlab.core.types import Sum
from rewardlab.models.config import LoRA
from rewardlab.objectives.updates import ONCE, Updates

Place = Literal["sample", "shard", "batch", "host"]


class Models(dict[str, Any]):
    """Models by role; asked for one that nobody names, it says how to name it."""

    def __missing__(self, role: str) -> Any:
        raise ValueError(
            f"a scorer asks the model {role!r}, and nobody says where it lies; write "
            f"--config.models={role}=PLACE (have {', '.join(sorted(self))})"
        )


class Setting(NamedTuple):
    """What the maker of a scorer is told: Python, never traced."""

    models: dict[str, Any]  # role -> `Model`: "policy", "reference", "critic", ...
    tokenizer: Any
    sizes: dict[str, int]  # letters of shapes: N rows, S steps, T tokens, ...
    temperature: float | Float[Array, ""] = 1.0  # that completions are sampled at
    lora: LoRA | None = None  # the adapters that the policy trains, if it does
    updates: Updates = ONCE  # how often the policy learns from a rollout
    verify: Callable[..., Any] | None = None  # the task's `score`, if it has one


class Context(NamedTuple):
    """The traced arguments of a scorer, replicated on every device."""

    key: Array  # folded with the scorer's name, so that one more changes no other's
    iteration: Int[Array, ""]
    # role -> parameters: the policy's made this rollout; "reference", with which
    # training began, is there where a scorer's `roles` name it.
    params: dict[str, Any]
    hp: dict[str, Array]  # all numbers of the run, by path


def means(sums: Mapping[str, Sum]) -> dict[str, Array]:
    """Each metric as it is: the mean of its sum."""
    return {name: x.mean() for name, x in sums.items()}


class Fit(NamedTuple):
    """How a scorer learns, as data: the learner cuts, sums, divides, guards and steps.

    `loss(trained, context, rollout, batch, reward)` gives a `Sum` and metrics of sums;
    it sees the rows of a part of the batch, whole prompts, and `reward` is what the
    reward sentence makes (see `expected_reward`), None where `when` is "before".
    `report` makes numbers of the sums of the whole batch.
    """

    loss: Callable[..., Any]
    optimizer: Callable[[dict[str, Array]], optax.GradientTransformation]
    when: Literal["after", "before"] = "after"  # than its own scores
    warmup: int = 0  # iterations in which it learns and the policy does not
    updates: Updates = ONCE  # how often it learns from a rollout
    report: Callable[[Mapping[str, Sum]], dict[str, Array]] = means


class Scorer(NamedTuple):
    """A maker of signals.

    `score(state, context, rollout, batch)` gives arrays by name and changes nothing
    else; `init(context, shapes)` its state, from the shapes of a rollout only. With a
    `fit` the state is what it trains. On a "shard" the rows are those of one device,
    and `rollout.group` counts its own prompts; on the "host" the batch has its facts.
    A number in a shape is a size: "N7".
    """

    name: str  # key of its state, its metrics and its noise
    provides: dict[str, str]  # shapes in letters: {"score": "N", "prm": "NS"}
    reads: tuple[str, ...]
    place: Place
    score: Callable[..., dict[str, Array]]
    init: Callable[..., Any] = lambda context, shapes: ()
    fit: Fit | None = None
    # step(state, context, rollout): after the policy's update, for averages and stores.
    step: Callable[..., Any] | None = None
    private: tuple[str, ...] = ()  # signals that end with the program
    columns: tuple[str, ...] = ()  # of the data, that it cannot do without
    roles: tuple[str, ...] = ()  # whose parameters it reads beside the policy's
    samples: bool = False  # completions of its own, which are no episodes
    verifies: bool = False  # rows of its own, by `Setting.verify`


def context_of(context: Context, name: str) -> Context:
    """The context with a key of the scorer's own: one more changes no other's noise."""
    key = jax.random.fold_in(context.key, zlib.crc32(name.encode()))
    return context._replace(key=key)


@contextlib.contextmanager
def naming_roles(name: str, context: Context) -> Iterator[None]:
    """`ValueError` for a scorer that reads parameters which its `roles` do not name."""
    try:
        yield
    except KeyError as error:
        if error.args != ("reference",) or "reference" in context.params:
            raise
        raise ValueError(
            f"the scorer {name!r} reads the parameters of 'reference', which are kept "
            "only for scorers that say so; give it roles=('reference',)"
        ) from None
