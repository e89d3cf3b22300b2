"""DPPO by the likeliest tokens: float64 loops, limits, the sampler and the pass."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from surrogates import binary_kl

from rewardlab import objectives
from rewardlab.core.types import Rollout
from rewardlab.models import lm
from rewardlab.models.logprobs import TokenStats
from rewardlab.models.model import Model
from rewardlab.models.predictions import likeliest
from rewardlab.objectives import build_loss, compared_tokens, loss_tree
from rewardlab.objectives.dppo import TOP_DIVERGENCES, within
from rewardlab.rollouts import Sampling, rollout_completions
from rewardlab.testing import from_arrays

LOSS = "dppo_top_k({low}, {high}, k={k}, divergence={kind!r}) | token_mean()"
V = 12
SMALL = lm.LMConfig(64, 1, 32, num_heads=2, num_kv_heads=2, head_dim=16, ffn=48)


def distance(p, b, ids, kind):
    """Of two distributions [V] as shares of `ids` and of all other tokens at once."""
    p, b = ([*(x[v] for v in ids), 1 - sum(x[v] for v in ids)] for x in (p, b))
    p, b = ([*x[:-1], max(x[-1], 1e-12)] for x in (p, b))
    pairs = list(zip(p, b, strict=True))
    if kind == "tv":
        return sum(abs(x - y) for x, y in pairs) / 2
    return sum(y * math.log(y / x) for x, y in pairs if y > 0)


class Drawn:
    """Ragged rows, one of them empty, sampled from `b` [N, T, V] and read by `p`."""

    def __init__(self, seed, k, spread=1.0):
        rng = np.random.default_rng(seed)
        self.mask = rng.random((5, 6)) < 0.7
        self.mask[seed % 5] = False
        old = rng.normal(size=(5, 6, V)) * 2
        new = old + rng.normal(0, spread, old.shape)
        self.b, self.p = (np.asarray(jax.nn.softmax(x)) for x in (old, new))
        self.tokens = (rng.random((5, 6, 1)) < np.cumsum(self.b, -1)).argmax(-1)
        ids, _ = likeliest(jnp.log(self.b), jnp.asarray(self.tokens), k)
        self.ids = np.asarray(ids)
        self.advantage = rng.normal(size=(5, 1)) * np.ones((5, 6))
        self.advantage[(seed + 1) % 5] = 0

    def at(self, x, ids):
        return np.take_along_axis(np.log(x), ids, axis=-1)

    def run(self, loss):
        """(loss, its gradient to the sampled tokens' log-probs); NaN off the mask."""

        def hide(x):
            there = self.mask.reshape(5, 6, *[1] * (x.ndim - 2))
            return np.where(there, x, np.nan)

        own = self.tokens[..., None]
        logp, old = (hide(self.at(x, own)[..., 0]) for x in (self.p, self.b))
        now, then = (hide(self.at(x, self.ids)) for x in (self.p, self.b))
        rollout = from_arrays(self.mask, logp=old, top_ids=self.ids, top_logp=then)
        advantage = jnp.asarray(hide(self.advantage))

        def total(logp):
            stats = TokenStats(logp, 0 * logp, among=jnp.asarray(now))
            return build_loss(loss)(stats, rollout, advantage)[0].mean()

        value, grad = jax.jit(jax.value_and_grad(total))(jnp.asarray(logp))
        return float(value), np.asarray(grad)

    def oracle(self, low, high, kind):
        """(mean of -min(p / b, 10) A log p of what is kept, its gradient, the rest)."""
        value, grad, lost = 0.0, np.zeros(self.mask.shape), 0
        count = max(self.mask.sum(), 1)
        for i, t in zip(*np.nonzero(self.mask), strict=True):
            own, a = self.tokens[i, t], self.advantage[i, t]
            p, b = self.p[i, t], self.b[i, t]
            moved = distance(p, b, self.ids[i, t].tolist(), kind)
            if a > 0:
                gone = p[own] > b[own] and moved > high
            else:
                gone = p[own] < b[own] and moved > low
            if gone:
                lost += 1
                continue
            weight = min(p[own] / b[own], 10.0)
            value -= weight * a * math.log(p[own]) / count
            grad[i, t] = -weight * a / count
        return value, grad, lost


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("kind", ["tv", "kl"])
@pytest.mark.parametrize("k", [1, 3, V])
def test_value_and_gradient_are_those_of_a_loop(k, kind):
    for seed in range(3):
        drawn, bounds = Drawn(seed, k), (0.05, 0.15)
        value, grad, lost = drawn.oracle(*bounds, kind)
        assert 0 < lost < drawn.mask.sum()
        loss = LOSS.format(low=bounds[0], high=bounds[1], k=k, kind=kind)
        got, slope = drawn.run(loss)
        assert got == pytest.approx(value, rel=1e-10)
        np.testing.assert_allclose(slope, grad, rtol=1e-10, atol=1e-15)


@pytest.mark.usefixtures("x64")
def test_all_tokens_are_the_distance_of_whole_distributions():
    """TV = sup over sets of tokens of what they gained; KL over all tokens."""
    drawn = Drawn(0, V)
    for i, t in itertools.product(range(2), range(3)):
        p, b = drawn.p[i, t], drawn.b[i, t]
        now, then = (drawn.at(x, drawn.ids)[i, t] for x in (drawn.p, drawn.b))
        tv = TOP_DIVERGENCES["tv"](jnp.asarray(now), jnp.asarray(then))
        assert float(tv) == pytest.approx(p[p > b].sum() - b[p > b].sum(), rel=1e-10)
        kl = TOP_DIVERGENCES["kl"](jnp.asarray(now), jnp.asarray(then))
        assert float(kl) == pytest.approx((b * np.log(b / p)).sum(), rel=1e-9)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("kind", ["tv", "kl"])
def test_one_token_is_the_sampled_one_and_more_see_more(kind):
    """k = 1 is `dppo`; merging bins never adds distance (data processing)."""
    for seed in range(3):
        drawn = Drawn(seed, 1)
        np.testing.assert_array_equal(drawn.ids[..., 0], drawn.tokens)
        top = LOSS.format(low=0.05, high=0.1, k=1, kind=kind)
        one = f"dppo(0.05, 0.1, {kind!r}) | token_mean()"
        for x, y in zip(drawn.run(top), drawn.run(one), strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-12)
    for i, t in itertools.product(range(5), range(6)):
        p, b, own = drawn.p[i, t], drawn.b[i, t], int(drawn.tokens[i, t])
        found = [distance(p, b, [own], kind)]
        for k in (2, 4, V):
            ids, _ = likeliest(jnp.log(b), jnp.asarray(own), k)
            now, then = np.log(p)[ids], np.log(b)[ids]
            found.append(float(TOP_DIVERGENCES[kind](now, then)))
        assert found[0] <= found[-1] + 1e-9 and max(found) <= found[-1] + 1e-9
    if kind == "kl":
        assert found[0] == pytest.approx(binary_kl(b[own], p[own]), rel=1e-6)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("kind", ["tv", "kl"])
def test_without_bounds_it_is_truncated_reinforce(kind):
    """delta = infinity; and without a move nothing drops out at delta = 0."""
    drawn = Drawn(1, 3)
    free = LOSS.format(low=1e9, high=1e9, k=3, kind=kind)
    value, grad, lost = drawn.oracle(math.inf, math.inf, kind)
    got, slope = drawn.run(free)
    assert got == pytest.approx(value, rel=1e-12) and lost == 0
    np.testing.assert_allclose(slope, grad, rtol=1e-12)
    drawn.p = drawn.b
    tight = LOSS.format(low=0, high=0, k=3, kind=kind)
    np.testing.assert_array_equal(drawn.run(tight)[1], drawn.run(free)[1])


def test_what_has_no_chance_is_a_finite_or_an_infinite_distance():
    """A token that the sampler could not choose adds what it gained; KL of one that
    the policy cannot choose any more is infinite, and it drops out."""
    b, p = np.array([0.7, 0.3, 0.0]), np.array([0.6, 0.3, 0.1])
    with np.errstate(divide="ignore"):
        now, then = jnp.log(p), jnp.log(b)
    tv, kl = (float(TOP_DIVERGENCES[x](now, then)) for x in ("tv", "kl"))
    assert tv == pytest.approx(0.1, rel=1e-5)
    assert kl == pytest.approx(0.7 * math.log(0.7 / 0.6), rel=1e-4)
    assert float(TOP_DIVERGENCES["kl"](then, now)) == math.inf
    far, fall = jnp.full((1, 1), jnp.inf), -jnp.ones((1, 1))
    assert not within(far, fall, -jnp.ones((1, 1)), 0.1, 0.1).any()


def test_likeliest_holds_the_token_itself():
    """In the place of the last where it is not among them, else in its own."""
    logits = jnp.log(jnp.array([[0.1, 0.4, 0.2, 0.3], [0.1, 0.4, 0.2, 0.3]]))
    ids, logp = likeliest(logits, jnp.array([0, 3]), 2)
    assert ids.tolist() == [[1, 0], [1, 3]]
    np.testing.assert_allclose(jnp.exp(logp), [[0.4, 0.1], [0.4, 0.3]], rtol=1e-6)
    ids, logp = likeliest(logits, jnp.array([0, 3]), 9)
    assert ids.shape == (2, 4) and set(ids[0].tolist()) == {0, 1, 2, 3}
    np.testing.assert_allclose(jnp.sum(jnp.exp(logp), axis=-1), 1, rtol=1e-6)


def sampled(k, temperature=0.7) -> tuple[lm.Params, Rollout]:
    params = lm.init(SMALL, jax.random.key(3))
    prompts = np.random.default_rng(1).integers(0, 64, (2, 4)).astype(np.int32)
    mask = np.array([[False, True, True, True], [True] * 4])
    options = Sampling(3, 6, (5,), 0, temperature, likeliest=k)
    asked = (prompts, mask, np.arange(2), jax.random.key(0), np.int32(0))
    return params, rollout_completions(lm.bind(SMALL), params, *asked, options)


def test_the_sampler_keeps_the_likeliest_and_the_pass_reads_the_same_tokens():
    """Its log-probs are those of the pass, which so finds no distance at all."""
    params, rollout = sampled(4)
    _, plain = sampled(0)
    assert set(plain.signals) == set()
    np.testing.assert_array_equal(rollout.tokens, plain.tokens)
    ids, then = rollout.signals["top_ids"], rollout.signals["top_logp"]
    assert ids.shape == then.shape == (*rollout.tokens.shape, 4)
    own = np.asarray(ids == rollout.tokens[..., None])
    assert (own.sum(-1) == 1)[rollout.mask].all() and not ids[~rollout.mask].any()
    np.testing.assert_allclose((own * then).sum(-1), rollout.logp, atol=1e-5)
    model = Model(SMALL)
    for read in (model.log_probs, lambda *x: model.log_probs_to_end(*x[:2], 7, *x[2:])):
        stats = read(params, rollout, 0.7, False, ids)
        there = rollout.mask[..., None]
        np.testing.assert_allclose(np.where(there, stats.among, 0), then, atol=1e-4)
        np.testing.assert_allclose(stats.logp, rollout.logp, atol=1e-4)
    assert jnp.ndim(model.log_probs(params, rollout, 0.7).among) == 0

    def total(params):
        return jnp.sum(model.log_probs(params, rollout, 0.7, False, ids).among)

    assert not any(jnp.any(x) for x in jax.tree.leaves(jax.grad(total)(params)))


def test_which_losses_ask():
    tree = loss_tree("dppo_top_k(k=7) | kl(0.1) | token_mean()")
    assert compared_tokens(tree) == (7, "top_ids")
    assert compared_tokens(loss_tree("dppo() | token_mean()")) is None
    with pytest.raises(ValueError, match="k=0 must be"):
        build_loss("dppo_top_k(k=0) | token_mean()")
    with pytest.raises(ValueError, match="divergence"):
        objectives.dppo_top_k(divergence="js")
