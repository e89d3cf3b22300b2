"""No step makes a parameter, an optimizer or an estimator that is not finite."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from test_learner import bigram, make_rollout

from rewardlab import objectives
from rewardlab.core.types import RewardTransform, place
from rewardlab.learning.learner import Parts, gradient_step, learner
from rewardlab.learning.parallel import jit_driver
from rewardlab.runs.builders import build_optimizer
from rewardlab.runs.config import default_config

OBJECTIVE = objectives.objective(
    objectives.clipped(0.2), aggregate=objectives.token_mean()
)


class Count(NamedTuple):
    seen: Any


def blows_up(where: str) -> optax.GradientTransformation:
    """A finite gradient goes in; an update or a state that is infinite comes out."""

    def update(grads: Any, state: Count, params: Any = None) -> tuple[Any, Count]:
        inf = jnp.float32(jnp.inf)
        grads = jax.tree.map(lambda g: g * inf if where == "update" else g, grads)
        return grads, Count(state.seen + (inf if where == "state" else 1))

    return optax.GradientTransformation(lambda _: Count(jnp.zeros(())), update)


@pytest.mark.parametrize(("where", "skipped"), [("update", 1), ("state", 1), ("", 0)])
def test_what_a_step_makes_must_be_finite(where: str, skipped: int) -> None:
    rollout, params = make_rollout(), {"table": jnp.zeros((7, 7))}
    optimizer = blows_up(where)
    step = gradient_step(bigram, OBJECTIVE, optimizer)
    advantage = jnp.ones(rollout.mask.shape)
    opt = optimizer.init(params)
    after, opt, sums, _ = jax.jit(step)(params, opt, rollout, advantage)
    assert sums["skipped"].mean() == skipped
    assert bool(jnp.any(after["table"])) != bool(skipped)
    assert np.isfinite(after["table"]).all() and float(opt.seen) == 1 - skipped


def test_an_estimator_never_turns_nan() -> None:
    """Its state is as good as its advantage: with neither the step teaches nothing."""

    def update(rewards: Any, state: Any, rollout: Any) -> tuple[Any, Any]:
        return jnp.ones(rollout.mask.shape), {"low": state["low"], "mean": jnp.nan}

    start = {"low": jnp.float32(jnp.inf), "mean": jnp.float32(0)}  # infinite at first
    parts = Parts(
        bigram,
        RewardTransform(lambda _: start, update),
        lambda state, r: place(r.signals["correct"][:, None], r.mask),
        OBJECTIVE,
        optax.sgd(0.1),
    )
    learn = learner(lambda hp: parts, jit_driver(jax.devices()[:1]))
    params = {"table": jnp.zeros((7, 7))}
    state, report = learn.update(learn.init(params, make_rollout()), make_rollout())
    assert int(state.skipped) == 1 and bool(report.bad_rows.all())
    assert float(state.reward["mean"]) == 0 and float(state.reward["low"]) == np.inf
    assert not jnp.any(state.params["table"])


@pytest.mark.parametrize("scale", [0.0, 1.0, 1e3])
def test_a_norm_of_0_clips_nothing(scale: float) -> None:
    """As `max_grad_norm` of a trillion; equal rewards, gradients of 0, are no NaN."""
    grads = {"w": scale * jnp.array([3.0, 4.0])}
    moved = {}
    for norm in (0.0, 1e12):
        config = default_config()
        config.optim.update({"name": "sgd", "b1": 0.0, "max_grad_norm": norm})
        optimizer = build_optimizer(config)
        moved[norm], _ = optimizer.update(grads, optimizer.init(grads), grads)
    np.testing.assert_array_equal(moved[0.0]["w"], moved[1e12]["w"])
    np.testing.assert_allclose(moved[0.0]["w"], -2e-4 * grads["w"], rtol=1e-6)
