"""What an enumerated process says of itself, against loops over its equations."""

import itertools

import numpy as np
import pytest

from rewardlab.audits import WORLDS, World, exact, world_of
from rewardlab.audits.process import NEUTRAL, enumerated

SMALL = World(turns=3, forks=(0, 2), decoys=(1,), effect=0.3)
SMALLS = {
    "tree": SMALL,
    "three actions": SMALL.replaced({"actions": 3, "tokens": (1, 1, 2)}),
    "stops": SMALL.replaced({"stops": True}),
    "merged": SMALL.replaced({"states": "merged"}),
    "hidden": SMALL.replaced({"hidden": True}),
    "and": SMALL.replaced({"interaction": "and"}),
    "recovery": World(turns=3, forks=(0,), recovery=((0, 2),), decoys=(1,)),
}


@pytest.mark.parametrize("name", WORLDS)
def test_the_gradient_is_that_of_finite_differences(name):
    """Of the enumerated objective, each logit moved a little up and down."""
    process, step = enumerated(WORLDS[name]), 1e-5
    got, rng = exact.gradient(process), np.random.default_rng(0)
    assert np.abs(got).max() > 1e-3
    cells = list(np.ndindex(got.shape))
    picked = rng.permutation(len(cells))[:60] if len(cells) > 60 else range(len(cells))
    for at in (cells[i] for i in picked):
        moved = np.zeros(got.shape)
        moved[at] = step
        up = exact.objective(process, process.logits + moved)
        down = exact.objective(process, process.logits - moved)
        assert abs((up - down) / (2 * step) - got[at]) < 1e-6


def value(process, rows, k):
    """E[success] of the episodes `rows`, which agree before turn k: turn by turn."""
    ends = [e for e in rows if k == process.world.turns or process.actions[e, k] < 0]
    if ends:
        return process.success[ends[0]]
    p = np.exp(process.logits[process.state[rows[0], k]])
    p = p / p.sum()
    kept = [[e for e in rows if process.actions[e, k] == a] for a in range(len(p))]
    return sum(p[a] * value(process, some, k + 1) for a, some in enumerate(kept))


@pytest.mark.parametrize("name", SMALLS)
def test_advantages_are_those_of_a_loop(name):
    process = enumerated(SMALLS[name])
    got = exact.advantages(process)
    for e, k in np.ndindex(got.shape):
        if process.actions[e, k] < 0:
            assert got[e, k] == 0
            continue
        before = np.flatnonzero(process.history[:, k] == process.history[e, k])
        after = np.flatnonzero(process.history[:, k + 1] == process.history[e, k + 1])
        wanted = value(process, list(after), k + 1) - value(process, list(before), k)
        assert got[e, k] == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("name", WORLDS)
def test_shares_of_variance_sum_to_one(name):
    """A martingale's increments do not correlate."""
    process = enumerated(WORLDS[name])
    shares = exact.variance_shares(process)
    whole = shares.prompt + shares.bit + shares.turns.sum() + shares.verdict
    assert whole == pytest.approx(1, abs=1e-12)
    assert min(shares.turns) > -1e-15 and shares.turns.sum() > 0.01
    assert np.allclose(exact.chances(process).sum(), process.prompts)


def test_neutral_turns_and_decoys_earn_nothing():
    """Where what was done before is known; a decoy still goes with success."""
    world = World(spread=0)
    process = enumerated(world)
    true, weight = exact.advantages(process), exact.chances(process)
    assert np.abs(true[:, [0, 2]]).max() < 1e-12
    assert np.abs(true[:, 1]).min() > 0.05
    says = process.actions[:, 2] == 1
    success = [np.average(process.success[x], weights=weight[x]) for x in (says, ~says)]
    assert success[0] - success[1] > 0.1


def test_shapley_values_share_out_the_outcome():
    """They add up to R - E[R]; a turn that changes nothing has none."""
    process = enumerated(World(spread=0, decoys=()))
    got, value = exact.shapley(process), exact.values(process, process.history)
    np.testing.assert_allclose(got.sum(axis=1), value[:, -1] - value[:, 0], atol=1e-12)
    assert np.abs(got[:, [0, 2]]).max() < 1e-12
    for name in ("stops", "hidden", "three actions", "recovery"):
        process = enumerated(SMALLS[name])
        value = exact.values(process, process.history)
        gain = value[:, -1] - value[:, 0]
        np.testing.assert_allclose(
            exact.shapley(process).sum(axis=1), gain, atol=1e-12, err_msg=name
        )


def test_xor_hides_its_first_half():
    """Under a uniform policy no first half is worth anything, nor is a turn by itself.

    One step further the whole pair is paid to the second half; to leave a turn out
    pays each half all of it; the Shapley value splits it.
    """
    process = enumerated(WORLDS["xor"].replaced({"decoys": ()}))
    first, second = process.world.forks
    true, shapley = exact.advantages(process), exact.shapley(process)
    assert np.abs(true[:, first]).max() < 1e-12
    np.testing.assert_allclose(np.abs(true[:, second]), 0.25)
    weight = exact.chances(process)
    for k in (first, second):  # the mean of the episodes with an action at turn k
        ids = 2 * process.prompt + process.actions[:, k]
        alone = exact.mean_by(ids, process.success, weight)
        whole = exact.mean_by(process.prompt, process.success, weight)
        np.testing.assert_allclose(alone, whole, atol=1e-12)
        np.testing.assert_allclose(shapley[:, k], true[:, second] / 2, atol=1e-12)
        others = np.delete(process.actions, k, axis=1) @ 2 ** np.arange(3)
        left_out = exact.mean_by(8 * process.prompt + others, process.success, weight)
        gone = process.success - left_out
        np.testing.assert_allclose(gone, true[:, second], atol=1e-12)


def policies(process):
    """Every deterministic policy over histories: an action for each of them."""
    nodes = sorted({h for e in process.history[:, :-1] for h in e})
    for choice in itertools.product(range(process.world.actions), repeat=len(nodes)):
        yield dict(zip(nodes, choice, strict=True))


def follows(process, chosen, e):
    return all(
        chosen[process.history[e, k]] == a
        for k, a in enumerate(process.actions[e])
        if a >= 0
    )


@pytest.mark.parametrize("stops", [False, True])
def test_the_best_policy_is_that_of_all_policies(stops):
    world = World(turns=2, forks=(0,), decoys=(), ease=(0.1,), stops=stops)
    process, rng = enumerated(world), np.random.default_rng(0)
    for paid in (process.success, *rng.normal(size=(5, len(process.success)))):
        found = []
        for chosen in policies(process):
            on = [e for e in range(len(paid)) if follows(process, chosen, e)]
            assert len(on) == 1
            found.append((paid[on[0]], process.success[on[0]]))
        most = max(p for p, _ in found)
        truth = max(s for p, s in found if p > most - 1e-9)
        assert exact.best(process, paid) == pytest.approx((most, truth))


def test_recovery_makes_up_for_a_wrong_fork():
    process = enumerated(SMALLS["recovery"])
    wrong = process.right[:, 0] == 0
    again = wrong & (process.actions[:, 2] == 1)
    ease = np.array(process.world.ease)[process.prompt]
    good = process.success == ease + process.world.effect
    assert good[~wrong].all() and good[again].all() and not good[wrong & ~again].any()
    assert (process.right[~wrong, 2] == NEUTRAL).all()
    assert (exact.advantages(process)[~wrong, 2] == 0).all()


def test_merged_states_are_equal_and_aliased_ones_are_not():
    """By the values of the histories that share an anchor."""
    for states, equal in (("merged", True), ("aliased", False), ("tree", True)):
        process = enumerated(World(states=states))
        worth = exact.values(process, process.history)[:, :-1]
        spread = [np.ptp(worth[process.anchor == a]) for a in np.unique(process.anchor)]
        assert (max(spread) < 1e-12) == equal, states


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"turns": 13}, "turns must be"),
        ({"turns": 12, "actions": 4, "tokens": (1, 1, 1, 1)}, "take fewer turns"),
        ({"forks": (4,)}, "turns 0..3"),
        ({"forks": ()}, "one turn or more"),
        ({"decoys": (0,)}, "place it later"),
        ({"decoys": (3,)}, "no fork"),
        ({"effect": 0.6}, "leaves"),
        ({"interaction": "or"}, "additive, and, xor"),
        ({"states": "merged", "hidden": True}, "hidden bit"),
        ({"recovery": ((1, 3),)}, "not be a fork"),
        ({"tokens": (1,)}, "2 numbers"),
        ({"turn": 3}, "did you mean 'turns'"),
    ],
)
def test_a_world_that_cannot_be(given, says):
    with pytest.raises(ValueError, match=says):
        World().replaced(given)


def test_values_of_a_world_are_typed():
    world = world_of("plain", ["turns=6", "forks=1,4", "states=merged", "ease=0.2"])
    assert (world.turns, world.forks, world.states) == (6, (1, 4), "merged")
    assert world.ease == (0.2,)
    for text, says in (("turns", "write turns=6"), ("turns=a,b", "does not fit")):
        with pytest.raises(ValueError, match=says):
            world_of("plain", [text])
    with pytest.raises(ValueError, match="have plain"):
        world_of("flat")
