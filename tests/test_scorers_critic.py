"""The critic: its values, its gradient, and that no cut changes what it learns."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from test_scorers_words import SETTING, SMALL

from rewardlab.core.sentence import build, parse
from rewardlab.core.types import Rollout, place
from rewardlab.data.batch import Batch
from rewardlab.learning.parallel import jit_driver, pmap_driver
from rewardlab.learning.scorer_fit import Learned
from rewardlab.learning.scoring import outline, scoring
from rewardlab.models import lm
from rewardlab.objectives.updates import ONCE, UPDATES
from rewardlab.scorers.plan import Source, plan
from rewardlab.scorers.protocol import Context
from rewardlab.scorers.sentence import scorers_of

PROMPTS, SAMPLES, TOKENS, WIDTH = 4, 3, 6, 8
TEXT = f"states() | critic(width={WIDTH}, lr=0.01)"
NAMES = ("w1", "b1", "w2", "b2")
WITHIN = SETTING._replace


@functools.cache
def case():
    """Ragged rows, one empty, one without a reward; an outcome for each of the rest."""
    rng = np.random.default_rng(3)
    n = PROMPTS * SAMPLES
    length = rng.integers(1, TOKENS + 1, n)
    length[5] = 0
    mask = jnp.arange(TOKENS) < length[:, None]
    rollout = Rollout(
        prompts=jnp.asarray(rng.integers(0, 64, (PROMPTS, 3)), jnp.int32),
        prompt_mask=jnp.ones((PROMPTS, 3), bool),
        group=jnp.repeat(jnp.arange(PROMPTS, dtype=jnp.int32), SAMPLES),
        tokens=jnp.asarray(rng.integers(0, 64, (n, TOKENS)), jnp.int32),
        mask=mask,
        valid=mask,
        step=jnp.where(mask, 0, -1),
        logp=jnp.asarray(-rng.exponential(size=(n, TOKENS)), jnp.float32),
        signals={},
        iteration=jnp.zeros((), jnp.int32),
    )
    last = mask & (jnp.arange(TOKENS) == length[:, None] - 1)
    heard = (jnp.arange(n) != 2)[:, None]
    reward = place(jnp.asarray(rng.normal(size=(n, 1)), jnp.float32), last & heard)
    params = {
        r: lm.init(SMALL, jax.random.key(i)) for i, r in enumerate(SETTING.models)
    }
    context = Context(jax.random.key(5), jnp.zeros((), jnp.int32), params, {})
    return rollout, reward, context, Batch({"id": jnp.arange(PROMPTS)}, {})


def learnt(
    driver,
    micro_batches=1,
    steps=3,
    reward=None,
    updates="",
    text=TEXT,
    name="critic",
):
    """Values, states and metrics after each step; the first values are the head's."""
    rollout, usual, context, batch = case()
    reward = usual if reward is None else reward
    often = build(parse(updates, UPDATES)) if updates else ONCE
    sources = [Source("your", s) for s in scorers_of(text, WITHIN(updates=often))]
    found = plan({"the reward reads": ["value"]}, sources)
    make = lambda hp: {s.name: s for _, s in sources}  # noqa: E731
    run = scoring(found, make, driver, micro_batches)
    wide = jnp.zeros((PROMPTS * SAMPLES, TOKENS, SMALL.width))
    states = run.init(context, rollout.with_signals(hidden=wide))
    states = driver.replicate(jax.tree.map(jnp.copy, states))
    history = []
    for _ in range(steps):
        scored, states, _ = run.score(states, context, rollout, batch)
        head = jax.tree.map(np.asarray, states[name].params)
        states, means = run.fit(states, context, scored, batch, reward)
        history.append((scored, head, jax.device_get(states[name]), means))
    return history


def by_hand(head, scored, reward, rows=None, epsilon=0.5):
    """Values, the loss and its gradient, by loops in float64; the target of `rows`."""
    w1, b1, w2, b2 = (np.asarray(head[k], np.float64) for k in NAMES)
    value, count, loss = np.zeros(scored.mask.shape), 0, 0.0
    grads = {k: np.zeros_like(np.asarray(head[k], np.float64)) for k in NAMES}
    c, hidden = np.sqrt(2 / np.pi), np.asarray(scored.signals["hidden"], np.float64)
    for i, t in zip(*np.nonzero(np.asarray(scored.mask)), strict=True):
        own = np.asarray(scored.logp[i, :t], np.float64)
        told = [own[-1], own.sum(), own.min()] if t else [0.0] * 3
        h = np.concatenate([hidden[i, t], told])
        x = h @ w1 + b1
        bend = np.tanh(c * (x + 0.044715 * x**3))
        a = x * (1 + bend) / 2
        (value[i, t],) = a @ w2 + b2
        if not np.any(reward.placed[i]) or (rows is not None and i not in rows):
            continue
        old = float(scored.signals["value"][i, t])
        goal = np.sum(np.asarray(reward.value[i, t:], np.float64))
        near = np.clip(value[i, t], old - epsilon, old + epsilon)
        plain = (value[i, t] - goal) ** 2 >= (near - goal) ** 2
        error = value[i, t] - goal if plain else 0.0
        slope = (1 + bend) / 2 + x * (1 - bend**2) / 2 * c * (1 + 3 * 0.044715 * x**2)
        count += 1
        loss += max((value[i, t] - goal) ** 2, (near - goal) ** 2) / 2
        grads["w2"] += error * a[:, None]
        grads["b2"] += error
        grads["w1"] += error * np.outer(h, w2[:, 0] * slope)
        grads["b1"] += error * w2[:, 0] * slope
    return value, loss / count, {k: g / count for k, g in grads.items()}


def stepped(optimizer, opt, head, grads):
    """The head after one step of an optimizer."""
    opt = optimizer.init(head) if opt is None else opt
    grads = {k: jnp.asarray(g, jnp.float32) for k, g in grads.items()}
    updates, opt = optimizer.update(grads, opt, head)
    return optax.apply_updates(head, updates), opt


def one_device():
    return jit_driver(jax.devices()[:1])


def test_values_loss_and_gradient_are_those_of_the_equation():
    """The third step too, when the head is no longer 0; Adam makes the step of it."""
    _, reward, _, _ = case()
    optimizer, opt = optax.adam(0.01), None
    for scored, head, after, told in learnt(one_device()):
        value, loss, grads = by_hand(head, scored, reward)
        np.testing.assert_allclose(scored.signals["value"], value, atol=1e-5)
        assert float(told["scorers/critic/loss"]) == pytest.approx(loss, rel=1e-5)
        norm = np.sqrt(sum(np.sum(g**2) for g in grads.values()))
        assert float(told["scorers/critic/grad_norm"]) == pytest.approx(norm, rel=1e-4)
        moved, opt = stepped(optimizer, opt, head, grads)
        for name in NAMES:
            np.testing.assert_allclose(after.params[name], moved[name], atol=3e-4)


def test_it_learns_as_often_as_the_policy_and_no_step_carries_a_value_far():
    """Two mini-batches, twice: prompts 0 and 2, then 1 and 3. The clip acts, at 0.01
    from the values that advantages were made of."""
    reward = case()[1]
    text = TEXT.replace("lr=0.01", "lr=0.01, epsilon=0.01")
    history = learnt(one_device(), updates="mini_batches(2) | epochs(2)", text=text)
    optimizer, opt, shares = optax.adam(0.01), None, []
    for scored, head, after, told in history:
        losses = []
        for parity in (0, 1, 0, 1):
            rows = [i for i in range(12) if i // SAMPLES % 2 == parity]
            _, loss, grads = by_hand(head, scored, reward, rows, 0.01)
            losses.append(loss)
            head, opt = stepped(optimizer, opt, head, grads)
        for name in NAMES:
            np.testing.assert_allclose(after.params[name], head[name], atol=1e-3)
        shares.append(float(told["scorers/critic/clipped"]))
        low, high = min(losses), max(losses)
        assert low <= float(told["scorers/critic/loss"]) <= high
    assert 0 < shares[-1] < 1


def test_variance_is_explained_of_the_whole_batch_however_it_is_cut():
    """1 - Var(G - v) / Var(G) over the tokens of rows with a reward."""
    _, reward, _, _ = case()
    scored, *_, told = learnt(one_device())[-1]
    there = np.asarray(scored.mask & reward.has_value[:, None])
    returns = np.cumsum(np.asarray(reward.value, np.float64)[:, ::-1], axis=1)[:, ::-1]
    error = (returns - np.asarray(scored.signals["value"]))[there]
    share = 1 - error.var() / returns[there].var()
    assert float(told["scorers/critic/explained_variance"]) == pytest.approx(
        share, rel=1e-4
    )
    flat = reward.with_value(jnp.ones(reward.value.shape))
    told = learnt(one_device(), steps=1, reward=flat)[0][3]
    assert np.isnan(told["scorers/critic/explained_variance"])


@pytest.mark.parametrize(
    ("driver", "devices", "micro"),
    [(jit_driver, 2, 2), (pmap_driver, 2, 1), (jit_driver, 1, 4)],
)
def test_no_cut_changes_what_is_learnt(driver, devices, micro):
    whole = learnt(one_device())[-1]
    cut = learnt(driver(jax.devices()[:devices]), micro)[-1]
    for name in NAMES:
        np.testing.assert_allclose(
            cut[2].params[name], whole[2].params[name], atol=1e-5
        )
    for name, x in whole[3].items():
        assert float(cut[3][name]) == pytest.approx(float(x), rel=1e-4), name


def test_a_loss_that_is_nan_skips_its_own_step_and_is_counted():
    _, reward, _, _ = case()
    bad = reward.with_value(jnp.full(reward.value.shape, jnp.nan))
    history = learnt(one_device(), steps=2, reward=bad)
    first, last = history[0], history[-1]
    assert isinstance(last[2], Learned) and int(last[2].skipped) == 2
    assert float(last[3]["scorers/critic/skipped"]) == 1
    for name in NAMES:
        np.testing.assert_array_equal(first[1][name], last[2].params[name])


def test_empty_rows_and_rows_without_a_reward_teach_nothing():
    rollout, reward, context, batch = case()
    (critic,) = scorers_of(f"critic(width={WIDTH})", SETTING)
    full = learnt(one_device(), steps=1)[0][0]
    head = {k: 0.1 + jnp.zeros(x.shape) for k, x in critic.init(context, full).items()}
    total, _ = critic.fit.loss(head, context, full, batch, reward)
    rows = np.asarray(reward.has_value)
    keep = lambda x: x[rows] if x.shape[:1] == rows.shape else x  # noqa: E731
    less, own = jax.tree.map(keep, (full, reward))
    fewer, _ = critic.fit.loss(head, context, less, batch, own)
    assert float(total.count) == float(fewer.count) == int(rollout.mask[rows].sum())
    assert float(total.value) == pytest.approx(float(fewer.value), rel=1e-6)


def test_what_learns_before_it_is_asked_cannot_read_the_reward():
    rollout, _, context, batch = case()
    states, critic = scorers_of(TEXT, SETTING)
    early = critic._replace(fit=critic.fit._replace(when="before"))
    sources = [Source("your", s) for s in (states, early)]
    found = plan({"the reward reads": ["value"]}, sources)
    gather = outline(found, lambda hp: {s.name: s for _, s in sources})
    with pytest.raises(ValueError, match="'critic' learns before it is asked, when"):
        jax.eval_shape(gather, context, rollout, batch)
