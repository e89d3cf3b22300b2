"""The survey's rules of choice: what is understood, and which rows answer."""

import pytest
from test_cli import refused, shown

from rewardlab.methods.choice import Case, case_of, rules_for


@pytest.mark.parametrize(
    ("said", "case"),
    [
        ("one turn, 2000 tokens", Case(turns=1, tokens=2000)),
        ("1 turn, 8k tokens, restarts", Case(turns=1, tokens=8000, restarts=True)),
        ("30 Turns, no helper model", Case(turns=30, helper=False)),
        ("40 turns,helper", Case(turns=40, helper=True)),
        ("agents", Case(agents=True)),
        ("1 agents", Case(agents=False)),
        ("an agent of 20 turns", Case(turns=20, agents=False)),
        ("A single turn of 2k tokens", Case(turns=1, tokens=2000)),
        ("several agents with a helper", Case(agents=True, helper=True)),
        ("30 turns without a helper model", Case(turns=30, helper=False)),
        ("9 turns and restarts", Case(turns=9, restarts=True)),
        ("9 turns without restarts", Case(turns=9, restarts=False)),
    ],
)
def test_a_task_in_words(said, case):
    assert case_of(said) == case


@pytest.mark.parametrize(
    ("said", "rows"),
    [
        ("one turn, 5000 tokens", [{"grpo", "pure", "spo_segment", "spro"}]),
        ("one turn, 5001 tokens", [{"hicra", "capo", "spro"}]),
        ("7k tokens", [{"hicra", "capo", "spro"}]),
        ("restarts", [{"vineppo", "scar"}]),
        ("30 turns, no helper", [{"gigpo", "critical_actions", "oprl", "poad"}]),
        ("2 turns, helper", [{"agent_prm", "sweet_rl"}]),
        ("31 turns, helper", [{"c3", "ccpo", "hcapo", "igpo"}]),
        ("agents", [{"m_grpo", "sharp", "mappa", "dr_mas"}]),
    ],
)
def test_the_rules_of_the_survey(said, rows):
    assert [set(rule.methods.values()) for rule in rules_for(case_of(said))] == rows


def test_what_is_not_said_is_answered_both_ways():
    assert len(rules_for(case_of("one turn"))) == 2
    assert [rule.helper for rule in rules_for(case_of("9 turns"))] == [False, True]
    several = rules_for(case_of("50 turns, restarts, agents"))
    assert [rule.when.split()[-1] for rule in several] == [
        "restarts",
        "turns",
        "agents",
    ]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("one turn, a banana", "'banana' is not understood; say 'one turn' or 'N"),
        ("one turn, 3 turns", "turns are said twice, and differ; say them once"),
        ("no helper", "no rule of the survey answers so little; say 'one turn'"),
        ("0 turns", "an episode has at least one turn and one token"),
        (" , ", "no rule of the survey answers so little"),
    ],
)
def test_words_that_are_no_task(said, why):
    with pytest.raises(ValueError, match=why):
        rules_for(case_of(said))


def test_rows_for_a_task_are_shown_with_what_they_need(capsys, monkeypatch):
    out = shown(capsys, monkeypatch, "methods", "--for", "one turn, 2000 tokens")
    assert "one turn of at most 5,000 tokens" in out and "hicra" not in out
    line = next(line for line in out.splitlines() if line.startswith("spo_segment"))
    assert "costs 72 restarts" in line and "trains by its name on arithmetic" in line
    out = shown(capsys, monkeypatch, "methods", "--for", "12 turns, helper model")
    assert "2604.09459" in out
    said = refused(capsys, monkeypatch, "methods", "--for", "soon")
    assert said.startswith("'soon' is not understood; say 'one turn' or 'N turns'")
    said = refused(capsys, monkeypatch, "methods", "token", "--for", "agents")
    assert said == "say words or --for, one of the two"
