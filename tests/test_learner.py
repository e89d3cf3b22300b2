"""One gradient step is the same program on any number of devices."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from rewardlab import objectives
from rewardlab.core.compose import estimator
from rewardlab.core.types import Rollout, place
from rewardlab.learning.learner import Parts, learner
from rewardlab.learning.parallel import jit_driver, pmap_driver
from rewardlab.learning.warmup import warm_up, warmup
from rewardlab.methods import sentence
from rewardlab.models.logprobs import TokenStats
from rewardlab.objectives.updates import ONCE, epochs
from rewardlab.runs.early import early

B, G, T, V = 8, 4, 6, 7


def bigram(params, rollout):
    """log pi(token | previous token) from a table; the first follows the prompt."""
    start = jnp.repeat(
        rollout.prompts[:, -1:], rollout.tokens.shape[0] // len(rollout.prompts), 0
    )
    before = jnp.concatenate([start, rollout.tokens[:, :-1]], axis=1)
    logits = jax.nn.log_softmax(params["table"][before])
    logp = jnp.take_along_axis(logits, rollout.tokens[..., None], -1)[..., 0]
    return TokenStats(logp, -jnp.sum(jnp.exp(logits) * logits, -1))


def make_rollout(seed=0):
    """Ragged rows: the devices of a split hold very different token counts."""
    rng = np.random.default_rng(seed)
    length = np.sort(rng.integers(0, T + 1, B * G))
    mask = jnp.arange(T) < length[:, None]
    return Rollout(
        prompts=jnp.asarray(rng.integers(0, V, (B, 2))),
        prompt_mask=jnp.ones((B, 2), bool),
        group=jnp.repeat(jnp.arange(B), G),
        tokens=jnp.asarray(rng.integers(0, V, (B * G, T))),
        mask=mask,
        valid=mask,
        step=jnp.where(mask, 0, -1),
        logp=jnp.asarray(rng.normal(-2, 0.3, (B * G, T)), jnp.float32),
        signals={"correct": jnp.asarray(rng.normal(size=B * G), jnp.float32)},
        iteration=jnp.array(0),
    )


SGD = optax.sgd(0.1)
CLIPPED = objectives.clipped(0.2, 0.28, 3.0)


def train(
    driver,
    aggregate,
    micro_batches=1,
    steps=3,
    rollout=None,
    updates=ONCE,
    surrogate=CLIPPED,
):
    rollout = make_rollout() if rollout is None else rollout
    text = "outcome('correct') | center_by_group() | broadcast_to_tokens()"
    parts = Parts(
        bigram,
        estimator(sentence.build(text)),
        lambda state, r: place(r.signals["correct"][:, None], r.mask),
        objectives.objective(
            surrogate,
            objectives.entropy_bonus(0.01),
            aggregate=aggregate,
        ),
        optax.chain(optax.clip_by_global_norm(0.5), optax.adam(0.1)),
    )
    learn = learner(lambda hp: parts, driver, updates, micro_batches)
    table = jax.random.normal(jax.random.key(0), (V, V))
    state = learn.init({"table": table}, rollout)
    for _ in range(steps):
        state, report = learn.update(state, rollout)
    return np.asarray(state.params["table"]), state, report


AGGREGATES = {
    "token_mean": objectives.token_mean(),
    "sequence_mean": objectives.sequence_mean(),
    "sequence_mean_all": objectives.sequence_mean_all(),
    "sequence_sum": objectives.sequence_sum(),
    "constant": objectives.constant(T),
    "constant_non_empty": objectives.constant_non_empty(T),
}


BRIEF = ("token_mean", "constant")  # the others differ in their counts alone
CUTS = [
    pytest.param(name, marks=[] if name in BRIEF else [pytest.mark.slow])
    for name in AGGREGATES
]


@pytest.mark.parametrize("name", CUTS)
def test_three_adam_steps_agree_on_any_cut(name):
    aggregate = AGGREGATES[name]
    one = train(jit_driver(jax.devices()[:1]), aggregate)[0]
    cuts = {
        "8 by jit": (jit_driver(), 1),
        "8 by pmap": (pmap_driver(), 1),
        "micro-batched": (jit_driver(jax.devices()[:1]), 4),
        "2 by pmap, micro-batched": (pmap_driver(jax.devices()[:2]), 4),
        "fused, 4 by jit, micro-batched": (jit_driver(jax.devices()[:4]), 2),
    }
    for cut, (driver, micro_batches) in cuts.items():
        other = train(driver, aggregate, micro_batches)[0]
        np.testing.assert_allclose(other, one, atol=1e-5, err_msg=cut)


# What is measured over the tokens of a call is that of a micro-batch, so a cut matters.
BY_PART = ("clip_cov", "kl_cov", "steer", "steer_exponential")
QUICK = ("clipped", "gspo", "clip_cov")  # the others take minutes together
LOSSES = [
    name if name in QUICK else pytest.param(name, marks=pytest.mark.slow)
    for name in objectives.SURROGATES
]


@pytest.mark.parametrize("name", LOSSES)
def test_every_policy_loss_learns_alike_on_any_cut(name):
    """One device by jit; two by pmap in micro-batches, where that is exact."""
    loss = objectives.SURROGATES[name]()
    one = train(jit_driver(jax.devices()[:1]), objectives.token_mean(), surrogate=loss)
    start = jax.random.normal(jax.random.key(0), (V, V))
    assert np.isfinite(one[0]).all() and np.abs(one[0] - start).max() > 1e-3
    assert float(one[2].metrics["skipped"]) == 0
    two = pmap_driver(jax.devices()[:2])
    other = train(two, objectives.token_mean(), 2, surrogate=loss)[0]
    if name in BY_PART:
        assert np.isfinite(other).all() and np.abs(other - start).max() > 1e-3
    else:
        np.testing.assert_allclose(other, one[0], atol=1e-5)


def test_gradient_step_matches_the_sum_over_the_whole_batch_divided_once():
    rollout = make_rollout()
    start = jax.random.normal(jax.random.key(0), (V, V))
    got = train(jit_driver(), objectives.token_mean(), steps=1)[2].metrics["loss"]
    logp = np.asarray(bigram({"table": start}, rollout).logp, np.float64)
    entropy = np.asarray(bigram({"table": start}, rollout).entropy, np.float64)
    correct = np.asarray(rollout.signals["correct"], np.float64).reshape(B, G)
    lengths = np.asarray(rollout.mask).sum(1).reshape(B, G)
    total = count = 0.0
    for i in range(B * G):
        b, g = divmod(i, G)
        full = lengths[b] > 0  # an empty row has no token to place a reward on
        if full.sum() <= 1:
            a = 0.0
        else:
            a = correct[b, g] - correct[b][full].mean()
        for t in range(lengths[b, g]):
            ratio = np.exp(logp[i, t] - float(rollout.logp[i, t]))
            worse = max(-a * ratio, -a * np.clip(ratio, 0.8, 1.28))
            loss = min(worse, -3.0 * a) if a < 0 else worse
            total, count = total + loss - 0.01 * entropy[i, t], count + 1
    np.testing.assert_allclose(float(got), total / count, rtol=1e-4)


def test_several_epochs_move_further_than_one():
    driver = jit_driver(jax.devices()[:1])
    one = train(driver, objectives.token_mean(), steps=1)[1]
    two = train(driver, objectives.token_mean(), steps=1, updates=epochs(2))[1]
    again = train(driver, objectives.token_mean(), steps=2)[1]
    assert int(one.step) == int(two.step) == 1
    np.testing.assert_array_equal(two.params["table"], again.params["table"])


@pytest.mark.parametrize("driver", [jit_driver, pmap_driver])
def test_a_nan_reward_skips_the_step_and_names_the_row(driver):
    rollout = make_rollout()
    correct = rollout.signals["correct"].at[30].set(jnp.nan)
    bad = dataclasses.replace(rollout, signals={"correct": correct})
    driver = driver()
    table, state, report = train(driver, objectives.token_mean(), steps=2, rollout=bad)
    start = jax.random.normal(jax.random.key(0), (V, V))
    np.testing.assert_array_equal(table, start)
    assert np.flatnonzero(report.bad_rows).tolist() == [30]
    assert int(state.skipped) == 2 and float(report.metrics["skipped"]) == 1
    for leaf in jax.tree.leaves(state.opt):
        assert not np.any(np.asarray(leaf))


def test_micro_batches_must_divide_the_prompts():
    with pytest.raises(
        ValueError, match=r"micro_batches=3 does not divide the 8 prompts"
    ):
        train(jit_driver(jax.devices()[:1]), objectives.token_mean(), micro_batches=3)


def test_what_is_compiled_early_is_the_function():
    """A function that is not compiled as a whole is left alone."""
    double = jax.jit(lambda x: 2 * x)
    assert early(double, np.float32(0))(np.float32(3)) == 6
    assert early(len, []) is len


def test_warm_up_has_done_a_step_before_it_yields():
    """Steps that run ahead on several CPU devices can wait for each other for ever."""

    def slow(params, rollout):
        stats = bigram(params, rollout)
        x = jax.lax.stop_gradient(stats.logp[0, 0])
        x = jax.lax.fori_loop(0, 1_000_000, lambda _, x: jnp.sin(x), x)
        return TokenStats(stats.logp + 1e-9 * x, stats.entropy)

    rows = make_rollout()
    batch = {
        "prompts": jnp.repeat(rows.prompts, G, 0),
        "prompt_mask": jnp.repeat(rows.prompt_mask, G, 0),
        **{name: getattr(rows, name) for name in ("tokens", "mask", "valid")},
    }
    driver = jit_driver(jax.devices()[:2])
    learns = warmup(lambda hp: slow, SGD, driver)
    steps = warm_up(learns, {"table": jnp.zeros((V, V))}, [batch] * 3, {})
    losses = []
    for _, row in steps:
        assert all(x.is_ready() for x in row.values())
        losses.append(float(row["loss"]))
    assert losses[0] > losses[1] > losses[2]
