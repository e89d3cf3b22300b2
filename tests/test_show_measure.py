"""`rewardlab measure`, `compare`, `distance` and `judged`, by hand."""

import json
import sys

import numpy as np
import pytest

from rewardlab.__main__ import main
from rewardlab.analysis import epic
from rewardlab.show.compare import apart, tabular
from rewardlab.show.judged import read, scores
from rewardlab.show.measure import of_signals, outcomes, powers
from rewardlab.show.recorded import recorded, rollout_of

RNG = np.random.default_rng(3)


def line(row, group, correct, score, tokens, **signals):
    """A completion of a file: every token the policy's, two steps."""
    size = len(tokens)
    return {
        "step": 5,
        "row": row,
        "group": group,
        "prompt": "1+1=",
        "completion": f"wait, {score}",
        "reward": correct,
        "signals": {"correct": correct, "score": score, **signals},
        "prompt_tokens": [1],
        "texts": ["a"] * size,
        "tokens": tokens,
        "mask": [True] * size,
        "step_of_token": [min(t // 2, 1) for t in range(size)],
        "logp": [-0.5] * size,
        "advantage": [0.0] * size,
    }


def four():
    """Two prompts of two completions; the score finds the right one of the first."""
    rows = [(0, 0.0, 0.25), (0, 1.0, 0.75), (1, 1.0, 0.5), (1, 1.0, 0.5)]
    tokens = [[3, 3, 3, 3, 3], [1, 2, 3, 4], [1, 2], [2, 1]]
    return [
        line(
            *(n, *row, tokens[n]),
            sampler_logp=[-0.5] * len(tokens[n]),
            ref_logp=[-1.0 * n] * len(tokens[n]),
            step_correct=[1.0, float(n == 1)],
            step_correct_valid=[True, True],
            members=[row[2], 0.5],
        )
        for n, row in enumerate(rows)
    ]


@pytest.fixture
def run(tmp_path):
    (tmp_path / "completions").mkdir()
    file = tmp_path / "completions" / "completions_00005.jsonl"
    file.write_text("".join(json.dumps(x) + "\n" for x in four()))
    return tmp_path


def said(capsys, monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["rewardlab", *map(str, arguments)])
    monkeypatch.setenv("COLUMNS", "300")
    main()
    return capsys.readouterr().out


def refused(capsys, monkeypatch, *arguments):
    with pytest.raises(SystemExit, match="2"):
        said(capsys, monkeypatch, *arguments)
    return " ".join(capsys.readouterr().err.split())


def test_a_file_becomes_arrays(run):
    step, texts, rollout = recorded(run)
    assert step == 5 and texts[0] == "wait, 0.25"
    assert rollout.tokens.shape == (4, 5) and rollout.mask.sum() == 13
    assert rollout.group.tolist() == [0, 0, 1, 1] and rollout.prompts.shape == (2, 1)
    shapes = {name: x.shape for name, x in rollout.signals.items()}
    assert shapes["correct"] == (4,) and shapes["sampler_logp"] == (4, 5)
    assert shapes["step_correct"] == (4, 2) and shapes["members"] == (4, 2)
    assert rollout.signals["step_correct_valid"].dtype == bool
    assert rollout.step[1].tolist() == [0, 0, 1, 1, -1]


def test_outcomes_by_hand():
    found = outcomes(rollout_of(four()))
    assert str(found["pass@1"]).startswith("0.750") and found["completions"] == 4
    assert str(found["pass@2"]).startswith("1.000")
    # only row 1 has an answer and all steps right
    assert found["cot_pass@1"] == 0.25 and found["cot_pass@2"] == 0.5
    # min(c / 8, 1) c / n of (1, 2) of 2
    assert found["balance"] == pytest.approx((1 / 8 * 1 / 2 + 2 / 8 * 1) / 2)
    assert found["balance, as its code"] == pytest.approx((1 / 8 + 2 / 8) / 2)
    assert found["prompts without spread"] == 0.5
    # 5 equal tokens are 2 equal 4-grams
    assert found["repeated 4-grams"] == pytest.approx(0.5 / 4)
    assert found["off_policy/kl"] == 0 and found["off_policy/sample size"] == 1


def test_signals_against_the_verdict():
    found = of_signals(rollout_of(four()))
    assert set(found) == {"score", "members"}
    row = found["score"]
    # ranks 1, 4, 2.5, 2.5 against 1, 3, 3, 3
    a, b = np.array([1, 4, 2.5, 2.5]) - 2.5, np.array([1, 3, 3, 3]) - 2.5
    rho = (a @ b) / np.sqrt((a @ a) * (b @ b))
    assert row["rho"] == pytest.approx(rho)
    assert row["at most"] == 0.25
    assert row["best of 1 (0.00 nats)"] == 0.75 and row["best of 2 (0.19 nats)"] == 1
    # bins 0.25: 0 of 1; 0.5: 2 of 2; 0.75: 1 of 1
    assert row["ECE"] == pytest.approx((0.25 + 2 * 0.5 + 0.25) / 4)
    assert row["MCE"] == pytest.approx(0.5)
    # KLs: 5 * (-0.5 - 0), 4 * 0.5, 2 * 1.5, 2 * 2.5: below 2.5 are rows 0 and 1
    assert row["rho near reference"] == pytest.approx(1)
    assert row["rho far from it"] == 0


def test_powers():
    assert powers(1) == [1] and powers(2) == [1, 2] and powers(6) == [1, 2, 4, 6]


def test_two_sentences_on_one_file():
    rollout = rollout_of(four())
    same = apart(
        "dr_grpo",
        "outcome('correct') | weighted_sum(correct=3)"
        " | center_by_group() | broadcast_to_tokens()",
        rollout,
    )
    assert same["distance"] == pytest.approx(0, abs=1e-3)
    assert same["opposite signs"] == 0 and same["rho of ranks"] == pytest.approx(1)
    turned = apart(
        "dr_grpo",
        "outcome('correct') | weighted_sum(correct=-1)"
        " | center_by_group() | broadcast_to_tokens()",
        rollout,
    )
    assert turned["distance"] == pytest.approx(1)
    assert turned["opposite signs"] == pytest.approx(9 / 13)


def test_shaped_rewards_are_near_and_others_not():
    """Potential shaping and scale leave EPIC, STARC and regret at 0."""
    reward = RNG.normal(size=(4, 2, 4))
    transition = RNG.dirichlet(np.ones(4), size=(4, 2))
    shaped = 2 * epic.shaped(reward, RNG.normal(size=4), 0.9)
    found = tabular(reward, shaped, transition, 0.9)
    assert all(abs(x) < 1e-6 for x in found.values()), found
    other = tabular(reward, -reward, transition, 0.9)
    assert other["EPIC"] == pytest.approx(1) and other["direct"] == pytest.approx(1)
    assert other["STARC, VAL"] == pytest.approx(2)
    # the best policy for -R is the worst for R
    assert other["regret by a of training on b"] == pytest.approx(1)


def test_scores_of_a_reward_model(tmp_path):
    file = tmp_path / "scores.jsonl"
    lines = [
        {"right": [0.9], "wrong": [0.2, 0.4, 0.1], "id": 1},
        {"right": [0.3], "wrong": [0.5, 0.1, 0.3], "id": 2},
        {"right": [0.8, 0.7], "wrong": [0.1], "id": 1},
    ]
    file.write_text("".join(json.dumps(x) + "\n" for x in lines))
    found = scores(read(str(file)))
    assert found["accuracy"] == pytest.approx(2 / 3) == found["with ties"]
    assert found["MRR"] == pytest.approx((1 + 1 / 3 + 1) / 3)
    assert found["relative rank"] == pytest.approx((1 + 1 / 3 + 1) / 3)
    assert found["best of n"] == pytest.approx(0.5)
    # one pair: margin 0.6 and 0.5 over spread 0.1; references right in 1 of 2
    want = 0.3 + 0.3 * 0.5 + 0.2 + 0.2 + 0.01 * np.tanh(0.5 / 0.1 - 1)
    assert found["ties"] == pytest.approx(want)


def test_scores_of_steps():
    lines = [{"right": [[0.9, 0.5]], "wrong": [[0.6, 0.6], [0.1, 1.0]]}]
    found = scores(lines)
    assert found["min accuracy"] == 0 and found["mean accuracy"] == 1
    assert found["max accuracy"] == 0 and found["last accuracy"] == 0


def test_the_commands(run, capsys, monkeypatch, tmp_path):
    out = said(capsys, monkeypatch, "measure", run, "--phrases", "wait,hence")
    assert "step 5" in out and "pass@2" in out and "score" in out
    assert "'wait' a completion" in out and "doubt at the top" in out
    assert "distance" in said(capsys, monkeypatch, "compare", run, "grpo", "dr_grpo")
    file = tmp_path / "tables.npz"
    one = RNG.normal(size=(3, 2, 3))
    np.savez(file, a=one, b=-one, transition=np.full((3, 2, 3), 1 / 3))
    assert "STARC, VAL" in said(capsys, monkeypatch, "distance", file)
    judged = tmp_path / "scores.jsonl"
    judged.write_text('{"right": [1], "wrong": [0]}\n')
    assert "MRR" in said(capsys, monkeypatch, "judged", judged)


def test_what_is_refused(run, capsys, monkeypatch, tmp_path):
    told = refused(capsys, monkeypatch, "measure", run, "--step", "7")
    assert "no completions of step 7; have [5]" in told
    (tmp_path / "empty").mkdir()
    told = refused(capsys, monkeypatch, "measure", tmp_path / "empty")
    assert "has no completions; train with" in told
    file = tmp_path / "tables.npz"
    np.savez(file, a=np.zeros((3, 2, 3)), b=np.zeros((3, 2, 3)))
    assert "has no 'transition'" in refused(capsys, monkeypatch, "distance", file)
    np.savez(file, a=np.zeros((3, 2, 3)), b=np.zeros(3), transition=np.zeros(3))
    assert "all must be [S, A, S]" in refused(capsys, monkeypatch, "distance", file)
    assert "no file" in refused(capsys, monkeypatch, "distance", tmp_path / "x.npz")
    judged = tmp_path / "scores.jsonl"
    judged.write_text('{"right": [1], "wrong": []}\n')
    assert "line 1 is no judged prompt" in refused(
        capsys, monkeypatch, "judged", judged
    )
    judged.write_text("")
    assert "is empty" in refused(capsys, monkeypatch, "judged", judged)
