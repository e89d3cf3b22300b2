"""Runs with equal programs: one compilation, and the numbers of runs alone."""

import contextlib
import json
import shutil

import jax
import numpy as np
import pytest
from test_train import numbers, tiny

from rewardlab.runs.alike import MOST, program_of, programs_kept
from rewardlab.runs.config import use_reward
from rewardlab.runs.lanes import side_by_side
from rewardlab.runs.sinks import read_metrics
from rewardlab.runs.training import train
from rewardlab.show.checklist import checklist

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


OTHERS = [{"seed": 1}, {"seed": 2, "eta": 0.02, "optim.lr": 0.1}]


def lanes(makes, folder):
    """What runs side by side give, or were ended by."""
    return side_by_side(
        [
            lambda one=one, i=i: train(one, folder / f"lane{i}")
            for i, one in enumerate(makes)
        ]
    )


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """Runs of one process: one after another, then side by side, a broken one too."""
    folder, counts = tmp_path_factory.mktemp("runs"), []
    broken = config(3, **{"model.init_from": str(folder / "nothing")})
    with programs_kept() as kept:
        for i, changes in enumerate([{}, *OTHERS]):
            with compiled() as count:
                train(config(**changes), folder / f"run{i}")
            counts.append(count[0])
        ended = lanes([*(config(**changes) for changes in OTHERS), broken], folder)
    return folder, counts, ended, kept


def test_runs_pass_the_checklist(done):
    """They pay whole episodes, so each is its own baseline."""
    folder, *_ = done
    for i in range(3):
        (one,) = checklist(folder / f"run{i}")
        assert one.count(required=True) == 10, one
        assert one.lines["overhead"].state == one.lines["lengths"].state == "stated"
    rows = read_metrics(folder / "run0" / "metrics.jsonl")
    own = json.loads((folder / "run0" / "run.json").read_text())
    tokens = sum(row.get("completions/tokens", 0) for row in rows)
    mean = np.mean([row["completions/mean_length"] for row in rows[1:]])
    assert own["spent"]["sampled_tokens"] == tokens == pytest.approx(2 * 16 * mean)
    assert own["devices"][0]["seconds"] > sum(row.get("step_time", 0) for row in rows)
    assert (
        "n = 8, of which c are right by the scorer 'task'" in own["measures"]["pass@1"]
    )


def test_runs_that_differ_in_numbers_compile_once(done):
    _, counts, _, kept = done
    assert counts[0] > 5 and counts[1:] == [0, 0]
    assert len(kept.runs) == 1 and not kept.alone


def test_a_run_in_a_worker_has_the_very_numbers_that_it_has_alone(done, tmp_path):
    folder, *_ = done
    train(config(**OTHERS[1]), tmp_path)
    found = [numbers(folder / f"run{i}") for i in range(3)]
    assert numbers(tmp_path) == found[2] != found[1] != found[0]


def test_lanes_end_with_the_scores_of_runs_alone(done):
    """The one that is broken leaves the others to go on without it."""
    folder, _, ended, _ = done
    assert isinstance(ended[2], ValueError) and "no base policy" in str(ended[2])
    assert [result.workdir.name for result in ended[:2]] == ["lane0", "lane1"]
    for i in range(2):
        lane, alone = numbers(folder / f"lane{i}"), numbers(folder / f"run{i + 1}")
        for ours, theirs in zip(lane, alone, strict=True):
            assert ours.keys() == theirs.keys()
            for name, x in theirs.items():
                assert ours[name] == (x and pytest.approx(x, abs=1e-4, rel=1e-4)), name


@pytest.mark.slow
def test_lanes_at_other_places_of_their_runs_wait_for_nobody(tmp_path):
    """One goes on from a checkpoint, so it judges when the other learns."""
    made = [config(seed, **{"train.max_steps": 5}) for seed in (0, 1)]
    short = config(**{"train.max_steps": 5})
    with programs_kept():
        for one, name in zip([*made, short], ("run0", "run1", "lane1"), strict=True):
            one.seed = 1 if name == "lane1" else one.seed
            train(one, tmp_path / name)
        for late in (4, 5):
            shutil.rmtree(tmp_path / "lane1" / "checkpoints" / str(late))
        ended = lanes(made, tmp_path)
    assert [type(x).__name__ for x in ended] == ["Result", "Result"]
    for i in range(2):
        ours, theirs = (numbers(tmp_path / f"{x}{i}")[-1] for x in ("lane", "run"))
        assert ours["eval/pass@1"] == pytest.approx(theirs["eval/pass@1"], abs=1e-4)


@pytest.mark.slow
def test_no_more_than_a_few_programs_are_kept(tmp_path):
    with programs_kept() as kept:
        for i in range(MOST + 2):
            train(config(**{"optim.b1": 0.1 * (i + 1)}), tmp_path / str(i))
    assert len(kept.runs) == MOST


def test_lanes_ask_no_python(tmp_path):
    def length(completions, **_):
        return [float(len(x)) for x in completions]

    one = config()
    with programs_kept():
        (said,) = side_by_side([lambda: train(one, tmp_path, scorers=length)])
    assert "this run asks Python between programs" in str(said)
