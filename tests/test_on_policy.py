"""A rollout of the policy itself: every ratio of the first step is exactly 1."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_learner import SGD, B, G, T, V, bigram, make_rollout
from test_train import REWARD, tiny

from rewardlab import objectives
from rewardlab.core.compose import estimator
from rewardlab.core.types import Sum, place
from rewardlab.learning.learner import Parts, learner
from rewardlab.learning.parallel import jit_driver
from rewardlab.methods import sentence
from rewardlab.models import lm
from rewardlab.objectives.ratio import gap
from rewardlab.objectives.updates import ONCE, epochs
from rewardlab.runs.prepare import prepare

START = {"table": jax.random.normal(jax.random.key(0), (V, V))}


def surrogate():
    """exp(log pi - log pi_old) times the advantage, and how far a ratio is from 1."""

    def loss(stats, rollout, advantage):
        ratio = jnp.exp(gap(stats, rollout))
        far = jnp.where(rollout.mask, jnp.abs(ratio - 1), 0)
        count = jnp.sum(rollout.mask.astype(jnp.float32))
        metrics = {"far": Sum(jnp.sum(far), count)}
        return -ratio * advantage, metrics

    return loss


@functools.cache
def moved(noise, on_policy, micro_batches=1, updates=ONCE):
    """Parameters after an update on the policy's log-probs with noise, and the report.

    The noise is what a sampler of another precision makes.
    """
    rollout = make_rollout()
    rng = np.random.default_rng(1)
    exact = bigram(START, rollout).logp
    logp = exact + noise * rng.normal(size=(B * G, T)).astype(np.float32)
    rollout = dataclasses.replace(rollout, logp=logp)
    text = "outcome('correct') | center_by_group() | broadcast_to_tokens()"
    parts = Parts(
        bigram,
        estimator(sentence.build(text)),
        lambda state, r: place(r.signals["correct"][:, None], r.mask),
        objectives.objective(surrogate(), aggregate=objectives.token_mean()),
        SGD,
    )
    driver = jit_driver(jax.devices()[:1])
    learn = learner(
        lambda hp: parts, driver, updates, micro_batches, on_policy=on_policy
    )
    state, report = learn.update(learn.init(START, rollout), rollout)
    return np.asarray(state.params["table"]), report


@pytest.mark.parametrize("micro_batches", [1, 2, 4])
def test_the_first_ratio_is_exactly_one(micro_batches):
    assert float(moved(0.1, True, micro_batches)[1].metrics["far"]) == 0.0
    assert float(moved(0.1, False, 1)[1].metrics["far"]) > 0.01


@pytest.mark.parametrize("number", [1, 2])
def test_later_steps_are_compared_with_the_pass_of_the_first(number):
    table, report = moved(0.1, True, 1, epochs(number))
    wanted, exact = moved(0.0, False, 1, epochs(number))
    np.testing.assert_allclose(table, wanted, atol=1e-6)
    far = (float(x.metrics["far"]) for x in (report, exact))
    assert next(far) == pytest.approx(next(far), abs=1e-6)


def test_gspo_in_bfloat16_clips_nothing_at_its_first_step(tmp_path):
    """Its bounds are 3e-4 and 4e-4, and a sampler's bfloat16 is as coarse as 4e-3.

    So is the distance to a reference with the same parameters, in the reward, 0.
    """
    kl = "kl_penalty(0.1) | weighted_sum(prm=1, kl=1) | episode_return()"
    config = tiny(
        **{
            "reward": REWARD.replace("episode_return()", kl),
            "loss": "gspo(3e-4) | token_mean()",
            "updates": "",
            "optim.micro_batches": 2,
            "model.dtype": "bfloat16",
        }
    )
    run = prepare(config, tmp_path)
    base = run.driver.replicate(lm.init(run.program.model, run.key))
    batch = run.problems.take(np.arange(config.rollout.num_prompts)).on_device
    hp = run.program.hp
    shapes = run.program.shapes(base, batch, hp)
    state = run.program.init(base, shapes, run.key, hp)
    state = state._replace(params=jax.tree.map(jnp.copy, base))
    zero = jnp.zeros((), jnp.int32)
    case = (state, {"reference": base}, batch, run.key, zero, hp)
    _, report, rollout = run.program.iterate(*case)
    metrics = {k: float(x) for k, x in report.metrics.items()}
    assert metrics["clip_ratio/region_mean"] == metrics["ppo_kl"] == 0.0
    assert metrics["grad_norm"] > 0
    sampler, ref = (rollout.signals[k] for k in ("sampler_logp", "ref_logp"))
    np.testing.assert_array_equal(rollout.logp, ref)
    assert float(jnp.max(jnp.abs(sampler - ref))) > 1e-3
