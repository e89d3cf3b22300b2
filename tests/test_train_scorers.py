"""Whole runs whose signals verifiers and comparators make, by name."""

import pytest
from test_train import numbers, tiny

from rewardlab.runs.training import train

GROUP = " | center_by_group() | broadcast_to_tokens()"
SLOW = pytest.mark.slow  # rows by rows: test_methods_train
SHORT = {"train.max_steps": 2, "eval.every": 2, "log.completions_every": 2}


def test_verifiers_and_comparators_judge_training_and_held_out_problems(tmp_path):
    """By the config's scorers, whose signals a reward adds up on two devices."""
    reward = (
        "outcome('bleu') | outcome('word_f1') | average('beats')"
        f" | weighted_sum(bleu=1, word_f1=1, beats=0.5){GROUP}"
    )
    scorers = "bleu('reference') | word_f1('reference') | beats('bleu')"
    train(tiny(reward=reward, scorers=scorers, **SHORT), tmp_path)
    rows = numbers(tmp_path)
    for name in ("bleu", "word_f1"):
        assert 0 <= rows[-1][f"rewards/{name}/mean"] <= 1
        assert 0 <= rows[-1][f"eval/{name}"] <= 1
    assert rows[-1]["rewards/bleu/mean"] > 0


@pytest.mark.parametrize(
    "name", ["arena_rl", *(pytest.param(n, marks=SLOW) for n in ("bleuberi", "remax"))]
)
def test_a_row_brings_its_scorers(name, tmp_path):
    config = tiny(reward=name, updates="", **SHORT)
    train(config, tmp_path)
    assert len(numbers(tmp_path)) == 3


def test_a_column_that_the_data_lack_is_named_before_anything_runs(tmp_path):
    config = tiny(reward="toolrl", scorers="toolrl('calls')")
    with pytest.raises(ValueError, match="'toolrl' reads the column 'calls' of the"):
        train(config, tmp_path)
