"""Rows from elsewhere, word by word: which enter, what they keep, what is stored."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rewardlab.core import masked
from rewardlab.core.types import Rollout
from rewardlab.selection import SELECTORS, rounds_of, select_rows, words_of
from rewardlab.selection.brings import Learnt, Told, own_rows
from rewardlab.selection.choosing import Seen

B, G, T, M = 3, 4, 5, 6  # prompts, rows of each, tokens, problems
KEY = jax.random.key(7)


def rollout_of(correct, iteration, first=0, **signals):
    """Rows of prompts `first`, first + 1, ... whose tokens tell iteration and row."""
    n = B * G
    number = 1000 * iteration + jnp.arange(n, dtype=jnp.int32)
    length = 1 + jnp.arange(n) % T
    mask = jnp.arange(T) < length[:, None]
    prompts = first + jnp.arange(B, dtype=jnp.int32)
    return Rollout(
        prompts=jnp.broadcast_to(prompts[:, None], (B, 2)),
        prompt_mask=jnp.ones((B, 2), bool),
        group=jnp.repeat(jnp.arange(B, dtype=jnp.int32), G),
        tokens=jnp.broadcast_to(number[:, None], (n, T)),
        mask=mask,
        valid=mask,
        step=jnp.where(mask, 0, -1),
        logp=-jnp.broadcast_to(number[:, None] / 1e4, (n, T)),
        signals={"correct": jnp.asarray(correct, jnp.float32).reshape(-1), **signals},
        iteration=jnp.asarray(iteration, jnp.int32),
    )


def told(iteration, first=0, key=KEY):
    place = first + jnp.arange(B, dtype=jnp.int32)
    return Told(key, jnp.asarray(iteration, jnp.int32), place)


def arrays(first=0):
    number = first + jnp.arange(B, dtype=jnp.int32)
    prompts = jnp.broadcast_to(number[:, None], (B, 2))
    return {"id": number, "prompts": prompts, "prompt_mask": jnp.ones((B, 2), bool)}


class Store:
    """A word and its state, as an iteration handles them."""

    def __init__(self, text):
        *self.before, self.word = words_of(text)
        self.state = self.word.init(rollout_of(np.zeros((B, G)), 0), arrays(), M)

    def enter(self, rollout, first=0, key=KEY, dropped=()):
        where = jnp.asarray([b in dropped for b in range(B)])
        case = (told(rollout.iteration, first, key), rollout, arrays(first), where)
        return self.word.enter(self.state, *case)

    def store(self, rollout, first=0, reward=None):
        reward = rollout.signals["correct"] if reward is None else jnp.asarray(reward)
        mean = masked.group_sum(reward, rollout)[rollout.group] / G
        advantage = (reward - mean)[:, None] * rollout.mask
        case = (told(rollout.iteration, first), rollout, arrays(first))
        self.state = self.word.store(self.state, *case, Learnt(reward, advantage))


FAIL, SOME, ALL = [0, 0, 0, 0], [0, 1, 0, 1], [1, 1, 1, 1]


@pytest.mark.parametrize(
    "text",
    ["replay_solved('correct')", "replay_opposite('correct', rows=2)", "recall()"],
)
def test_an_empty_store_changes_nothing(text):
    rollout, store = rollout_of([FAIL, SOME, ALL], 0), Store(text)
    after = store.enter(rollout, dropped=(0, 2)).rollout
    assert not jnp.any(masked.borrowed(after))
    for name in ("tokens", "mask", "logp", "prompts"):
        np.testing.assert_array_equal(getattr(after, name), getattr(rollout, name))


def test_a_solved_row_comes_back_where_all_fail():
    """The latest one, with its tokens, log-probs, facts and age; one a group."""
    store = Store("replay_solved('correct')")
    store.store(rollout_of([SOME, SOME, FAIL], 3))
    store.store(rollout_of([FAIL, SOME, FAIL], 4))
    rollout = rollout_of([FAIL, ALL, FAIL], 9)
    after = store.enter(rollout).rollout
    came = np.flatnonzero(masked.borrowed(after))
    assert len(came) == 1 and came[0] < G
    row = int(came[0])
    assert int(after.tokens[row, 0]) == 3003  # row 3 of iteration 3
    np.testing.assert_allclose(after.logp[row], -0.3003, rtol=1e-6)
    assert float(after.signals["correct"][row]) == 1.0
    assert int(after.signals["born"][row]) == 3
    assert int(jnp.sum(after.mask[row])) == 1 + 3 % T
    others = np.setdiff1d(np.arange(B * G), came)
    np.testing.assert_array_equal(after.tokens[others], rollout.tokens[others])
    assert (np.asarray(after.signals["born"])[others] == 9).all()


def test_which_row_makes_room_is_drawn_anew_whatever_is_stored():
    few, many = (Store("replay_solved('correct')") for _ in range(2))
    few.store(rollout_of([SOME, FAIL, FAIL], 1))
    many.store(rollout_of([SOME, SOME, SOME], 1))
    many.store(rollout_of([SOME, SOME, SOME], 1, first=3), first=3)
    rollout = rollout_of([FAIL, FAIL, FAIL], 2)
    seen = set()
    for number in range(12):
        rows = [
            np.flatnonzero(masked.borrowed(store.enter(rollout, key=key).rollout))
            for store in (few, many)
            for key in [jax.random.key(number)]
        ]
        assert rows[0][0] == rows[1][0] and len(rows[1]) == B
        seen.add(int(rows[0][0]))
    assert seen == set(range(G))


def test_rows_that_came_are_not_stored_again():
    store = Store("replay_solved('correct')")
    store.store(rollout_of([SOME, FAIL, FAIL], 1))
    after = store.enter(rollout_of([FAIL, FAIL, FAIL], 2)).rollout
    assert int(jnp.sum(own_rows(after))) == B * G - 1
    store.store(after)
    assert int(store.state["born"][0]) == 1


@pytest.mark.parametrize(
    ("now", "comes"), [(5, True), (6, False)], ids=["young", "old"]
)
def test_nothing_is_older_than_it_may_be(now, comes):
    for text in ("replay_solved('correct', most=3)", "recall(most=3)"):
        store = Store(text)
        store.store(rollout_of([SOME, FAIL, FAIL], 2))
        after = store.enter(rollout_of([FAIL, FAIL, FAIL], now), dropped=(2,)).rollout
        assert bool(jnp.any(masked.borrowed(after))) == comes, text


def test_rows_of_the_other_outcome_come_where_all_agree():
    """Two of each are kept, the latest; a mixed group stays, one own row at least."""
    store = Store("replay_opposite('correct', rows=2)")
    for i, rows in enumerate(([SOME, SOME, SOME], [ALL, FAIL, SOME], [SOME] * 3)):
        store.store(rollout_of(rows, i))
    rollout = rollout_of([FAIL, ALL, SOME], 5)
    after = store.enter(rollout).rollout
    came = np.asarray(masked.borrowed(after)).reshape(B, G)
    assert came.sum(axis=1).tolist() == [2, 2, 0]
    tokens, correct = np.asarray(after.tokens[:, 0]), after.signals["correct"]
    # Right rows of prompt 0 of iterations 1 and 2; wrong ones of prompt 1.
    assert sorted(tokens[:G][came[0]]) == [1003, 2003]
    assert sorted(tokens[G : 2 * G][came[1]]) == [1007, 2006]
    np.testing.assert_array_equal(np.asarray(correct).reshape(B, G).sum(1), [2, 2, 2])


def test_groups_of_the_past_stand_in_for_dropped_prompts():
    """Whole groups, of the rows with A > 0, under their own prompts; worth r - median
    of the means."""
    store = Store("keep_varied('correct', share=0.5) | recall(groups=2, most=10)")
    store.store(rollout_of([SOME, FAIL, [0, 0, 0, 1]], 1, first=3), first=3)
    rollout = rollout_of([SOME, FAIL, FAIL], 2)
    entered = store.enter(rollout, dropped=(1, 2))
    after = entered.rollout
    came = np.asarray(masked.replayed(after) & jnp.any(after.mask, 1)).reshape(B, G)
    assert came.sum(axis=1).tolist() in ([0, 2, 1], [0, 1, 2])
    prompts = np.asarray(after.prompts[:, 0])
    assert sorted(prompts[1:]) == [3, 5] and prompts[0] == 0
    np.testing.assert_array_equal(entered.arrays["id"], prompts)
    right = np.asarray(after.signals["correct"]).reshape(B, G)[came]
    worth = np.asarray(after.signals["recalled"]).reshape(B, G)[came]
    np.testing.assert_allclose(worth, right - 0.25)  # means 1/2, 0, 1/4
    kept = select_rows("keep_varied('correct', share=0.34) | recall()")(after)
    left = np.asarray(kept.mask).any(axis=1).reshape(B, G)
    assert left[0].all() and (left[1:] == came[1:]).all()


def test_the_oldest_groups_make_room():
    store = Store("keep_varied('correct') | recall(groups=2, most=10)")
    store.store(rollout_of([SOME, SOME, SOME], 1))
    assert sorted(np.asarray(store.state["arrays"]["id"])) == [1, 2]
    store.store(rollout_of([FAIL, SOME, FAIL], 2))
    assert sorted(np.asarray(store.state["born"])) == [1, 2]


def test_flat_prompts_become_copies_of_others():
    rollout = rollout_of([FAIL, SOME, ALL], 1)
    entered = Store("replace_flat('correct')").enter(rollout)
    np.testing.assert_array_equal(entered.source, [1, 1, 1])
    np.testing.assert_array_equal(entered.rollout.prompts[:, 0], [1, 1, 1])
    rows = np.tile(1000 + G + np.arange(G), B)
    np.testing.assert_array_equal(entered.rollout.tokens[:, 0], rows)
    same = Store("replace_flat('correct')").enter(rollout_of([FAIL, ALL, ALL], 1))
    np.testing.assert_array_equal(same.source, [0, 1, 2])


def test_statistics_are_those_of_the_last_visit():
    store = Store("prefer_valuable('correct')")
    store.store(rollout_of([SOME, ALL, FAIL], 1))
    store.store(rollout_of([FAIL, ALL, FAIL], 2, first=1), first=1)
    seen = store.state
    np.testing.assert_allclose(seen.mean, [0.5, 0, 1, 0, 0, 0])
    np.testing.assert_allclose(seen.std, [0.5, 0, 0, 0, 0, 0])
    np.testing.assert_allclose(seen.most, [1, 1, 1, 0, 0, 0])
    assert seen.visits.tolist() == [1, 2, 2, 1, 0, 0]


@pytest.mark.parametrize(
    ("text", "first", "never"),
    [
        ("leave_solved('correct', among=2)", {0, 2, 3}, {1}),
        ("prefer_middling('correct', width=0.05)", {0, 4, 5}, {1, 2, 3}),
        ("prefer_valuable('correct')", {0, 4, 5}, {1, 2, 3}),
        ("prefer_hard('correct', temperature=0.01)", {2, 3, 4, 5}, {1}),
    ],
)
def test_problems_are_chosen_by_what_was_seen(text, first, never):
    """Of six problems 0 is half solved, 1 always, 2 and 3 never; 4 and 5 are new."""
    store = Store(text)
    zero, half = jnp.zeros(M), jnp.asarray([0.5, 0, 0, 0, 0, 0])
    mean = jnp.asarray([0.5, 1, 0, 0, 0, 0])
    visits = jnp.asarray([2, 2, 2, 2, 0, 0])
    state = Seen(mean, half, zero, visits)
    seen = set()
    for number in range(20):
        case = Told(jax.random.key(number), jnp.zeros((), int), jnp.arange(M))
        rows = store.word.chosen(state, case, 3).tolist()
        assert len(set(rows)) == 3 and rows == sorted(rows)
        seen |= set(rows)
    assert first <= seen and not never & seen
    assert rounds_of(text) == 2


def test_two_words_that_take_problems_from_more_are_refused():
    with pytest.raises(ValueError, match="two words that take the problems"):
        rounds_of("leave_solved('correct') | drop_uniform('correct') | refill(2)")
    with pytest.raises(ValueError, match=r"among in \[2, inf\)|give among"):
        words_of("leave_solved('correct', among=1)")
    assert {"recall", "expert_rows"} <= set(SELECTORS)
