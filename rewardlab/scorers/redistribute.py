"""The outcome handed to steps: networks whose numbers of a row add up to it."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float

from rewardlab.core import masked
from rewardlab.core.lookup import look_up
from rewardlab.core.reward import Reward
from rewardlab.core.types import Rollout, SignalName, Static, Sum
from rewardlab.reward_models import redistribution
from rewardlab.scorers.passes import Maker
from rewardlab.scorers.past import of_past
from rewardlab.scorers.protocol import Context, Fit, Scorer, Setting
from rewardlab.scorers.steps import keys_of_rows

Net = dict[str, Array]
Given = Float[Array, "M S"]  # what a network gives to steps
DRAWN = 4  # steps of a subset


class Rows(NamedTuple):
    """What a network of contributions learns from."""

    features: Float[Array, "M S F"]  # the first is 1 where there is a step, else 0
    outcome: Float[Array, " M"]
    keys: Array  # [M], of each row's own noise

    @property
    def mask(self) -> Bool[Array, "M S"]:
        """Which steps there are."""
        return self.features[..., 0] > 0


def _mean(given: Given, rows: Rows) -> Float[Array, " M"]:
    return redistribution.mean_error(given, rows.mask, rows.outcome)


def _sum(given: Given, rows: Rows) -> Float[Array, " M"]:
    return redistribution.sum_error(given, rows.mask, rows.outcome)


def _subset(given: Given, rows: Rows, unbiased: bool = False) -> Float[Array, " M"]:
    draw = jax.vmap(redistribution.drawn_steps, (0, 0, None))
    steps, drawn = masked.count(rows.mask), draw(rows.keys, rows.mask, DRAWN)
    return redistribution.subset_error(given, drawn, steps, rows.outcome, unbiased)


def _unbiased(given: Given, rows: Rows) -> Float[Array, " M"]:
    return _subset(given, rows, unbiased=True)


LOSSES: dict[str, Callable[[Given, Rows], Float[Array, " M"]]] = {
    "sum": _sum,
    "mean": _mean,
    "subset": _subset,
    "unbiased_subset": _unbiased,
}


def contributions(
    loss: str = "sum", lr: float = 1e-2, warmup: Static[int] = 0
) -> Maker:
    """`contribution` [N, S]: c_k = w . x_k + b, trained so that sum_k c_k = R.

    x_k are the `step_states` of step k, R is the outcome `correct`; the loss is the
    mean over rows of (sum_k c_k - R)^2, with loss='mean' of (mean_k c_k - R / K)^2. It
    is 0 where contributions add up, and before training all of them are 0. After SPA-RL
    (arXiv 2505.20732), whose head reads the logits of a model of its own.
    """
    each = look_up(loss, "loss of contributions", LOSSES)

    def init(context: Context, shapes: Rollout) -> Net:
        size = shapes.signals["step_states"].shape[-1]
        return {"w": jnp.zeros(size), "b": jnp.zeros(())}

    def give(net: Net, features: Float[Array, "M S F"]) -> Given:
        found = redistribution.linear_head(features, net["w"], net["b"])
        return jnp.where(features[..., 0] > 0, found, 0)

    def error(net: Net, context: Context, rollout: Rollout) -> tuple[Any, ...]:
        features, outcome = rollout.signal("step_states"), rollout.signal("correct")
        heard = masked.speaks(rollout, "correct")
        keys = keys_of_rows(context.key, rollout)
        rows = Rows(features, jnp.where(heard, outcome, 0), keys)
        given = give(net, rows.features)
        return each(given, rows), given, rows, heard

    fit = Fit(_summed(error), lambda hp: optax.adam(lr), warmup=warmup)
    return _maker("contributions", "step_states", init, give, fit)


def latent_reward(
    loss: str = "mean", lr: float = 3e-4, width: Static[int] = 256, even: float = 0.0
) -> Maker:
    """`contribution` [N, S]: f(z_k) of factors z_k, `step_facts`, that explain R.

    f has two hidden layers of ReLUs. The loss of a row of K steps is (mean_k f - R /
    K)^2; with loss='subset' the mean is over 4 steps drawn of it, 'unbiased_subset'
    takes off the variance which that adds, and 'sum' is that of `contributions`. `even`
    adds so many times the variance over the row's steps. It learns from this batch and
    the last ones, which `past` keeps. After LaRe (arXiv 2412.11120), whose factors are
    code that a language model wrote.
    """
    each = look_up(loss, "loss of latent_reward", LOSSES)

    def init(context: Context, shapes: Rollout) -> Net:
        sizes = (shapes.signals["step_facts"].shape[-1], width, width)
        keys = jax.random.split(context.key, 2)
        net = {"w3": jnp.zeros(width), "b3": jnp.zeros(())}
        for i, (key, size) in enumerate(zip(keys, sizes, strict=False), start=1):
            net[f"w{i}"] = (2 / size) ** 0.5 * jax.random.normal(key, (size, width))
            net[f"b{i}"] = jnp.zeros(width)
        return net

    def give(net: Net, features: Float[Array, "M S F"]) -> Given:
        inner = jax.nn.relu(features @ net["w1"] + net["b1"])
        inner = jax.nn.relu(inner @ net["w2"] + net["b2"])
        found = redistribution.linear_head(inner, net["w3"], net["b3"])
        return jnp.where(features[..., 0] > 0, found, 0)

    def error(net: Net, context: Context, rollout: Rollout) -> tuple[Any, ...]:
        (features, outcome), heard = of_past(rollout, "step_facts", "correct")
        keys = keys_of_rows(context.key, rollout, len(outcome))
        rows = Rows(features, jnp.where(heard, outcome, 0), keys)
        given = give(net, features)
        spread = redistribution.spread(given, rows.mask)
        return each(given, rows) + even * spread, given, rows, heard

    fit = Fit(_summed(error), lambda hp: optax.adam(lr))
    more = ("past_step_facts", "past_correct")
    return _maker("latent_reward", "step_facts", init, give, fit, more)


def _maker(
    name: str,
    features: str,
    init: Callable[[Context, Rollout], Net],
    give: Callable[[Net, Array], Given],
    fit: Fit,
    more: tuple[str, ...] = (),
) -> Maker:
    def make(setting: Setting) -> Scorer:
        def score(
            state: Net, context: Context, rollout: Rollout, batch: Any
        ) -> dict[str, Array]:
            return {"contribution": give(state, rollout.signal(features))}

        reads = (features, "correct", *more)
        return Scorer(name, {"contribution": "NS"}, reads, "shard", score, init, fit)

    return make


def _summed(error: Callable[..., tuple[Any, ...]]) -> Callable[..., Any]:
    """A mean over rows with an outcome and a step, and how far their sums are off."""

    def loss(
        net: Net, context: Context, rollout: Rollout, batch: Any, reward: Reward
    ) -> tuple[Sum, dict[str, Sum]]:
        errors, given, rows, heard = error(net, context, rollout)
        there = heard & jnp.any(rows.mask, axis=1)
        off = jnp.abs(masked.total(given, rows.mask) - rows.outcome)
        return masked.sum_of(errors, there), {"off": masked.sum_of(off, there)}

    return loss


def prefix_differences(
    read: SignalName = "prm", start: float = 0.0, beta: float = 1.0
) -> Maker:
    """`contribution` [N, S]: c_k = s_k - s_{k-1}, by what a step moves a score.

    s_k is the signal that it reads, a score of the prefix that ends with step k, and
    s_{-1} is `start`: contributions add up to the last score less `start`, exactly.
    Steps that the score leaves out get 0. With `beta` it is beta of that, and 1 - beta
    of the last score at the last step. After RED (arXiv 2411.08302), which does so
    token by token.

    (0.5, 0.9, 0.2), start 0.5 -> (0, 0.4, -0.7)
    """

    def make(setting: Setting) -> Scorer:
        def score(
            state: Any, context: Context, rollout: Rollout, batch: Any
        ) -> dict[str, Array]:
            value = rollout.signal(read)
            valid = masked.speaks(rollout, read)
            valid = jnp.broadcast_to(valid.reshape(len(value), -1), value.shape)
            first = jnp.full(len(value), start)
            found = redistribution.prefix_differences(value, first, valid, beta)
            return {"contribution": found}

        provides = {"contribution": "NS"}
        return Scorer("prefix_differences", provides, (read,), "shard", score)

    return make
