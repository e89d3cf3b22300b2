"""Filters, weights, replay and curricula against loops; ties, equals and nothing."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rewardlab.selection import consistency, curriculum, filtration, groups, replay

pytestmark = pytest.mark.usefixtures("x64", "strict_ranks")
GROUP = jnp.asarray([2, 0, 0, 2, 1, 0, 2, 4, 4])  # in no order; 3 is empty, 1 is alone
REWARD = jnp.asarray([0.7, 1.0, 0.0, 0.7, 0.3, 0.5, 0.7, 0.0, 1.0])
KEY = jax.random.key(0)


def members(g):
    return [i for i in range(len(GROUP)) if GROUP[i] == g]


def test_group_statistics():
    """mean and std over n of each group; 0 for the empty one."""
    for g in range(5):
        own = np.asarray(REWARD)[members(g)] if members(g) else np.zeros(1)
        assert np.isclose(groups.group_mean(REWARD, GROUP, 5)[g], own.mean())
        assert np.isclose(groups.group_std(REWARD, GROUP, 5)[g], own.std())


@pytest.mark.parametrize("value", [0.1, 0.7, 0.9, 1e4 + 0.1])
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_equal_rewards_are_never_informative(value, dtype):
    """numpy's std of 0.7 three times is not 0, nor is that of 0.9 in float32."""
    reward = jnp.full(7, value, dtype)
    same = jnp.zeros(7, int)
    assert groups.group_std(reward, same, 1)[0] == 0
    assert not groups.informative(reward, same, 1)[0]


def test_informative_keeps_singletons():
    """Groups 0 and 4 vary, 1 is alone, 2 is equal and 3 empty."""
    kept = groups.informative(REWARD, GROUP, 5)
    assert kept.tolist() == [True, True, False, False, True]
    kept = groups.informative(REWARD, GROUP, 5, keep_singletons=False)
    assert kept.tolist() == [True, False, False, False, True]
    kept = groups.informative(REWARD, GROUP, 5, min_std=0.45)
    assert kept.tolist() == [False, True, False, False, True]
    assert groups.first_kept(kept, 3).tolist() == [1, 4, -1]


def test_greatest_share_of_groups():
    """int(0.75 * 5) = 3 of them; the first of the equal ones."""
    score = jnp.asarray([0.2, 0.5, 0.2, 0.2, 0.9])
    kept = groups.greatest_share(score, 0.75)
    assert kept.tolist() == [True, True, False, False, True]
    assert not groups.greatest_share(score, 0.0).any()


def test_solve_rates():
    """Shares of rewards above 0; solved at 0.9."""
    rate = groups.solve_rate(REWARD, GROUP, 5)
    np.testing.assert_allclose(rate, [2 / 3, 1, 1, 0, 1 / 2])
    assert groups.solved(rate).tolist() == [False, True, True, False, False]


def test_task_value_is_zero_at_both_ends():
    """All right: both factors are 0; all wrong or alone: the std is."""
    reward = jnp.asarray([1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.5])
    group = jnp.asarray([0, 0, 1, 1, 2, 2, 3])
    value = groups.task_value(reward, group, 4)
    np.testing.assert_allclose(value, [0, 0, 0.25, 0])


def test_the_easiest_come_last():
    """The ratio of two chances is exp of the difference of success over tau."""
    chance = curriculum.easiest_last(jnp.asarray([0.0, 0.5, 1.0]), 0.5)
    assert np.isclose(chance.sum(), 1) and np.isclose(chance[0] / chance[2], np.exp(2))


def test_draws_follow_the_weights():
    """Weight 0 is never drawn; all 0 is uniform."""
    drawn = curriculum.draw(KEY, jnp.asarray([0.0, 3.0, 1.0]), 4000)
    share = np.bincount(drawn, minlength=3) / 4000
    np.testing.assert_allclose(share, [0, 0.75, 0.25], atol=0.03)
    drawn = curriculum.draw(KEY, jnp.zeros(4), 4000)
    np.testing.assert_allclose(np.bincount(drawn) / 4000, np.full(4, 0.25), atol=0.03)


def test_flat_prompts_are_replaced_by_valuable_ones():
    """Only prompts 1 and 2 have a value; if none has, nothing moves."""
    flat = jnp.asarray([True, False, False, True])
    slots = curriculum.replace_flat(KEY, jnp.asarray([0.0, 1.0, 2.0, 0.0]), flat)
    assert slots[1] == 1 and slots[2] == 2 and set(slots.tolist()) <= {1, 2}
    slots = curriculum.replace_flat(KEY, jnp.zeros(4), flat)
    assert slots.tolist() == [0, 1, 2, 3]


def test_filtration_breaks_ties_as_a_stable_sort():
    """Ascending: the worst is the first of equals, the best the last."""
    best = filtration.best_of_group(REWARD, GROUP, 5)
    worst = filtration.worst_of_group(REWARD, GROUP, 5)
    for g in (0, 1, 2, 4):
        order = sorted(members(g), key=lambda i: float(REWARD[i]))
        assert [i for i in members(g) if best[i]] == [order[-1]]
        assert [i for i in members(g) if worst[i]] == [order[0]]
    ties = filtration.best_of_group(REWARD, GROUP, 5, all_ties=True)
    assert ties[jnp.asarray([0, 3, 6])].all()


def test_filtration_weights():
    """A lone row is the best and the worst: weight 1, or 0.4."""
    best = jnp.asarray([True, False, False])
    worst = jnp.asarray([True, False, True])
    assert filtration.best_worst_weights(best, worst).tolist() == [1, 0, 1]
    assert filtration.best_random_weights(best).tolist() == [0.4, 0.1, 0.1]
    weights = filtration.power_weights(jnp.asarray([-2.0, 0.0, 0.5]), 3)
    np.testing.assert_allclose(weights, [8, 0, 0.125])


def test_the_best_and_one_other():
    """Two rows a group, one of them the first of the best; a lone row stays."""
    seen = set()
    for number in range(20):
        kept = filtration.best_and_another(jax.random.key(number), REWARD, GROUP, 5)
        rows = [i for i in range(9) if kept[i]]
        assert {0, 1, 4, 8, 7} <= set(rows) and len(rows) == 7
        seen |= set(rows)
    assert seen == set(range(9))


def test_step_consistency():
    """2 (mean - mu), with the sign of the outcome; a shift of all scores cancels."""
    score = jnp.asarray([[1.0, 0.0], [0.5, jnp.nan], [jnp.nan, jnp.nan]])
    valid = jnp.asarray([[True, True], [True, False], [False, False]])
    right = jnp.asarray([True, False, True])
    want = [2 * (0.5 - 0.5), -2 * (0.5 - 0.5), 0]
    got = consistency.step_consistency(score, valid, right)
    np.testing.assert_allclose(got, want)
    moved = consistency.step_consistency(score + 3, valid, right)
    np.testing.assert_allclose(moved, got, atol=1e-12)
    blend = consistency.step_consistency(score, valid, right, center=0.25)
    np.testing.assert_allclose(blend, [0.5, -0.5, 0])
    steps = jnp.asarray([1, 2, 30, 31])
    assert consistency.length_charge(steps).tolist() == [-10, 0, 0, -10]


@pytest.mark.parametrize("right_count", range(9))
@pytest.mark.parametrize("remove", [0, 3, 4, 8, 9])
def test_keep_consistent_balances(right_count, remove):
    """By sorted lists; Python's `round` is half to even as well."""
    rng = np.random.default_rng(right_count)
    critic = rng.integers(-3, 4, 8) / 4
    right = rng.permutation(8) < right_count
    rows = [sorted(np.nonzero(s)[0], key=lambda i: critic[i]) for s in (right, ~right)]
    out = min(remove, 8)
    n = max(min(out, round((len(rows[0]) - len(rows[1]) + out) / 2)), 0)
    want = sorted(rows[0][n:] + rows[1][out - n :])
    arrays = (jnp.asarray(x) for x in (critic, right, ~right, np.zeros(8, int)))
    kept = consistency.keep_consistent(*arrays, 1, remove)
    assert np.nonzero(kept)[0].tolist() == want and len(want) == 8 - out


def test_replay_knows_what_to_keep():
    """Mean advantage over True tokens above 0, at most 10 iterations old."""
    advantage = jnp.asarray([[1.0, jnp.nan], [1.0, -1.0], [-1.0, 5.0], [0.0, 0.0]])
    mask = jnp.asarray([[True, False], [True, True], [True, True], [False, False]])
    worth = replay.worth_storing(advantage, mask)
    assert worth.tolist() == [True, False, True, False]
    age = replay.fresh(jnp.asarray([0, 5, 6]), jnp.asarray(15))
    assert age.tolist() == [False, True, True]


def test_recalibrated_by_medians():
    """The median of an even number lies half-way."""
    means, stds = jnp.asarray([0.2, 0.9, 0.4, 0.1]), jnp.asarray([0.5, 0.25])
    moved = replay.recalibrated(jnp.asarray([1.0, 0.0]), means)
    np.testing.assert_allclose(moved, [0.7, -0.3])
    scaled = replay.recalibrated(jnp.asarray([1.0]), means, stds, eps=0.125)
    np.testing.assert_allclose(scaled, [0.7 / 0.5])


def test_the_store_keeps_the_latest_row_of_a_slot():
    """Slot 2 has two rows that are kept, slot 0 none, slot 1 one."""
    stored = {"tokens": jnp.zeros((3, 2), int), "reward": -jnp.ones(3)}
    rows = {"tokens": jnp.arange(8).reshape(4, 2), "reward": jnp.arange(4.0)}
    keep = jnp.asarray([True, True, False, True])
    after = replay.remember(stored, rows, jnp.asarray([2, 1, 0, 2]), keep)
    assert after["reward"].tolist() == [-1, 1, 3]
    assert after["tokens"].tolist() == [[0, 0], [2, 3], [6, 7]]


def test_one_failed_row_is_replaced():
    """Group 0 failed and is stored, 1 failed and is not, 2 did not fail."""
    reward = jnp.asarray([0.0, 0.5, 0.0, 0.0, 0.0, 1.0, 0.0])
    group = jnp.asarray([0, 0, 0, 1, 1, 2, 2])
    stored = jnp.asarray([True, False, True])
    seen = set()
    for number in range(20):
        out = replay.to_replace(jax.random.key(number), reward, group, stored)
        assert int(out.sum()) == 1
        seen.add(int(jnp.argmax(out)))
    assert seen == {0, 1, 2}


def test_opposite_rows_are_of_the_same_prompt():
    """Group 0 is all wrong, 1 all right, 2 mixed; two are asked, one may be there."""
    right = jnp.asarray([False, False, True, True, True, False])
    group = jnp.asarray([0, 0, 1, 1, 2, 2])
    stored_right = jnp.asarray([True, False, False, True, False])
    stored_group = jnp.asarray([0, 0, 1, 2, 2])
    index, there = replay.opposite(
        KEY, right, group, stored_right, stored_group, num_groups=3, size=2
    )
    assert there.sum(axis=1).tolist() == [1, 1, 0]
    assert index[0, 0] == 0 and index[1, 0] == 2
