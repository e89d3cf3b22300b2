"""Held-out problems: which they are, how they are cut, how they are sampled."""

from types import SimpleNamespace

import jax
import numpy as np
import pytest
from small import TINY_FLAT

from rewardlab.data.batch import Batch
from rewardlab.data.columns import sample_of
from rewardlab.models import lm
from rewardlab.runs import evaluate
from rewardlab.runs.config import default_config
from rewardlab.runs.generate import judging_of, sampling_of
from rewardlab.runs.prepare import prepare
from rewardlab.tasks import TASKS
from rewardlab.testing import from_arrays


def judged(count, devices, asked, names=("correct", "size")):
    """Problems 0, 1, ..., of which the multiples of three are right, twice each."""

    def program(state, reference, batch, key, hp):
        ids = batch.arrays["id"]
        asked.append(len(ids))
        correct = np.repeat(ids % 3 == 0, 2).astype(np.float32)
        mask = np.tile([True, False, True], (2 * len(ids), 1))  # a tool's in between
        rollout = from_arrays(mask, valid=np.ones_like(mask))
        signals = {"correct": correct, "size": np.repeat(ids * 1.0, 2)}
        signals["correct_valid"] = np.arange(2 * len(ids)) % 2 == 0
        kept = {k: x for k, x in signals.items() if k.startswith(names)}
        return rollout.with_signals(**kept)

    run = SimpleNamespace(
        held_out=Batch({"id": np.arange(count)}, {}),
        driver=SimpleNamespace(devices=devices),
        program=SimpleNamespace(evaluate=program, hp={}, judged=True),
        key=None,
    )
    return evaluate.held_out(run, None, None)


@pytest.mark.parametrize("devices", [1, 2, 3, 8])
@pytest.mark.parametrize("count", [1, 63, 64, 65, 128, 192, 1000])
def test_chunks_are_equal_and_divide_over_the_devices(count, devices):
    asked = []
    found = judged(count, devices, asked)
    assert len(set(asked)) == 1 and asked[0] % devices == 0
    assert asked[0] < evaluate.AT_ONCE + devices
    assert sum(asked) < count + asked[0]  # no chunk is only filling
    right = np.arange(count) % 3 == 0
    expected = np.stack(
        [right, np.zeros(count, bool)], axis=1
    )  # the second: no verdict
    np.testing.assert_array_equal(found.correct, expected)
    assert found.means["size"] == pytest.approx((count - 1) / 2)
    assert found.means["mean_length"] == 2 and found.means["unjudged"] == 0.5


def test_without_a_verdict_no_share_is_right_and_means_are_there():
    found = judged(4, 1, [], ("size",))
    assert found.correct.shape == (4, 0) and not evaluate.pass_at(found.correct)
    assert found.means.keys() == {"mean_length", "size"}


def test_problems_that_the_devices_do_not_divide_are_judged_once_each(tmp_path):
    config = default_config()
    config.update_from_flattened_dict(
        {
            **TINY_FLAT,
            "task.difficulty.train": 8,
            "task.difficulty.validation": 8,
            "task.difficulty.test": 16,
            "warmup.batch_size": 6,
            "rollout.num_prompts": 3,
            "rollout.max_completion_length": 8,
            "eval.num_problems": 4,
            "eval.temperature": 0.0,
            "mesh.devices": 3,
        }
    )
    run = prepare(config, tmp_path)
    params = lm.init(run.program.model, jax.random.key(0))
    state = run.program.init(params, run.rollout, run.key, run.program.hp)
    found = evaluate.held_out(run, state, {"reference": params})
    assert found.correct.shape == (4, 1)  # greedy: a second sample would be the same
    assert len(evaluate.samples_of(run, found)) == 4


def test_evaluation_has_a_temperature_of_its_own():
    config, task = default_config(), TASKS["arithmetic"]
    config.rollout.temperature = 0.7
    samples = config.eval.num_generations
    assert judging_of(config, task).temperature == 0.7  # untold, as in training
    config.eval.temperature = 1.3
    asked = judging_of(config, task)
    assert (asked.temperature, asked.num_generations) == (1.3, samples)
    assert sampling_of(config, task).temperature == 0.7
    config.eval.temperature = 0.0
    assert judging_of(config, task).num_generations == 1


def test_held_out_problems_are_a_sample_of_their_split():
    rows = sample_of(1000, 128)
    assert len(set(rows)) == 128 and rows.max() < 1000
    # the mean of 128 of 0..999 is 500 within five standard errors of 24; not 63.5
    assert abs(rows.mean() - 499.5) < 120
    np.testing.assert_array_equal(rows, sample_of(1000, 200)[:128])
