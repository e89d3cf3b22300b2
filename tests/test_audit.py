"""`rewardlab audit` finds what is known of estimators, and says what it cannot do."""

import inspect
import sys

import numpy as np
import pytest

import rewardlab
from rewardlab.__main__ import main
from rewardlab.audits import World, exact
from rewardlab.audits.audit import _in_company
from rewardlab.audits.facts import facts_of
from rewardlab.audits.paid import Payer, every_batch, makers_of
from rewardlab.audits.process import enumerated
from rewardlab.contrib import CONTRIB
from rewardlab.core.signatures import draws
from rewardlab.methods import resolve
from rewardlab.selection.words import SELECTORS
from rewardlab.transforms import TRANSFORMS

SMALL = World(turns=2, forks=(0,), decoys=(1,), effect=0.3, tokens=(1, 2))
THREE = World(turns=3, forks=(0, 2), decoys=(1,), effect=0.3, tokens=(1, 1))
LEAVE_OUT = "center_by_group(leave_one_out=True)"
GUIDED = (
    "process('potential') | potential_shaping(discount=1.0{}) | outcome('correct')"
    f" | weighted_sum(potential=1, correct=1) | step_returns_to_go() | {LEAVE_OUT}"
)


def test_a_deviation_is_biased_in_difficulty():
    """Leave-one-out is not; nor is the deviation where there is one difficulty."""
    found = rewardlab.audit("grpo", THREE)
    assert found.direction.bias > max(0.02, 5 * found.error.bias)
    assert rewardlab.audit("rloo", THREE).direction.bias < 1e-9
    one = rewardlab.audit("grpo", THREE.replaced({"ease": (0.1,)}), rows=2)
    assert one.direction.bias < 1e-9


def test_leave_one_out_has_the_true_gradient_with_its_length():
    found = rewardlab.audit("rloo", SMALL, rows=2)
    assert found.listed and found.direction.scale == pytest.approx(1, abs=1e-9)
    true = exact.gradient(enumerated(SMALL)).ravel()
    np.testing.assert_allclose(found.gradient, true, atol=1e-9)
    with_itself = rewardlab.audit("dr_grpo", SMALL, rows=2)  # (G - 1) / G of it
    np.testing.assert_allclose(with_itself.gradient, true / 2, atol=1e-9)


@pytest.mark.usefixtures("x64")
def test_draws_agree_with_the_list_of_all_batches():
    """Of a sentence whose credit depends on the others in its group."""
    facts = facts_of(enumerated(SMALL.replaced({"ease": (0.1,)})))
    transform = resolve("grpo")
    payer = Payer(facts, transform, makers_of(transform), 3)
    batches = every_batch(facts, 3, 10_000)
    paid = payer(batches, np.random.default_rng(0))
    chance = facts.chance[batches].prod(axis=1)
    assert chance.sum() == pytest.approx(1)
    each, _, _ = _in_company(payer, np.random.default_rng(0))
    for outcome in range(len(facts.episode)):
        there = chance[:, None] * (batches == outcome)
        listed = (there[..., None] * paid.credit).sum(axis=(0, 1)) / there.sum()
        np.testing.assert_allclose(each[outcome], listed, atol=0.12)


def test_a_potential_at_the_end_moves_the_optimum():
    """One that ends at 0 moves nothing, however wrong it is."""
    ends_at_zero = rewardlab.audit(
        GUIDED.format(""), THREE.replaced({"error": 0.5}), rows=2
    )
    assert not ends_at_zero.optimum.changed and ends_at_zero.direction.bias < 1e-9
    kept = rewardlab.audit(GUIDED.format(", final='calls'"), THREE, rows=2)
    assert kept.optimum.changed and kept.direction.bias > 0.05
    # busy turns are paid 1 each, and at the second fork that is wrong: it is worth 0.3
    assert kept.optimum == pytest.approx((0.75, 0.45))


def test_baselines_by_turn_are_biased_where_the_policy_may_stop():
    """And are not where all episodes are equally long."""
    text = "process('prm') | step_returns_to_go() | center_by_state()"
    paid = {"prm": "paid_at_the_end"}
    fixed = rewardlab.audit(text, THREE, rows=3, signals=paid)
    assert fixed.direction.bias < 1e-9
    may_stop = THREE.replaced({"stops": True})
    assert rewardlab.audit("rloo", may_stop, rows=3).direction.bias < 1e-9
    free = rewardlab.audit(text, may_stop, rows=3, signals=paid)
    assert free.direction.bias > max(0.01, 5 * free.error.bias)


def test_states_that_are_merged_and_states_that_only_look_alike():
    """The state's half of `gigpo`, undiscounted and without its deviation.

    In truly equal states its expected credit is the advantage, up to the states' scale;
    where observations agree and states do not, it is not. The expected gradient minds
    neither: what others were paid does not depend on the action.
    """
    text = (
        "process('prm') | return_from_step(discount=1) | center_by_state('anchor')"
        " | step_returns_to_go(discount=0)"
    )
    world = World(
        turns=3, forks=(0, 1), decoys=(2,), effect=0.4, ease=(0.1,), spread=0.2
    )
    paid = {"prm": "paid_at_the_end"}
    merged, aliased = (
        rewardlab.audit(text, world.replaced({"states": x}), rows=16, signals=paid)
        for x in ("merged", "aliased")
    )
    assert merged.credit.bias < 0.15 < 0.5 < aliased.credit.bias
    assert merged.credit.decoys < 0.1 < aliased.credit.decoys
    assert max(merged.direction.bias, aliased.direction.bias) < 0.05


def test_one_step_is_blind_to_the_first_half_of_xor():
    """What a step adds to the chance of success: all of it is paid to the second."""
    world = World(
        turns=2, forks=(0, 1), decoys=(), interaction="xor", effect=0.5, spread=0
    )
    found = rewardlab.audit(
        "progress('success') | step_returns_to_go(discount=0)",
        world,
        rows=2,
        signals={"success": "chances"},
    )
    assert found.paid[0] < 1e-9 and found.paid[1] > 0.2


def test_no_text_tells_a_hidden_bit():
    """The first fork's sign: texts give none, and outcomes do better than a coin."""
    world = World(
        turns=2, forks=(0,), decoys=(), ease=(0.0,), effect=1, spread=0, hidden=True
    )
    adds = "progress('success') | step_returns_to_go(discount=0)"
    chances = {"success": "chances"}
    found = rewardlab.audit(adds, world, rows=2, signals=chances)
    assert found.credit.sign == 0 and found.paid[0] < 1e-9
    judged = "process('prm') | step_returns_to_go(discount=0)"
    found = rewardlab.audit(judged, world, rows=2)
    assert found.credit.sign <= 0.5 and found.direction.cosine < 1e-9
    assert rewardlab.audit("rloo", world, rows=4).credit.sign > 0.8
    seen = world.replaced({"hidden": False})
    assert rewardlab.audit(adds, seen, rows=2, signals=chances).credit.sign == 1


def test_with_many_rows_unbiased_rows_point_the_true_way():
    cosines = [rewardlab.audit("rloo", SMALL, rows=n).budget for n in (2, 32)]
    assert cosines == sorted(cosines) and cosines[-1] > 0.98


def test_what_it_cannot_audit_is_said():
    with pytest.raises(ValueError, match="an enumerated process has no 'bleu'"):
        rewardlab.audit("bleuberi", SMALL)
    with pytest.raises(ValueError, match="nobody named 'judge' makes 'prm'"):
        rewardlab.audit("clip", SMALL, signals={"prm": "judge"})
    with pytest.raises(ValueError, match="flip_groups draws at random"):
        rewardlab.audit("noisy_grpo", SMALL)
    with pytest.raises(ValueError, match="no world 'flat'"):
        rewardlab.audit("grpo", "flat")
    with pytest.raises(ValueError, match="take 1 or more"):
        rewardlab.audit("grpo", SMALL, rows=0)


def test_words_that_draw_say_so():
    """Whoever calls `jax.random` has a `Seed` among its arguments; no other has."""
    words = {**TRANSFORMS, **CONTRIB, **SELECTORS}
    random = {w for w, make in words.items() if "jax.random" in inspect.getsource(make)}
    assert random == {w for w, make in words.items() if draws(make)} != set()


def test_the_true_advantage_as_credit_scores_best():
    """A step paid what it adds, with nothing wrong: every column is at its best."""
    text = "progress('success') | step_returns_to_go(discount=0)"
    found = rewardlab.audit(text, SMALL, rows=1, signals={"success": "chances"})
    assert found.direction.bias < 1e-9 and found.error.bias == 0
    credit = found.credit
    assert credit.correlation == pytest.approx(1) and credit.bias < 1e-9
    assert (credit.sign, credit.recall) == (1, 1)
    assert credit.decoys < 1e-9 and credit.precision == pytest.approx(1)


def test_the_command(capsys, monkeypatch):
    sentence = "outcome('correct') | broadcast_to_tokens()"
    said = ["turns=2", "forks=0", "decoys=1", "ease=0.1"]
    command = ["audit", sentence, "--rows=1", "--set", *said]
    monkeypatch.setattr(sys, "argv", ["rewardlab", *command])
    main()
    out = capsys.readouterr().out
    assert f"B: {sentence}" in out and "grpo" in out and "share of variance" in out
    row = next(line for line in out.splitlines() if line.startswith("B  "))
    assert row.split()[1] == "0.000" and "every batch listed" in out
    monkeypatch.setattr(sys, "argv", ["rewardlab", "audit", "grpo", "--hp", "tau=1"])
    with pytest.raises(SystemExit, match="2"):
        main()
    assert "no sentence here has 'tau'" in capsys.readouterr().err
