"""`rewardlab.check` finds what is broken, and nothing else."""

import jax.numpy as jnp
import pytest
from test_cli import refused, shown

import rewardlab
from rewardlab import SignalName, chain, check, estimator, per_channel, testing
from rewardlab.core.compose import named
from rewardlab.testing.degenerate import DEGENERATE
from rewardlab.transforms.credit import broadcast_to_tokens
from rewardlab.transforms.sources import outcome


def with_word(word):
    """A sentence of it, between an outcome and what spreads it."""
    return chain(outcome("correct"), word, broadcast_to_tokens())


def bent(f):
    return per_channel(lambda r, rollout: r.with_value(f(r.value, rollout)))


def others(rollout):
    """How many rows the group of each row has."""
    return jnp.sum(rollout.group[:, None] == rollout.group, axis=1)


def bonus(name: SignalName = "clarity", weight: float = 0.5):
    """r + weight * clarity, a signal [N] of one's own."""
    return bent(lambda x, rollout: x + weight * rollout.signal(name)[:, None])


def doubled_if_large(by: float):
    return bent(lambda x, rollout: x) if by < 1 else bent(lambda x, rollout: 2 * x)


BROKEN = {
    "rows are told apart by their place": (
        bent(lambda x, rollout: x * jnp.arange(len(x))[:, None]),
        "permutation",
    ),
    "what lies outside the mask is added": (
        bent(lambda x, rollout: x + jnp.sum(rollout.signal("ref_logp"))),
        "mask",
    ),
    "a group is divided by its rows but one": (
        bent(lambda x, rollout: x / (others(rollout) - 1)[:, None]),
        "groups of one",
    ),
    "a batch is divided by its own spread": (
        bent(lambda x, rollout: x / jnp.std(x)),
        "all signals equal",
    ),
    "a number is compared in Python": (named(doubled_if_large)(0.5), "numbers"),
}


@pytest.mark.parametrize("why", BROKEN)
def test_what_is_broken_is_found(why):
    word, law = BROKEN[why]
    found = check(with_word(word))
    assert found.findings[law].broken and not found.passed
    assert f"! {law} " in str(found)


def test_a_sound_sentence_passes_whatever_it_claims():
    """A signal of one's own has the shape that fits; what nobody claims may fail."""
    found = check(with_word(named(bonus)()))
    assert found.passed and not found.findings["shift"].broken
    assert found.findings["homogeneous"].verdict == "holds"
    assert found.findings["padding"].verdict == "holds"
    assert "! " not in str(found)


def test_a_method_must_keep_what_it_claims():
    found = check("rloo").findings
    claims = set(rewardlab.METHODS["rloo"].laws) - {"stopping"}
    assert {law for law, one in found.items() if one.must} >= claims
    assert all(
        found[law].verdict == "holds" for law in claims - {"devices", "stopping"}
    )


@pytest.mark.parametrize("spoil", DEGENERATE.values(), ids=DEGENERATE)
def test_degenerate_batches_are_rollouts(spoil):
    closed = estimator(rewardlab.resolve("grpo"))
    rollout = spoil(testing.batch())
    advantage, _ = closed.update({}, closed.init(rollout), rollout)
    assert advantage.shape == rollout.mask.shape


def test_the_command_line_says_it_with_its_status(capsys, monkeypatch):
    text = "outcome('clarity') | broadcast_to_tokens()"
    out = shown(capsys, monkeypatch, "check", text, "--signals=clarity=N")
    assert "All that must hold does." in out
    said = refused(capsys, monkeypatch, "check", "grpo", "--signals=clarity")
    assert "--signals='clarity' is not understood" in said
    monkeypatch.setattr(rewardlab.testing.Checked, "passed", False)
    with pytest.raises(SystemExit, match="1"):
        shown(capsys, monkeypatch, "check", text)
