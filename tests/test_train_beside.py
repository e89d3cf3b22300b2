"""Whole runs with models beside the policy: made, taken, kept and refused."""

import shutil

import jax
import numpy as np
import pytest
from test_train import REWARD, numbers, tiny

from rewardlab.models import lm
from rewardlab.runs import checkpoint
from rewardlab.runs.config import use_reward
from rewardlab.runs.prepare import prepare
from rewardlab.runs.training import train
from rewardlab.text.tokenizers import CharTokenizer, same_texts

DISTILLED = (
    "log_ratio('teacher_logp') | weighted_sum(teacher_logp=1)"
    " | returns_to_go(discount=0)"
)


def taught(**changes):
    own = {"reward": DISTILLED, "updates": "", "loss": "clipped() | token_mean()"}
    return tiny(**{**own, "eval.every": 9, "warmup.steps": 2, **changes})


def model_in(config, workdir, role):
    run = prepare(config, workdir)
    like = lm.init(run.program.model, run.key)
    kept = checkpoint.find(workdir / "models" / role, "auto")
    return checkpoint.restore(kept, like), checkpoint.read_extra(kept)


def same(one, other):
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return all(np.array_equal(x, y) for x, y in pairs)


@pytest.mark.slow
def test_a_run_makes_its_teacher_and_goes_on_with_it_to_the_bit(tmp_path):
    """By twice the steps of warm-up; it is there after a stop, as it was."""
    train(taught(**{"train.max_steps": 4}), tmp_path / "whole")
    train(taught(**{"train.max_steps": 2}), tmp_path / "cut")
    train(taught(**{"train.max_steps": 4}), tmp_path / "cut")
    whole, cut = (numbers(tmp_path / name) for name in ("whole", "cut"))
    for one, other in zip(whole[1:], cut[1:], strict=True):
        assert one == {k: x for k, x in other.items() if k in one}
    teacher, extra = model_in(taught(), tmp_path / "cut", "teacher")
    assert extra["made_from"]["warmup.steps"] == 4
    base = checkpoint.restore(tmp_path / "cut" / "base" / "checkpoints" / "0", teacher)
    assert not same(teacher, base)
    assert any(abs(row["rewards/teacher_logp/mean"]) > 0 for row in cut[1:])


def test_a_teacher_is_another_runs_newest_policy_and_a_copy_is_kept(tmp_path):
    other = {
        "train.max_steps": 1,
        "reward": "outcome('correct') | broadcast_to_tokens()",
    }
    train(taught(**other), tmp_path / "strong")
    config = taught(**{"train.max_steps": 2})
    config.models = f"teacher={tmp_path / 'strong'}"
    train(config, tmp_path / "run")
    teacher, extra = model_in(config, tmp_path / "run", "teacher")
    saved = tmp_path / "strong" / "checkpoints" / "1"
    policy = checkpoint.restore(saved, {"params": teacher}, apart="params")["params"]
    assert same(teacher, policy) and extra["made_from"]["step"] == "1"
    config.models = ""
    with pytest.raises(ValueError, match="holds a run of models='teacher="):
        train(config, tmp_path / "run")
    shutil.rmtree(tmp_path / "strong")
    config.models = f"teacher={tmp_path / 'strong'}"
    with pytest.raises(ValueError, match="neither the workdir of a run"):
        train(config, tmp_path / "run")


def test_steps_of_warm_up_stand_for_a_place(tmp_path):
    """As many as the policy's own: it is the base, and has nothing to teach."""
    train(taught(**{"models": "teacher=2", "train.max_steps": 1}), tmp_path)
    row = numbers(tmp_path)[1]
    assert row["rewards/teacher_logp/mean"] == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize(
    ("models", "changes", "said"),
    [
        ("teacher", {}, "models='teacher' is not understood; write ROLE=PLACE"),
        ("teacher=1, teacher=2", {}, "names 'teacher' twice"),
        ("policy=runs/x", {}, "names the policy, which the run makes of model.name"),
        ("weak=3", {}, "no scorer asks the model 'weak'; leave it out .* asks teacher"),
        ("teacher=runs/none", {}, "the teacher's place 'runs/none' is neither"),
        ("teacher=0", {}, "the run cannot make it: it would have 0 steps of warm-up"),
        (
            "",
            {"scorers": "asked(model='wise')"},
            "models=wise=PLACE .have pol",
        ),
        ("", {"warmup.steps": 0}, "say where it lies with --config.models=teacher="),
    ],
)
def test_what_does_not_fit_is_one_sentence(models, changes, said, tmp_path):
    with pytest.raises(ValueError, match=said):
        prepare(taught(models=models, **changes), tmp_path)


def test_texts_are_the_same_or_they_are_not():
    one, other = CharTokenizer("abc"), CharTokenizer("acb")
    assert same_texts(one, CharTokenizer("abc")) and not same_texts(one, other)
    assert not same_texts(one, CharTokenizer("ab"))


@pytest.mark.slow
@pytest.mark.parametrize("reward", ["g_opd", "cdr", "flr", "grpo_care"])
def test_a_row_trains_with_its_second_models_on_any_devices(reward, tmp_path):
    """Learned or frozen, they lie as the policy does; nothing else changes."""
    meshes = {
        "one": {"mesh.devices": 1},
        "fsdp": {"mesh.devices": 4, "mesh.fsdp": 2},
        "pmap": {"mesh.devices": 2, "mesh.driver": "pmap"},
    }
    rows = {}
    for name, mesh in meshes.items():
        config = taught(**{"train.max_steps": 2, "loss": "", **mesh})
        use_reward(config, reward)
        train(config, tmp_path / name)
        rows[name] = numbers(tmp_path / name)[1]
    for name in ("fsdp", "pmap"):
        for key in ("loss", "reward/mean", "grad_norm"):
            assert rows[name][key] == pytest.approx(rows["one"][key], abs=2e-4), key


@pytest.mark.slow
def test_an_own_model_of_adapters_goes_on_to_the_bit(tmp_path):
    """Where the policy trains adapters, so does a scorer's own language model."""
    own = {"model.lora.rank": 2, "scorers": "implicit(lr=1e-3)", "reward": REWARD}
    train(taught(**own, **{"train.max_steps": 4}), tmp_path / "whole")
    train(taught(**own, **{"train.max_steps": 2}), tmp_path / "cut")
    train(taught(**own, **{"train.max_steps": 4}), tmp_path / "cut")
    whole, cut = (numbers(tmp_path / name) for name in ("whole", "cut"))
    for one, other in zip(whole[1:], cut[1:], strict=True):
        assert one == {k: x for k, x in other.items() if k in one}
    assert whole[4]["scorers/implicit/grad_norm"] > 0
