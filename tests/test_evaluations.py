"""What an iteration evaluates besides sampling and the update, counted on shapes."""

import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small import TINY

from rewardlab.core.evaluations import (
    KINDS,
    Evaluation,
    counting,
    each,
    evaluated,
    in_iteration,
    where,
)
from rewardlab.runs.config import default_config, use_reward
from rewardlab.runs.evaluations import Clock, Spent, in_step, times_sampled
from rewardlab.runs.prepare import prepare
from rewardlab.runs.record import write_devices
from rewardlab.system.files import read_json

N, B, T = 16, 4, 32


def test_a_loop_that_is_traced_once_counts_for_each_of_its_turns():
    def double(x):
        evaluated("forwards", 2, 20)
        return 2 * x

    def traced(x):
        with where(by="me"):
            return each(double, x)

    with counting() as found:
        jax.eval_shape(traced, jnp.zeros((3, 1)))
    assert found == [Evaluation("me", "forwards", 6, 60)]
    assert np.array_equal(traced(jnp.ones((3, 1))), np.full((3, 1), 2))  # as lax.map


def test_nothing_is_kept_outside_or_of_nobody():
    with counting() as found:
        evaluated("forwards", 1, 1)
        with where(by="a", kind="judge_calls"), where(times=3), where(times=2, last=5):
            evaluated("forwards", 1, 10)
    with where(by="a"):
        evaluated("forwards", 1, 1)
    assert found == [Evaluation("a", "judge_calls", 6, 60, 0, 5)]
    assert in_iteration(found, 4)["judge_calls"] == 6
    assert in_iteration(found, 5) == dict.fromkeys(KINDS, 0)


def test_equal_passes_of_a_program_count_once():
    one, other = jnp.zeros(2), jnp.zeros(2)
    with counting() as found, where(by="a"):
        for arrays in ((one, one), (one, one), (one, other)):
            evaluated("forwards", 1, 2, arrays)
        with where(by="b", program="b"):
            evaluated("forwards", 1, 2, (one, one))
    assert [x.by for x in found] == ["a", "a", "b"]


def run_of(tmp_path, reward, scorers="", task="arithmetic", **changes):
    config = default_config(task)
    config.task.difficulty.update({"train": 64, "validation": 16, "test": 16})
    config.rollout.update({"num_prompts": B, "num_generations": N // B})
    config.rollout.max_completion_length = T
    config.model.update(TINY)
    config.mesh.devices, config.eval.num_problems = 1, 8
    config.warmup.batch_size = 16
    use_reward(config, reward)
    config.update_from_flattened_dict({"scorers": scorers, **changes})
    return prepare(config, tmp_path)


def per_kind(run, iteration=0):
    total = in_iteration(run.evaluations, iteration)
    return {kind: total[kind] for kind in KINDS if kind != "tokens" and total[kind]}


SPREAD = " | center_by_group() | broadcast_to_tokens()"


def test_what_nobody_asks_costs_nothing(tmp_path):
    run = run_of(tmp_path, f"outcome('correct'){SPREAD}", loss="clipped() | constant()")
    assert run.evaluations == () and per_kind(run) == {}


@pytest.mark.parametrize(
    ("scorers", "reward", "first", "later"),
    [
        # A judge learns of the rows while the policy rests, and is asked all the time.
        (
            "judge(warmup=3, frozen=True)",
            f"outcome('judge'){SPREAD}",
            {"judge_calls": 2 * N},
            {"judge_calls": N},
        ),
        (
            "asked('judge', draws=3)",
            f"outcome('judge'){SPREAD}",
            {"judge_calls": 3 * N},
            {"judge_calls": 3 * N},
        ),
        # Two parts are four coalitions; the rows of pairs are read once to learn.
        (
            "coalition_model(2, warmup=3)",
            "process('shapley') | returns_to_go()",
            {"forwards": 5 * N},
            {"forwards": 4 * N},
        ),
        # Two orders of eight parts, and none and all of them.
        (
            "coalition_model(8, orders=2, warmup=3)",
            "process('shapley') | returns_to_go()",
            {"forwards": 17 * N},
            {"forwards": 16 * N},
        ),
        (
            "segment_at_uncertain_tokens(most=3) | segment_values(attempts=2, most=3)",
            "progress('segment_value') | returns_to_go()",
            {"restarts": 3 * 2 * N},
            {"restarts": 3 * 2 * N},
        ),
    ],
)
def test_scorers_count_what_they_ask(scorers, reward, first, later, tmp_path):
    run = run_of(tmp_path, reward, scorers, loss="clipped() | constant()")
    assert per_kind(run, 0) == first and per_kind(run, 3) == later


def test_an_environment_that_is_gone_back_to(tmp_path):
    """VinePPO's values: every turn of every row is begun again, two times here."""
    run = run_of(tmp_path, "vineppo", task="search", **{"rollout.continuations": 2})
    turns = run.task.environment.max_turns
    (one,) = [x for x in run.evaluations if x.by == "sampler"]
    assert one[:4] == ("sampler", "restarts", N * turns * 2, N * turns * 2 * T)


def test_an_agent_that_is_left_out(tmp_path):
    """SHARP's marginals: an episode more for each row and agent."""
    run = run_of(tmp_path, "sharp", task="think_solve")
    (one,) = [x for x in run.evaluations if x.kind == "restarts"]
    assert one[:3] == ("sampler", "restarts", N * run.task.agents.number)


def test_a_step_counts_what_it_samples_again():
    row = {"refill/rounds": 3.0, "elsewhere/frac_hinted": 0.5}
    assert times_sampled(row) == 6 and times_sampled({}) == 1
    plan = type("Plan", (), {"first": (type("S", (), {"name": "early"}),)})
    every = [Evaluation(x, "forwards", 10, 100) for x in ("early", "late", "sampler")]
    said = in_step(every, plan, 1, {"refill/rounds": 2.0})
    assert said["evaluations/forwards"] == 50 and said["evaluations/tokens"] == 500


def test_what_is_spent_adds_up_over_starts(tmp_path):
    row = {f"evaluations/{kind}": 2 for kind in KINDS} | {"completions/tokens": 7}
    for _ in range(2):
        write_devices(tmp_path, 1)
        spent = Spent(tmp_path, began=Clock(0.0, 0.0))
        spent.add(row)
        spent.write()
        spent.write()
    said = read_json(tmp_path / "run.json")
    assert said["spent"]["steps"] == 2 and said["spent"]["sampled_tokens"] == 14
    assert said["spent"]["forwards"] == 4
    (device,) = said["devices"]
    assert device["count"] == 1 and device["seconds"] > 0
    assert 0 < device["core_seconds"] < device["seconds"] * os.cpu_count()
