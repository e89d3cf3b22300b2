"""Rows from elsewhere in whole runs: what is as before, what comes, and resuming."""

import functools
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_train import tiny

from rewardlab.models import lm
from rewardlab.runs.prepare import prepare
from rewardlab.runs.sinks import read_metrics
from rewardlab.runs.training import train
from rewardlab.scorers.protocol import Scorer

REWARD = "outcome('lucky') | center_by_group() | broadcast_to_tokens()"
REPLAY = "replay_solved('lucky') | replay_opposite('lucky', rows=2)"
EVERY = f"keep_varied('lucky', share=0.5) | recall(groups=8, most=2) | {REPLAY}"
EVERY += " | prefer_middling('lucky', among=2)"


def lucky(share=4):
    """A scorer by chance: 1 where the tokens add up to a multiple of `share`."""

    def score(state, context, rollout, batch):
        total = jnp.sum(jnp.where(rollout.mask, rollout.tokens, 0), axis=1)
        return {"lucky": jnp.where(total % share == 0, 1.0, 0.0)}

    return lambda setting: Scorer("lucky", {"lucky": "N"}, (), "batch", score)


def config_of(select, **changes):
    """Few problems, so that they come again soon."""
    return tiny(
        **{
            "reward": REWARD,
            "select": select,
            "scorers": "test_runs_elsewhere:lucky()",
            "loss": "clipped(0.2) | token_mean()",
            "updates": "",
            "task.difficulty.train": 16,
            "warmup.batch_size": 8,
            "rollout.num_generations": 2,
            "rollout.max_completion_length": 8,
            "eval.every": 100,
            "eval.num_generations": 2,
            "log.completions_every": 100,
            **changes,
        }
    )


@functools.cache
def lived(select, devices=1, steps=5, **changes):
    """Rollouts, reports and the last state of a few iterations from one policy."""
    run = prepare(config_of(select, **{"mesh.devices": devices, **changes}), Path())
    program, size = run.program, run.config.rollout.num_prompts
    base = run.driver.replicate(lm.init(program.model, jax.random.key(0)))
    state = program.init(base, run.rollout, run.key, program.hp)
    rollouts, reports = [], []
    for i in range(steps):
        rows = np.arange(size * program.rounds) + (i % 2) * size
        batch = run.problems.take(rows % run.problems.size).on_device
        case = (state, base, batch, run.key, jnp.asarray(i, jnp.int32), program.hp)
        state, report, rollout = program.iterate(*case)
        rollouts.append(jax.device_get(rollout))
        reports.append(jax.device_get(report))
    return rollouts, reports, jax.device_get(state)


def test_an_empty_store_is_grpo_to_the_bit():
    """Until the third iteration no problem comes again; then rows come back."""
    usual, old, _ = lived("")
    rollouts, reports, state = lived(REPLAY)
    for i in range(2):
        np.testing.assert_array_equal(rollouts[i].tokens, usual[i].tokens)
        np.testing.assert_array_equal(reports[i].advantage, old[i].advantage)
        for name in ("loss", "grad_norm"):
            assert reports[i].metrics[name] == old[i].metrics[name], name
    born = np.stack([r.signals["born"] for r in rollouts])
    now = np.arange(5)[:, None]
    assert (born[:2] == now[:2]).all() and (born[2:] < now[2:]).any()
    assert (born[2:] >= 0).all()
    shares = [float(r.metrics["elsewhere/frac_replayed"]) for r in reports]
    assert shares[:2] == [0, 0] and max(shares) > 0
    assert (state.select["0_ReplaySolved"]["born"] >= 0).any()


def test_what_comes_back_is_what_went_in():
    """Tokens, log-probs and verdicts of the row as it was sampled."""
    rollouts, _, _ = lived(REPLAY)
    last, seen = rollouts[-1], 0
    for row in np.flatnonzero(last.signals["born"] < 4):
        then = rollouts[last.signals["born"][row]]
        prompt = last.prompts[last.group[row]]
        same = (then.prompts[then.group] == prompt).all(axis=1)
        same &= (then.tokens == last.tokens[row]).all(axis=1)
        twin = np.flatnonzero(same)[0]
        np.testing.assert_array_equal(then.logp[twin], last.logp[row])
        assert then.signals["lucky"][twin] == last.signals["lucky"][row]
        seen += 1
    assert seen


@pytest.mark.slow
def test_one_device_and_several_agree():
    """Rows that come, and what is stored, whoever holds them."""
    one, few, state = lived(EVERY, 1)
    other, many, there = lived(EVERY, 4)
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a.tokens, b.tokens)
        np.testing.assert_array_equal(a.signals["born"], b.signals["born"])
    assert any(float(x.metrics["elsewhere/frac_replayed"]) > 0 for x in few)
    close = functools.partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-5)
    jax.tree.map(close, state.select, there.select)
    close(few[-1].metrics["loss"], many[-1].metrics["loss"])


@pytest.mark.slow
@pytest.mark.parametrize("scorers", ["lucky()", "lucky_on_host()"])
def test_a_run_goes_on_to_the_bit_with_a_full_store(tmp_path, scorers):
    """Stores and statistics are in the checkpoint; so is what is chosen by them."""
    select = REPLAY if "host" in scorers else EVERY
    config = functools.partial(
        config_of, select, scorers=f"test_runs_elsewhere:{scorers}"
    )
    whole = train(config(**{"train.max_steps": 6}), tmp_path / "whole")
    train(config(**{"train.max_steps": 4}), tmp_path / "cut")
    again = train(config(**{"train.max_steps": 6}), tmp_path / "cut")
    for a, b in zip(*map(_leaves, (whole.params, again.params)), strict=True):
        np.testing.assert_array_equal(a, b)
    rows = read_metrics(whole.workdir / "metrics.jsonl")
    assert max(row.get("elsewhere/frac_replayed", 0) for row in rows) > 0


def lucky_on_host(share=4):
    """The same, asked in Python."""

    def maker(setting):
        scorer = lucky(share)(setting)
        return scorer._replace(place="host")

    return maker


def _leaves(params):
    return [np.asarray(x) for x in jax.tree.leaves(params)]


ENTROPY = f"{REWARD} | keep_high_entropy(share=0.5)"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"select": "hint_failed('lucky', hint='mine')"}, "have no such text"),
        ({"select": "recall()"}, "words before it drop"),
        ({"select": "expert_rows()", "reward": ENTROPY}, "has no 'entropy'"),
        ({"select": "refill(2) | replay_solved('lucky')"}, "write it last"),
        (
            {"select": "prefer_hard('lucky', among=8)"},
            "needs 32 problems, and the train split has 16",
        ),
    ],
)
def test_what_is_not_there_is_said_first(changes, said, tmp_path):
    """Hints that the data lack, rows without a signal, too few problems."""
    with pytest.raises(ValueError, match=said):
        prepare(config_of(**changes), tmp_path)


def test_hints_are_the_first_step_or_the_answer(tmp_path):
    """Under their own width; the model has positions for the longest."""
    texts = {}
    for kind in ("step", "answer"):
        select = f"hint_failed('lucky', hint='{kind}')"
        run = prepare(
            config_of(select, **{"rollout.max_completion_length": 32}), tmp_path
        )
        arrays, decode = run.problems.arrays, run.task.tokenizer.decode
        hinted, plain = (
            [
                decode(ids[own].tolist())
                for ids, own in zip(arrays[a], arrays[b], strict=True)
            ]
            for a, b in (
                ("hint_prompts", "hint_prompt_mask"),
                ("prompts", "prompt_mask"),
            )
        )
        texts[kind] = list(zip(plain, hinted, arrays["answer"], strict=True))
    for plain, hinted, answer in texts["answer"]:
        assert hinted == f"#{answer}{plain}"
    for plain, hinted, _ in texts["step"]:
        a, b = plain.rstrip("=").split("+")[:2]
        assert hinted == f"{plain}{a}+{b}={int(a) + int(b)};"
