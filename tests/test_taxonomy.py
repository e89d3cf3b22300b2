"""Columns of the taxonomy: what is read from a sentence, and what is said by hand."""

import jax
import numpy as np
import pytest

import rewardlab
from rewardlab import METHODS
from rewardlab.methods import columns, taxonomy, units
from rewardlab.methods.survey import CELLS, RULES
from rewardlab.methods.taxonomy import granularity, methodology, place_of
from rewardlab.methods.weak import WEAK
from rewardlab.show import credit
from rewardlab.testing import ragged
from rewardlab.transforms import SOURCES

GRPO = "outcome('correct') | center_by_group() | broadcast_to_tokens()"
VALUES = {
    "granularity": set(units.UNITS),
    "methodology": set(columns.FAMILIES),
    "setting": {"reasoning", "agentic", "multi-agent"},
    "kind": {"core", "adjacent"},
    "tier": {"restored", "matched", "counterfactual", "proxy", "-"},
    "state": {"observed", "matched", "restored", "latent", "-"},
    "source": {
        "real rerun",
        "decoder restore",
        "environment restore",
        "log match",
        "model proxy",
        "-",
    },
    "enters": {"reward", "advantage", "mask", "loss weight", "loss"},
}


def test_every_row_has_every_column():
    """Each with a word of the survey's, and each word is some row's."""
    places = [place_of(name) for name in METHODS]
    for column, values in VALUES.items():
        assert {getattr(place, column) for place in places} == values, column
    for place in places:  # what redistributes a reward pays parts of a row apart
        assert place.kind != "core" or place.granularity != "trajectory"


def test_what_is_said_by_hand_is_of_rows_and_signals_that_there_are():
    """And says another than what is derived."""
    said = (columns.FAMILY, columns.KIND, columns.SETTING)
    assert set().union(*said) <= set(METHODS)
    for name, setting in columns.SETTING.items():
        own = taxonomy._reads(METHODS[name], METHODS[name].build(), METHODS[name].loss)
        assert taxonomy._setting(METHODS[name].reward, own) != setting, name
    known = set(rewardlab.core.signals.SIGNALS)
    told = set().union(*(names for _, names in columns.READS))
    assert told | columns.OF_AGENTS | columns.OF_EPISODES <= known
    assert set(units._STAND) <= known


def test_every_source_is_one_by_row_by_step_or_by_token():
    by_row = set(SOURCES) - units._BY_TOKEN - units._BY_STEP - units._PENALTIES
    shown = {"outcome", "average", "majority_vote", "members", "rubric", "perplexity"}
    shown |= {"min_uncertainty_member", "entropy_ranking", "tool_efficiency"}
    assert by_row == shown | {"tool_efficiency_by_group"}


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.method)
def test_rows_stand_where_the_survey_has_them(cell):
    """Or it is said why they do not; a method without a row is none of another name."""
    if cell.row not in METHODS:
        titles = " ".join(m.title for m in METHODS.values())
        assert f"{cell.method}:" not in titles
        return
    place = place_of(cell.row)
    there = (cell.granularity, cell.methodology)
    assert ((place.granularity, place.methodology) == there) is not bool(cell.differs)


def test_what_is_weak_is_said_of_rows_and_with_a_source():
    assert all(fact and source for _, fact, source in WEAK)
    assert {row for row, _, _ in WEAK} - {""} <= set(METHODS)


def test_most_methods_of_the_survey_have_rows():
    here = [cell for cell in CELLS if cell.row in METHODS]
    assert len(here) >= 20 and len([c for c in here if c.differs]) <= 5
    assert all(any(row in METHODS for row in r.methods.values()) for r in RULES[:4])


@pytest.mark.parametrize(
    ("sentence", "unit"),
    [
        (GRPO, "trajectory"),
        ("outcome('correct') | returns_to_go()", "trajectory"),
        ("outcome('correct') | returns_to_go(discount=0.9)", "token"),
        ("outcome('correct') | gae('value')", "token"),
        ("process('prm') | gae('value')", "turn"),
        ("process('prm') | episode_return() | broadcast_to_tokens()", "trajectory"),
        ("dense('flow') | step_returns_to_go(discount=0)", "turn"),
        (f"{GRPO} | keep_high_entropy(share=0.2)", "token"),
        (f"{GRPO} | weigh('difficulty')", "trajectory"),
        (f"{GRPO} | masked_importance(min_weight=0.5, max_weight=2)", "trajectory"),
        (
            "outcome('correct') | kl_penalty(0.1) | weighted_sum(correct=1, kl=1)",
            "token",
        ),
        (
            "process('prm') | kl_penalty(0.1) | weighted_sum(prm=1, kl=1)"
            " | returns_to_go()",
            "turn",
        ),
        (
            "outcome('correct') | process('prm') | on('prm', episode_return())"
            " | weighted_sum(correct=1, prm=1) | broadcast_to_tokens()",
            "trajectory",
        ),
        ("process('prm') | center_by_state('agent')", "agent"),
    ],
)
def test_granularity_of_a_sentence(sentence, unit):
    assert granularity(sentence) == unit


def ours():
    """A word that is made of others."""
    return rewardlab.build("center_by_group() | keep_high_entropy(share=0.2)")


def theirs():
    """A word that says nothing of itself."""
    return rewardlab.per_channel(lambda reward, rollout: reward)


def test_granularity_of_words_of_ones_own():
    """Made of words that are known they are read; of others nothing is claimed."""
    one = f"{GRPO} | {__name__}:"
    assert granularity(f"{one}ours()") == "token"
    assert granularity(f"{one}theirs()") == ""
    assert place_of(f"{one}theirs()").enters == ""


@pytest.mark.parametrize("name", ["g_ra", "duration_aware", "dr_mas"])
def test_granularity_is_what_the_advantage_does(name):
    """Numbers differ within a row only between units that are said to be paid apart."""
    assert granularity(name) == seen(name)


# What the numbers show beside what is said, and why.
BESIDE = {
    "a KL penalty by token": "pure_openrlhf pure_verl spa_rl mappa score score_stage_1",
    "a discount by token": "oni carl",
    "masks of tokens that are made up here": "spo_segment scar arpo_hard mt_grpo",
    "agents, turn by turn": "hierarchical_grpo rae marti sharp m_grpo",
    "corrections for other samplers": "grpo_tis grpo_mis kpop",
    "losses, which are not asked here": "tgdpo t_reg sport sweet_rl",
    "rows that say nothing twice": "cosine_length",
    "rewards that do not cross what is observed": "reinforce_pp_like_verl",
}
TREES = {"spo_tree", "spo_tree_std", "critical_actions"}  # of nodes that end with turns


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted({*METHODS} - TREES))
def test_granularity_of_every_row_is_what_its_advantage_does(name):
    told = name in " ".join(BESIDE.values()).split()
    assert (granularity(name) == seen(name)) is not told


def seen(name):
    """The coarsest unit within which a row's advantages are equal, on one rollout."""
    rollout = ragged(0, prompts=2, samples=4)
    advantage = rewardlab.estimator(rewardlab.resolve(name))
    with jax.enable_x64(True):
        a, _ = advantage.update({}, advantage.init(rollout), rollout)
    step, segment = rollout.step, rollout.signals["segment"]
    agent = np.asarray(rollout.signals["agent"])
    by = {
        "trajectory": np.zeros_like(step),
        "agent": np.take_along_axis(agent, np.maximum(step, 0), 1),
        "turn": step,
        "segment": np.asarray(segment),
    }
    equal = (k for k, ids in by.items() if _spread(np.asarray(a), rollout, ids) < 1e-9)
    return next(equal, "token")


def _spread(a, rollout, ids):
    """The widest range of the advantages of a row's tokens with the same id."""
    return max(
        np.ptp(a[i, there])
        for i in range(len(a))
        for k in np.unique(ids[i])
        if (there := np.asarray(rollout.mask[i]) & (ids[i] == k)).any()
    )


def test_methodology_of_a_sentence():
    assert methodology(GRPO) == "Monte Carlo"
    assert methodology("outcome('correct') | gae('value')") == "TD"
    assert methodology("process('flaws') | returns_to_go()") == "critic"
    assert methodology("process('shapley') | gae('value')") == "game"
    assert methodology(f"{GRPO} | keep_high_entropy(share=0.2)") == "information"
    assert methodology("vineppo") == "Monte Carlo" and methodology("turn_ppo") == "TD"


def test_a_loss_may_pay_tokens_apart():
    assert granularity("online_dpo") == "trajectory"
    assert granularity("online_dpo", "t_reg(beta=1, alpha=1)") == "token"


def test_the_map_counts_every_row_once():
    """And frames the survey's cells, empty ones too, with its methods' names."""
    axes = credit.figure().axes[0]
    texts = [text.get_text() for text in axes.texts]
    assert sum(int(text) for text in texts if text.isdigit()) == len(METHODS)
    occupied = {(cell.granularity, cell.methodology) for cell in CELLS}
    assert len([x for x in axes.patches if x.get_linewidth() == 1.1]) == len(occupied)
    empty = len(units.UNITS) * len(columns.FAMILIES) - len(credit._cells())
    assert texts.count("–") == empty > 0
    names = ", ".join(texts).replace("\n", " ")
    assert all(cell.method in names for cell in CELLS)
