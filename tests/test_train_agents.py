"""Whole runs on an environment: however they are driven, the same episodes."""

import functools
import json

import numpy as np
import pytest
from small import TINY_FLAT

from rewardlab.runs.config import default_config, use_reward
from rewardlab.runs.sinks import read_metrics
from rewardlab.runs.training import train
from rewardlab.show.checklist import checklist
from rewardlab.tasks import TASKS


def tiny(task="search", reward="igpo", **changes):
    """A run of seconds; the policy has seen a few demonstrations."""
    config = default_config(task)
    use_reward(config, reward)
    config.update_from_flattened_dict(
        {
            "task.difficulty.train": 64,
            "task.difficulty.test": 16,
            "task.difficulty.validation": 16,
            **TINY_FLAT,
            "warmup.steps": 30,
            "warmup.batch_size": 16,
            "rollout.num_prompts": 4,
            "rollout.num_generations": 2,
            "rollout.max_completion_length": 24,
            "train.max_steps": 2,
            "eval.num_problems": 4,
            "eval.num_generations": 2,
            "eval.every": 2,
            "checkpoint.every": 1,
            "log.completions_every": 1,
            "mesh.devices": 2,
            **changes,
        }
    )
    return config


def episodes(workdir, step):
    lines = (workdir / "completions" / f"completions_{step:05d}.jsonl").read_text()
    return [json.loads(line) for line in lines.splitlines()]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("runs") / "whole"
    train(tiny(), workdir)
    return workdir


def test_beliefs_are_overhead_and_turns_are_counted(finished):
    """What a method of turns evaluates besides sampling, by the run's own count."""
    (one,) = checklist(finished)
    lacks = {k for k, x in one.lines.items() if x.state != "stated"}
    assert lacks == {"baseline", "compute", "ablation", "spread"}
    turns = TASKS["search"].environment.max_turns
    rows = read_metrics(finished / "metrics.jsonl")
    beliefs, reference = 8 * turns, 8  # of the rows; the latter is that of its KL
    forwards = [row["evaluations/forwards"] for row in rows[1:]]
    assert forwards == [beliefs + reference] * 2
    assert 1 <= rows[1]["episodes/mean_turns"] <= turns
    assert one.lines["granularity"].value == "turn"


def test_a_turn_is_paid_where_it_ended(finished):
    """The belief is a signal of turns, and its gains reach their tokens."""
    rows = read_metrics(finished / "metrics.jsonl")
    shares = {"episodes/turns", "episodes/tokens", "episodes/error"}
    assert shares <= set(rows[-1]) and rows[-1]["episodes/error"] == 0
    spread = set()
    for one in episodes(finished, 1):
        own = np.array(one["mask"])
        advantage, turn = np.array(one["advantage"]), np.array(one["step_of_token"])
        assert not advantage[~own].any()
        for k in set(turn[own]):  # a turn's tokens share its return
            assert len(set(advantage[own & (turn == k)])) == 1
        spread.add(len(set(advantage[own])))
        assert len(one["signals"]["belief"]) == len(one["signals"]["hop_valid"])
    assert max(spread) > 1


@pytest.mark.parametrize(
    "change",
    [
        {"mesh.driver": "pmap"},
        {"rollout.on_host": True},
        pytest.param({"mesh.devices": 1}, marks=pytest.mark.slow),
    ],
)
def test_the_same_episodes_however_they_are_played(finished, tmp_path, change):
    train(tiny(**change, **{"model.init_from": str(finished)}), tmp_path)
    for step in (1, 2):
        ours, theirs = episodes(tmp_path, step), episodes(finished, step)
        for a, b in zip(ours, theirs, strict=True):
            assert a["tokens"] == b["tokens"] and a["mask"] == b["mask"]
            np.testing.assert_allclose(a["advantage"], b["advantage"], atol=1e-3)


def test_a_run_goes_on_with_the_same_episodes(finished, tmp_path):
    start = {"model.init_from": str(finished)}
    train(tiny(**start, **{"train.max_steps": 1}), tmp_path)
    train(tiny(**start), tmp_path)
    ours, theirs = episodes(tmp_path, 2), episodes(finished, 2)
    assert [one["tokens"] for one in ours] == [one["tokens"] for one in theirs]


GATED = (
    "process('stage') | outcome('correct') | gated_accumulation('stage', correct=0.5)"
    " | weighted_sum(correct=1, stage=1) | episode_return() | center_by_group()"
    " | broadcast_to_tokens()"
)


@pytest.mark.parametrize(
    ("task", "reward"),
    [
        ("workflow", GATED),
        pytest.param("calculator", "otc_grpo", marks=pytest.mark.slow),
    ],
)
def test_the_other_environments_train(tmp_path, task, reward):
    train(tiny(task, reward, **{"warmup.steps": 2, "train.max_steps": 1}), tmp_path)
    assert read_metrics(tmp_path / "metrics.jsonl")[-1]["step"] == 1


TURNS = {  # the task, and which of its signals stand for the method's
    "igpo_separate": ("search", ""),
    "igpo_first_release": ("search", ""),
    "g_ra": ("workflow", "prm=stage"),
    "video_mtr": ("search", "iou=found"),
    "ppr": ("workflow", "prm=useful"),
    "ui_s1": ("search", "prm=hop,match=format"),
    "gigpo": ("search", "prm=hop"),
    "oprl": ("search", "prm_logp=ref_logp"),
    "spa_rl": ("workflow", "contribution=useful,grounding=format,value=entropy"),
    "mira": ("workflow", "milestones=useful"),
    "toolrl": ("calculator", "format=finished,tool_match=tool_calls"),
    "toolpo": ("calculator", "action=tool_calls"),
    "spear": ("calculator", "calls=tool_calls"),
    "otc_ppo": ("calculator", "correct=finished"),
    "a2tgpo": ("search", ""),
    **dict.fromkeys("gagpo graphgpo g2po".split(), ("search", "correct=finished")),
    **dict.fromkeys("turn_ppo itpo hcapo".split(), ("search", "correct=finished")),
    "mt_grpo": ("calculator", ""),
    "critic_search": ("search", ""),
    "agent_prm": ("calculator", ""),
    **dict.fromkeys("dr_mas hierarchical_grpo rae marti".split(), ("think_solve", "")),
    **dict.fromkeys(
        "ccpo ccpo_own_solo sepo sharp m_grpo".split(), ("think_solve", "")
    ),
}
ABLE = {  # at first; an untrained policy earns nothing, so that all its rows are alike
    "model.name": "S",
    "warmup.steps": 200,
    "warmup.batch_size": 32,
    "task.difficulty.train": 512,
    "rollout.max_completion_length": 64,
    "rollout.num_generations": 4,
}
FEW = {"min_terms": 2, "max_operand": 9, "train": 128}  # sums, which few steps teach
EASY = {"think_solve": {f"task.difficulty.{k}": x for k, x in FEW.items()}}
# Of rows whose critic has to learn the form of a verdict first.
TAUGHT = "critics(draws=1, truth='useful', warmup=11, frozen=True, privileged=True)"
LONGER = {"critic_search": {"scorers": TAUGHT, "train.max_steps": 12}}


@pytest.fixture(scope="module")
def able(tmp_path_factory):
    """The workdir of a run with such a policy, for each task."""
    folder = tmp_path_factory.mktemp("able")

    @functools.cache
    def of(task):
        changes = {**ABLE, **EASY.get(task, {}), "train.max_steps": 1}
        train(tiny(task, "grpo", **changes), folder / task)
        return str(folder / task)

    return of


@pytest.mark.slow
@pytest.mark.parametrize("name", TURNS)
def test_a_row_for_turns_trains_on_an_environment(able, tmp_path, name):
    task, names = TURNS[name]
    start = {"model.init_from": able(task), "signals": names, **LONGER.get(name, {})}
    config = tiny(task, name, **{**ABLE, **EASY.get(task, {}), **start})
    train(config, tmp_path)
    *rest, last = read_metrics(tmp_path / "metrics.jsonl")
    assert last["step"] == config.train.max_steps and np.isfinite(last["grad_norm"])
    assert max(row.get("advantages/abs_mean", 0) for row in [*rest, last]) > 0


@pytest.mark.slow
def test_sweet_rl_learns_from_pairs_that_its_critic_has_made(able, tmp_path):
    """Some rows end right, so the critic has pairs; then siblings differ by its word,
    and the policy leaves its reference by them."""
    more = {"rollout.branching.roots": 2, "train.max_steps": 6}
    more["scorers"] = "privileged_critic(beta=0.1, warmup=2)"
    start = {**ABLE, **EASY["think_solve"], "model.init_from": able("think_solve")}
    train(tiny("think_solve", "sweet_rl", **{**start, **more}), tmp_path)
    first, *_, last = rows = read_metrics(tmp_path / "metrics.jsonl")[1:]
    pairs = [row["scorers/privileged_critic/pairs"] for row in rows]
    assert max(pairs[:2]) > 0 and first["step_dpo/pairs"] == 0
    learned = rows[2:]
    assert all(row["step_dpo/pairs"] > 0 < row["grad_norm"] for row in learned)
    assert first["step_dpo/gap"] == 0 != last["step_dpo/gap"]
