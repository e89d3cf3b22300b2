"""Runs with equal programs: one compilation, and the numbers of runs alone."""

import contextlib

import jax
import pytest
from test_train import numbers, tiny

from rewardlab.runs.alike import MOST, program_of, programs_kept
from rewardlab.runs.config import use_reward
from rewardlab.runs.lanes import side_by_side
from rewardlab.runs.training import train

REWARD = (
    "process('prm') | clip_reward(eta) | episode_return() | center_by_group() | "
    "broadcast_to_tokens()"
)
EVENT = "/jax/core/compile/backend_compile_duration"


def config(seed=0, eta=0.5, **changes):
    short = {"train.max_steps": 2, "eval.every": 2, "mesh.devices": 1, "updates": ""}
    made = tiny(**{"reward": "grpo", "seed": seed, **short, **changes})
    use_reward(made, REWARD)
    made.hp.eta = eta
    return made


@contextlib.contextmanager
def compiled():
    """The programs that JAX makes inside, from its own cache on the disk too."""
    count = [0]

    def listen(event, *_, **__):
        count[0] += event == EVENT

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        yield count
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)


SAME = [
    {"seed": 1},
    {"eta": 0.25},
    {"optim.lr": 0.1},
    {"rollout.temperature": 0.5},
    {"eval.temperature": 0.5},
    {"model.init_from": "runs/other"},
    {"checkpoint.every": 1},
    {"log.completions_every": 1},
]
OTHER = [
    {"optim.name": "sgd"},
    {"optim.b1": 0.5},
    {"train.max_steps": 3},
    {"rollout.num_prompts": 8},
    {"eval.temperature": 0.0},
    {"mesh.devices": 2},
    {"loss": "clipped(0.2) | token_mean()"},
    {"select": "drop_uniform('correct')"},
    {"updates": "epochs(2)"},
    {"task.difficulty.train": 32},
]


@pytest.mark.parametrize("changes", SAME, ids=str)
def test_what_is_an_argument_is_the_same_program(changes):
    assert program_of(config(**changes)) == program_of(config())


@pytest.mark.parametrize("changes", OTHER, ids=str)
def test_what_shapes_a_program_is_another(changes):
    assert program_of(config(**changes)) != program_of(config())


def test_a_number_in_a_loss_or_a_literal_is_an_argument_and_a_word_is_none():
    losses = [f"clipped({x}) | kl({y}) | token_mean()" for x, y in ((0.2, 1), (0.3, 2))]
    assert len({program_of(config(loss=x)) for x in losses}) == 1
    made = [config(), config()]
    for one, eta in zip(made, (0.5, 0.25), strict=True):
        use_reward(one, REWARD.replace("(eta)", f"({eta})"))
    assert program_of(made[0]) == program_of(made[1]) != program_of(config())


def test_runs_that_differ_in_numbers_compile_once(tmp_path):
    """And each ends with the very numbers that it has alone."""
    others = [config(1), config(2, eta=0.02), config(0, **{"optim.lr": 0.1})]
    with programs_kept() as kept:
        with compiled() as first:
            train(config(), tmp_path / "first")
        with compiled() as later:
            for i, other in enumerate(others):
                train(other, tmp_path / str(i))
        assert len(kept.runs) == 1 and not kept.alone
    assert first[0] > 5 and later[0] == 0
    found = [numbers(tmp_path / name) for name in ("first", "0", "1", "2")]
    assert len({str(rows) for rows in found}) == 4
    train(others[1], tmp_path / "alone")
    assert numbers(tmp_path / "alone") == found[2]


@pytest.mark.slow
def test_no_more_than_a_few_programs_are_kept(tmp_path):
    with programs_kept() as kept:
        for i in range(MOST + 2):
            train(config(**{"optim.b1": 0.1 * (i + 1)}), tmp_path / str(i))
    assert len(kept.runs) == MOST


def test_lanes_end_with_the_scores_of_runs_alone(tmp_path):
    """One lane fails before the others and one is longer: they go on without it."""
    made = [config(), config(1, eta=0.25), config(2, **{"optim.lr": 0.1})]
    with programs_kept():
        ended = side_by_side(
            [
                lambda one=one, i=i: train(one, tmp_path / f"lane{i}")
                for i, one in enumerate(made)
            ]
        )
        for i, one in enumerate(made):
            train(one, tmp_path / f"alone{i}")
    assert [x.workdir.name for x in ended] == ["lane0", "lane1", "lane2"]
    for i in range(3):
        lane, alone = (numbers(tmp_path / f"{kind}{i}") for kind in ("lane", "alone"))
        for ours, theirs in zip(lane, alone, strict=True):
            assert ours.keys() == theirs.keys()
            for name, x in theirs.items():
                assert ours[name] == (x and pytest.approx(x, abs=1e-4, rel=1e-4)), name


def test_a_lane_that_fails_leaves_the_others(tmp_path):
    made = [config(), config(1)]
    made[1].model.init_from = str(tmp_path / "nothing")
    with programs_kept():
        good, bad = side_by_side(
            [
                lambda one=one, i=i: train(one, tmp_path / str(i))
                for i, one in enumerate(made)
            ]
        )
    assert good.after and isinstance(bad, ValueError) and "no base policy" in str(bad)


def test_lanes_ask_no_python(tmp_path):
    def length(completions, **_):
        return [float(len(x)) for x in completions]

    one = config()
    with programs_kept():
        (said,) = side_by_side([lambda: train(one, tmp_path, scorers=length)])
    assert "this run asks Python between programs" in str(said)
