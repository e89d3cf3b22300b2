"""Losses with a count of their own: alone, beside the policy's, and cut into parts."""

import dataclasses
import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from bigram import Bigram

from rewardlab.core import masked
from rewardlab.learning.fit import STEP
from rewardlab.learning.learner import gradient_step
from rewardlab.learning.parallel import jit_driver, pmap_driver
from rewardlab.models.logprobs import TokenStats
from rewardlab.objectives import APART, build_loss, objective, reinforce, token_mean
from rewardlab.objectives.apart import Apart, Together
from rewardlab.objectives.pairs import best_and_worst, every_pair
from rewardlab.testing import from_arrays

V, B, G, T = 5, 4, 3, 6
PAIRED = sorted({*APART} - {"predict_environment"})
BOTH = "reinforce() | token_mean() | dpo(beta=0.5, weight=0.7)"


@functools.cache
def case():
    """Four prompts of three rows: holes, an empty row, a prompt that all rows solve."""
    rng = np.random.default_rng(0)
    n = B * G
    mask = (np.arange(T) < rng.integers(2, T + 1, n)[:, None]) & (
        rng.random((n, T)) < 0.8
    )
    mask[5] = False
    correct = np.array([1.0, 0, 0, 1, 0, np.nan, 1, 1, 1, 0, 1, 0])
    signals = {
        name: -rng.exponential(size=(n, T))
        for name in (
            "ref_logp",
            "prm_logp",
            "previous_logp",
            "better_logp",
            "worse_logp",
        )
    }
    signals |= {"correct": correct, "correct_valid": ~np.isnan(correct)}
    node = 2 * np.arange(n)[:, None] + (np.arange(T) >= 2)
    node[1::3, :2] = node[::3, :2]  # a prompt's second row begins as its first
    signals["node"] = node
    logp = -rng.exponential(size=(n, T))
    step = np.where(mask, np.arange(T) >= 2, -1)
    group = np.repeat(np.arange(B), G)
    rollout = from_arrays(mask, group, step, logp=logp, **signals)
    rollout = dataclasses.replace(rollout, tokens=rng.integers(0, V, (n, T)))
    phi, advantage = rng.normal(size=(V, V)), rng.normal(size=(n, T))
    return jax.tree.map(jnp.asarray, (rollout, phi, advantage))


def policy(params, rollout):
    return Bigram().log_probs(params, rollout)


def given(word):
    return "optimism(1.0)" if word == "optimism" else f"{word}()"


def of_logp(text, rollout, logp, advantage=None):
    """(loss, gradient to log-probs) of a sentence."""
    loss = build_loss(text)

    def mean(logp):
        zeros = jnp.zeros(logp.shape) if advantage is None else advantage
        return jnp.sum(loss(TokenStats(logp, zeros), rollout, zeros)[0].mean())

    return jax.value_and_grad(mean)(logp)


def stepped(text, driver=None, micro=1, steps=2, rollout=None):
    """Parameters and metrics after some steps of SGD."""
    usual, phi, advantage = case()
    rollout, optimizer = rollout or usual, optax.sgd(0.3)
    loss = text if callable(text) else build_loss(text)
    driver = driver or jit_driver(jax.devices()[:1])

    def step(shards, params, opt, rollout, advantage, _):
        own = gradient_step(policy, loss, optimizer, micro, shards)
        return own(params, opt, rollout, advantage)

    run, opt = driver.fit(step, **{**STEP, "donate": ()}), optimizer.init(phi)
    phi, told = driver.replicate(phi), []
    for _ in range(steps):
        phi, opt, sums, _ = run(phi, opt, rollout, advantage, ())
        told.append({k: float(x.mean()) for k, x in sums.items()})
    return np.asarray(phi), told


def test_each_loss_is_divided_by_its_own_count():
    """The step goes down the sum of the means, whatever the counts are."""
    rollout, phi, advantage = case()

    def total(phi):
        stats = policy(phi, rollout)
        plain = objective(reinforce(), aggregate=token_mean())
        first, _ = plain(stats, rollout, advantage)
        second, _ = build_loss("dpo(beta=0.5)")(stats, rollout, advantage)
        return first.mean() + 0.7 * second.mean()

    after, (told,) = stepped(BOTH, steps=1)
    np.testing.assert_allclose(after, phi - 0.3 * jax.grad(total)(phi), atol=1e-6)
    assert told["loss"] == pytest.approx(float(total(phi)), rel=1e-5)
    assert told["dpo/pairs"] == 5 / 4  # 2 + 1 (its third row is empty) + 0 + 2


@pytest.mark.parametrize("text", [BOTH, "dpo()"])
@pytest.mark.parametrize(
    ("driver", "devices", "micro"),
    [(jit_driver, 2, 2), (pmap_driver, 4, 1), (jit_driver, 1, 4)],
)
def test_no_cut_changes_the_step(text, driver, devices, micro):
    whole, told = stepped(text)
    cut, again = stepped(text, driver(jax.devices()[:devices]), micro)
    np.testing.assert_allclose(cut, whole, atol=1e-5)
    for name, x in told[-1].items():
        assert again[-1][name] == pytest.approx(x, rel=1e-4, abs=1e-6), name


@pytest.mark.parametrize("word", sorted({*PAIRED} - {"cream", "optimism"}))
def test_without_a_pair_nothing_moves(word):
    rollout, phi, _ = case()
    alike = rollout.with_signals(correct=jnp.ones(B * G))
    after, (told, _) = stepped(given(word), rollout=alike)
    np.testing.assert_array_equal(after, phi)
    assert told["loss"] == 0 and told[f"{word}/pairs"] == 0 and told["skipped"] == 0


@pytest.mark.parametrize("word", PAIRED)
def test_only_what_is_there_is_read(word):
    """Off the mask anything may stand; the third row of the second prompt is empty."""
    rollout, phi, _ = case()
    logp = policy(phi, rollout).logp
    clean, grad = of_logp(given(word), rollout, logp)
    off = lambda x: jnp.where(rollout.mask, x, jnp.nan)  # noqa: E731
    names = [n for n in rollout.signals if n.endswith("logp")]
    dirty = rollout.with_signals(**{n: off(rollout.signals[n]) for n in names})
    dirty = dataclasses.replace(dirty, logp=off(rollout.logp))
    value, again = of_logp(given(word), dirty, off(logp))
    assert float(value) == pytest.approx(float(clean), rel=1e-6)
    np.testing.assert_allclose(again, grad, atol=1e-7)
    assert not np.any(np.asarray(grad)[~np.asarray(rollout.mask)])


def test_at_the_reference_each_pair_is_worth_half_of_beta():
    """Loss log 2; the tokens of a better row of p pairs get -beta p / (2 pairs)."""
    rollout, *_ = case()
    value, grad = of_logp("dpo(beta=0.4)", rollout, rollout.signal("ref_logp"))
    assert float(value) == pytest.approx(math.log(2), rel=1e-6)
    rows = [-2, 1, 1, -1, 1, 0, 0, 0, 0, 1, -2, 1]  # pairs lost less pairs won
    want = np.where(rollout.mask, np.array(rows)[:, None] * 0.4 / 2 / 5, 0)
    np.testing.assert_allclose(grad, want, atol=1e-7)


@pytest.mark.parametrize("word", ["dpo", "hinge"])
def test_other_outcomes_turn_pairs_round(word):
    """Every gap has the other sign, so at the reference the gradient has, too."""
    rollout, *_ = case()
    other = rollout.with_signals(correct=1 - rollout.signal("correct"))
    ref = rollout.signal("ref_logp")
    a, b = (of_logp(given(word), r, ref)[1] for r in (rollout, other))
    np.testing.assert_allclose(a, -b, atol=1e-7)


def test_what_siblings_share_is_not_moved():
    """Two rows a prompt that begin alike: only their second steps are pairs."""
    rollout, phi, _ = case()
    two = rollout.mask & (jnp.arange(B * G) % G < 2)[:, None]
    rollout = dataclasses.replace(rollout, mask=two)
    _, grad = of_logp("step_dpo()", rollout, policy(phi, rollout).logp)
    assert np.any(np.asarray(grad)[:, 2:]) and not np.any(np.asarray(grad)[:, :2])


def test_pairs():
    there = jnp.array([[True, True, False, True]])
    score = jnp.array([[1.0, 2.0, 9.0, 2.0]])
    listed = lambda x: np.argwhere(np.asarray(x[0])).tolist()  # noqa: E731
    assert listed(every_pair(score, there)) == [[1, 0], [3, 0]]
    assert listed(best_and_worst(score, there)) == [[1, 0]]
    assert listed(best_and_worst(jnp.ones((1, 4)), there)) == []


def test_a_loss_may_read_other_rows():
    """With a token more: the log-prob of token 0 after each row, squared."""

    def loss(stats, rollout, read):
        more = lambda x, last: jnp.pad(x, ((0, 0), (0, 1)), constant_values=last)  # noqa: E731
        fields = {"tokens": 0, "mask": True, "valid": True, "step": 0, "logp": 0}
        longer = {k: more(getattr(rollout, k), last) for k, last in fields.items()}
        logp = read(dataclasses.replace(rollout, **longer)).logp[:, -1]
        return masked.sum_of(logp**2, jnp.ones(logp.shape, bool)), {}

    rollout, phi, _ = case()
    plain = objective(reinforce(), aggregate=token_mean())
    after, (told,) = stepped(Together(plain, (Apart(loss, 0.1),)), steps=1)
    alone, _ = stepped(plain, steps=1)
    assert np.isfinite(told["loss"]) and np.abs(after - alone).max() > 1e-4
    with pytest.raises(ValueError, match="reads rows beside the sampled ones"):
        Together(None, (Apart(loss),))(policy(phi, rollout), rollout, None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dpo() | clipped() | token_mean()", "must begin with a policy loss"),
        ("clipped() | dpo() | token_mean()", "must end with its average"),
        ("clipped() | token_mean() | dpo() | kl(0.1)", "must end with its average"),
        ("clipped() | dpo()", "must end with its average"),
        ("clipped() | token_mean() | gspo()", "two policy losses"),
        ("dpo(which='some')", "which='some'; have all, best_worst"),
    ],
)
def test_a_loss_in_another_order_is_refused(text, said):
    with pytest.raises(ValueError, match=said):
        build_loss(text)


def test_losses_apart_stand_alone_or_after_the_average():
    assert isinstance(build_loss("dpo()"), Together)
    assert build_loss("dpo() | optimism(0.1)").policy is None
    assert build_loss(BOTH).several and not build_loss("ipo()").several
