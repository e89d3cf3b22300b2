"""Methods for turns on episodes that were played: their credit reaches single turns."""

import jax
import numpy as np
import pytest
from oracle import apply
from test_episodes import episodes

from rewardlab import estimator
from rewardlab.methods import METHODS
from rewardlab.scorers.given import alias

# What the method reads, and which signal of the environment stands for it here.
NAMES = {
    "igpo": {},
    "igpo_separate": {},
    "igpo_first_release": {},
    "g_ra": {"prm": "size"},
    "video_mtr": {"iou": "call"},
    "ppr": {"prm": "size"},
    "ui_s1": {"prm": "size", "match": "call"},
    "gigpo": {"prm": "size"},
    "gigpo_like_verl_agent": {"prm": "size"},
    "oprl": {"prm_logp": "entropy"},
    "spa_rl": {
        "contribution": "size",
        "grounding": "call",
        "value": "entropy",
        "ref_logp": "entropy",
    },
    "mira": {"milestones": "call"},
    "otc_grpo": {"tool_calls": "turns"},
    "otc_ppo": {"tool_calls": "turns"},
    "toolrl": {"format": "finished", "tool_match": "turns"},
    "toolpo": {"action": "turns"},
    "spear": {"calls": "turns"},
}
OF_EPISODES = {
    "g_ra",
    "otc_grpo",
    "otc_ppo",
    "toolrl",
    "spear",
}  # one number a row, as published


def also_as(rollout, names):
    """The rollout with signals under second names, as a run gives them."""
    for read, made in names.items():
        found = alias(read, made).score((), None, rollout, None)
        rollout = rollout.with_signals(**found)
    return rollout


@pytest.fixture(scope="module")
def played():
    return jax.tree.map(np.asarray, episodes())


@pytest.mark.parametrize("name", NAMES)
def test_credit_reaches_its_turn(played, name):
    rollout = also_as(played, NAMES[name])
    transform = estimator(METHODS[name].build())
    advantage = np.asarray(apply(transform, rollout))
    assert np.isfinite(advantage).all() and not advantage[~played.mask].any()
    spread = []
    for row, own, turn in zip(advantage, played.mask, played.step, strict=True):
        last = [row[own & (turn == k)][-1] for k in np.unique(turn[own])]
        spread.append(max(last) - min(last))
    assert (max(spread) > 1e-4) == (name not in OF_EPISODES)
    assert advantage.any()


def test_a_signal_has_its_validity_under_its_second_name(played):
    heard = np.arange(len(played.tokens)) % 2 == 0
    rollout = also_as(played.with_signals(size_valid=heard), {"prm": "size"})
    assert rollout.signals["prm"] is played.signals["size"]
    assert rollout.signals["prm_valid"] is heard
    again = also_as(rollout, {"prm": "entropy"}).signals["prm_valid"]
    assert again.all() and again.shape == played.signals["entropy"].shape
    assert "prm_valid" not in also_as(played, {"prm": "entropy"}).signals
    with pytest.raises(ValueError, match="no signal 'sizes'; have \\['anchor'"):
        also_as(played, {"prm": "sizes"})
