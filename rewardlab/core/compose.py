"""The algebra: how reward transforms combine into one estimator."""

from collections.abc import Callable
from typing import Annotated, Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rewardlab.core.arguments import named as named
from rewardlab.core.reward import weighted
from rewardlab.core.shapes import check_rollout, misfit
from rewardlab.core.signals.holes import abstaining, refuse_nan
from rewardlab.core.tree import PIPE, Tree
from rewardlab.core.types import (
    SIGNAL,
    Channels,
    Coefficient,
    Reward,
    RewardTransform,
    Rollout,
    Sum,
    coefficient,
    place,
    reading,
)

NoState = tuple[()]


def stateless(f: Callable[[Channels, Rollout], Channels]) -> RewardTransform:
    """Lifts a function of (rewards, rollout) to a transform without state."""
    return RewardTransform(
        lambda rollout: (), lambda rewards, state, rollout: (f(rewards, rollout), state)
    )


def per_channel(f: Callable[[Reward, Rollout], Reward]) -> RewardTransform:
    """Lifts a function of (reward, rollout); it acts on every channel alike."""

    def each(rewards: Channels, rollout: Rollout) -> Channels:
        if not rewards:
            raise ValueError(_EMPTY)
        return {name: f(reward, rollout) for name, reward in rewards.items()}

    return stateless(each)


def on_one(f: Callable[[Reward, Rollout], Reward]) -> RewardTransform:
    """Lifts a function of (reward, rollout) that acts on the only channel."""
    return running(
        lambda: (), lambda reward, state, rollout: (f(reward, rollout), state)
    )


def running(
    start: Callable[[], Any], f: Callable[[Reward, Any, Rollout], tuple[Reward, Any]]
) -> RewardTransform:
    """As `on_one`, for a function that carries a state from `start()` on."""

    def update(rewards: Channels, state: Any, rollout: Rollout) -> tuple[Channels, Any]:
        reward, state = f(only(rewards), state, rollout)
        return dict.fromkeys(rewards, reward), state

    return RewardTransform(lambda rollout: start(), update)


_EMPTY = "no reward yet; begin the sentence with a source such as outcome('correct')"


def only(rewards: Channels) -> Reward:
    """The single channel; with several, `ValueError` that names them."""
    if not rewards:
        raise ValueError(_EMPTY)
    if len(rewards) > 1:
        raise ValueError(
            f"this transform needs one channel and has {sorted(rewards)}; put "
            "weighted_sum(...) before it, or on('name', ...) around it"
        )
    return next(iter(rewards.values()))


def chain(*transforms: RewardTransform) -> RewardTransform:
    """Applies transforms in order; the state is the tuple of theirs."""

    def init(rollout: Rollout) -> tuple[Any, ...]:
        return tuple(t.init(rollout) for t in transforms)

    def update(
        rewards: Channels, state: tuple[Any, ...], rollout: Rollout
    ) -> tuple[Channels, tuple[Any, ...]]:
        new = []
        for transform, part in zip(transforms, state, strict=True):
            rewards, part = transform.update(rewards, part, rollout)
            new.append(part)
        return rewards, tuple(new)

    tree = Tree(PIPE, chain, tuple(t.tree or t for t in transforms))
    return RewardTransform(init, update, tree, transforms)


def named_chain(**transforms: RewardTransform) -> RewardTransform:
    """As `chain`, with the state in a dict whose keys name the metrics."""
    inner = chain(*transforms.values())

    def init(rollout: Rollout) -> dict[str, Any]:
        return dict(zip(transforms, inner.init(rollout), strict=True))

    def update(
        rewards: Channels, state: dict[str, Any], rollout: Rollout
    ) -> tuple[Channels, dict[str, Any]]:
        parts = tuple(state[name] for name in transforms)
        rewards, parts = inner.update(rewards, parts, rollout)
        return rewards, dict(zip(transforms, parts, strict=True))

    trees = {name: t.tree or t for name, t in transforms.items()}
    tree = Tree("named_chain", named_chain, (), trees)
    return RewardTransform(init, update, tree)


@named
def weighted_sum(**weights: Coefficient) -> RewardTransform:
    """R = sum_c w_c * r_c: several channels become one, `{"reward": R}`.

    A token has a reward where any summed channel has one: where one channel abstains it
    adds 0 (as in TRL), and a row that all abstain from has no reward. A baseline before
    the sum compares each channel with the rows that have it.
    """

    def add(rewards: Channels, rollout: Rollout) -> Channels:
        parts = [find(rewards, name) for name in weights]
        scales = [coefficient(w, rollout) for w in weights.values()]
        return {"reward": weighted(scales, parts)}

    if not weights:
        raise ValueError(
            "weighted_sum() adds nothing; write weighted_sum(correct=1, ...)"
        )
    return stateless(add)


def add_channel(rewards: Channels, name: str, reward: Reward) -> Channels:
    """With one more channel; a name that is there already is a `ValueError`."""
    if name in rewards:
        raise ValueError(f"channel {name!r} is there already; name each source once")
    return {**rewards, name: reward}


def find(rewards: Channels, name: str) -> Reward:
    """The channel of that name; else `ValueError` that lists those there are."""
    if name not in rewards:
        raise ValueError(f"no channel {name!r}; have {sorted(rewards)}")
    return rewards[name]


@named
def on(channel: str, transform: RewardTransform) -> RewardTransform:
    """Acts on one channel and leaves the others, as `optax.masked`."""

    def update(rewards: Channels, state: Any, rollout: Rollout) -> tuple[Channels, Any]:
        one = {channel: find(rewards, channel)}
        changed, state = transform.update(one, state, rollout)
        return {**rewards, channel: only(changed)}, state

    return RewardTransform(transform.init, update)


Condition = Annotated[str | Callable[[Rollout], Bool[Array, " N"]], *SIGNAL]


@named
def gate(when: Condition, transform: RewardTransform) -> RewardTransform:
    """Acts on the rows that pass `when` (a signal that is > 0, or a function).

    The transform sees all rows, so its state does not depend on the gate.
    """

    def update(rewards: Channels, state: Any, rollout: Rollout) -> tuple[Channels, Any]:
        rows = when(rollout) if callable(when) else rollout.signal(when) > 0
        changed, state = transform.update(rewards, state, rollout)
        keep = lambda new, old: jnp.where(rows[:, None], new, old)  # noqa: E731
        return jax.tree.map(keep, changed, rewards), state

    return RewardTransform(transform.init, update)


@named
def probe(name: str, measure: Callable[[Channels, Rollout], Sum]) -> RewardTransform:
    """Measures and passes through; the last measurement is the state `{name: Sum}`."""

    def init(rollout: Rollout) -> dict[str, Sum]:
        return {name: Sum(jnp.zeros(()), jnp.zeros(()))}

    def update(
        rewards: Channels, state: dict[str, Sum], rollout: Rollout
    ) -> tuple[Channels, dict[str, Sum]]:
        return rewards, {name: measure(rewards, rollout)}

    return RewardTransform(init, update)


def estimator(transform: RewardTransform) -> RewardTransform:
    """Closes a sentence: `update({}, state, rollout) -> (advantage [N, T], state)`.

    `init` runs the sentence on shapes (`jax.eval_shape`) and raises `ValueError` unless
    it ends in one channel and keeps the layout of its state. The advantage is 0
    outside the mask and wherever nothing is placed, and carries no gradient.

    Both refuse what is no rollout, and `update` a NaN in a signal that it reads; of a
    signal that may abstain, NaN is absence. Under a trace only shapes are looked at.
    """

    def init(rollout: Rollout) -> Any:
        check_rollout(rollout)
        try:
            state = transform.init(rollout)
            rewards, after = jax.eval_shape(whole, state, rollout)
        except (TypeError, ValueError) as error:
            if not (said := misfit(error)):
                raise
            text = f"{transform.sentence} does not fit this rollout: {said}"
            raise ValueError(text) from error
        only(rewards)
        if _layout(state) != _layout(after):
            raise ValueError(f"{transform.sentence} changes the layout of its state")
        return state

    def whole(state: Any, rollout: Rollout) -> tuple[Channels, Any]:
        return transform.update({}, state, abstaining(rollout))

    def update(
        rewards: Channels, state: Any, rollout: Rollout
    ) -> tuple[Float[Array, "N T"], Any]:
        check_rollout(rollout)
        rollout = abstaining(rollout)
        with reading() as read:
            rewards, state = transform.update(rewards, state, rollout)
        refuse_nan(rollout, read)
        advantage = place(only(rewards).value, rollout.mask).value
        return jax.lax.stop_gradient(advantage), jax.lax.stop_gradient(state)

    return RewardTransform(init, update, transform.tree, transform.parts)


def _layout(tree: Any) -> tuple[Any, list[tuple[Any, Any]]]:
    return jax.tree.structure(tree), [(x.shape, x.dtype) for x in jax.tree.leaves(tree)]
