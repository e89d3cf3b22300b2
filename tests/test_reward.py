"""Rewards that are also kept by row: every function gives the same with and without."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracle import apply, varied

from rewardlab import build, chain, on_one, per_channel, stateless
from rewardlab.core import placed
from rewardlab.core.compose import running
from rewardlab.core.reward import combine_all, combine_any, mean_over, weighted
from rewardlab.core.signals import made

pytestmark = pytest.mark.usefixtures("x64")
FORGET = stateless(lambda rewards, _: jax.tree.map(lambda x: x, rewards))
ROW = "outcome('correct')"
SPREAD = f"{ROW} | broadcast_to_tokens()"
BOTH = f"{ROW} | outcome('score')"
CASES = (
    (SPREAD, "center_by_group(leave_one_out=True)"),
    (SPREAD, "center_by_group() | scale_by_group_std(ddof=0)"),
    (SPREAD, "center_by_batch() | scale_by_batch_std()"),
    (SPREAD, "whiten()"),
    (SPREAD, "scale_by_active_rows() | unlikeliness()"),
    (SPREAD, "best_minus_second()"),
    (SPREAD, "length_penalty(after=3) | standardize_by_history()"),
    (SPREAD, "par('refs') | broadcast_to_tokens()"),
    (f"{SPREAD} | outcome('score')", "weighted_sum(correct=1, score=2) | whiten()"),
    (ROW, "standardize_by_history() | require('finished')"),
    (ROW, "cost_quantile_score(window=5)"),
    (ROW, "par('refs') | episode_return() | best_minus_second()"),
    (BOTH, "gated_accumulation('score', correct=0.5)"),
    (BOTH, "mean_minus_variance_of('correct', 'score')"),
    (BOTH, "keep_pareto_front() | weighted_sum(correct=1, score=1)"),
    (BOTH, "formula('correct * score') | broadcast_to_tokens() | whiten()"),
)


@pytest.mark.parametrize("seed", (0, 1))
def test_rows_change_nothing(seed, compared):
    """Kept by row and not: the same places, the same numbers."""
    rollout = varied(seed)
    rng, shape = np.random.default_rng(seed), (*rollout.mask.shape, 4)
    signals = {k: v for k, v in made(rng, *shape).items() if k in ("finished",)}
    refs = rng.normal(size=(12, 3))
    noted, forgotten = compared(rollout.with_signals(refs=refs, **signals))
    for case, got, want in zip(CASES, noted, forgotten, strict=True):
        assert got.keys() == want.keys(), case
        for name in want:
            np.testing.assert_array_equal(got[name].placed, want[name].placed)
            np.testing.assert_allclose(got[name].value, want[name].value, atol=1e-12)


@pytest.fixture(scope="module")
def compared():
    """One program for all cases, each with its rewards by row and without."""

    @jax.jit
    def run(rollout):
        pairs = [_pair(source, words, rollout) for source, words in CASES]
        return tuple(zip(*pairs, strict=True))

    return run


def _pair(source, words, rollout):
    found = []
    for between in ((), (FORGET,)):
        whole = chain(build(source), *between, build(words))
        found.append(apply(whole, rollout))
    return found


def _forget(reward):
    return jax.tree.map(lambda x: x, reward)


def _functions(rollout):
    """Every function of a reward, and of two on the same tokens."""
    row, token = jnp.arange(12.0), rollout.logp
    low = lambda r, *_: r - 1  # noqa: E731
    add = lambda a, b: jnp.sum(jnp.where(b, a, 0))  # noqa: E731
    one = {
        "map": lambda r: r.map(low),
        "map_row": lambda r: r.map(lambda r, x: r * x, row),
        "map_token": lambda r: r.map(lambda r, x: jnp.where(x < -1, r, 0), token),
        "keep_rows": lambda r: r.keep(row > 4),
        "keep_tokens": lambda r: r.keep(rollout.step == 1),
        "last": lambda r: placed.map_last(r, lambda r, x: r + x, row),
        "only_last": placed.only_last,
        "over": lambda r: mean_over(lambda x: r.map(jnp.add, x), jnp.arange(3.0)),
        "count": lambda r: r.count,
        "total": lambda r: r.total,
        "has": lambda r: r.has_value,
        "smallest": lambda r: r.smallest,
        "sum": placed.batch_sum,
        "least": placed.batch_smallest,
        "mean": placed.batch_mean,
        "variance": lambda r: placed.batch_variance(r, 1),
        "list": lambda r: jnp.sort(jnp.where(*placed.listed(r)[::-1], 0))[-5:],
    }
    two = {
        "map": lambda r, s: r.map(jnp.add, s),
        "any": lambda r, s: combine_any(add, [r, s]),
        "all": lambda r, s: combine_all(jnp.sum, [r, s]),
        "weighted": lambda r, s: weighted([2, row[3]], [r, s]),
    }
    return one, two


@pytest.mark.parametrize("words", ("", " | broadcast_to_tokens()"))
def test_every_function_is_the_same_by_row(words):
    """On outcomes and on what is spread, with rows that abstain and an empty one."""
    rollout = varied(0)

    @jax.jit
    def run(rollout):
        parts = [
            apply(build(f"outcome('{name}'){words}"), rollout)[name]
            for name in ("correct", "score")
        ]
        one, two = _functions(rollout)
        pairs = [(f(parts[0]), f(_forget(parts[0]))) for f in one.values()]
        for f in two.values():
            for other in (parts[1], _forget(parts[1])):
                pairs.append((f(parts[0], other), f(*map(_forget, (parts[0], other)))))
        return pairs

    for got, want in run(rollout):
        for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-12)


def _share(reward):
    return reward.with_value(reward.value / reward.value.sum(axis=1, keepdims=True))


SHARES = {
    "per_channel": per_channel(lambda r, _: _share(r)),
    "on_one": on_one(lambda r, _: _share(r)),
    "running": running(lambda: (), lambda r, s, _: (_share(r), s)),
    "stateless": stateless(lambda rs, _: {k: _share(r) for k, r in rs.items()}),
    "map": per_channel(lambda r, _: r.map(jnp.divide, r.total)),
}


@pytest.mark.parametrize("lift", SHARES)
def test_a_row_is_shared_among_its_tokens(lift):
    """r / sum of the row is 1 / n on each of n tokens, however it is written."""
    rollout = varied(1).with_signals(one=np.ones(12))
    (got,) = apply(
        chain(build("outcome('one') | broadcast_to_tokens()"), SHARES[lift]), rollout
    ).values()
    mask = np.asarray(rollout.mask)
    tokens = np.where(mask, np.maximum(mask.sum(axis=1, keepdims=True), 1), 1)
    np.testing.assert_allclose(got.value, mask / tokens)


def test_map_sees_one_number():
    """A function of a whole row is refused, not run on something else."""
    reward = apply(build("outcome('score')"), varied(0))["score"]
    with pytest.raises(ValueError):
        reward.map(lambda r: r + jnp.arange(12))
