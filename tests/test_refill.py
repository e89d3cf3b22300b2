"""Dynamic sampling: a batch is sampled again until its prompts teach something."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_learner import G, make_rollout
from test_train import tiny

from rewardlab.data.batch import Batch
from rewardlab.runs.dynamic import refilling
from rewardlab.runs.sinks import read_metrics
from rewardlab.runs.training import train
from rewardlab.selection import rounds_of, select_rows
from rewardlab.selection.refill import places_for

B = 4
SELECT = "drop_uniform('correct') | refill(rounds=3)"


def problems(good):
    """Problems by number, of which the `good` ones have a right and a wrong row."""
    number = jnp.arange(len(good), dtype=jnp.int32)
    return Batch({"id": number, "good": jnp.asarray(good, bool)}, {})


def sample(batch):
    """A rollout that says in its tokens which problem each row answers."""
    size = len(batch.arrays["id"])
    base = make_rollout()
    row = jnp.arange(size * G, dtype=jnp.int32)
    group = row // G
    mixed = jnp.asarray(batch.arrays["good"])[group]
    t = base.tokens.shape[1]
    tokens = jnp.broadcast_to(
        jnp.asarray(batch.arrays["id"])[group][:, None], (B * G, t)
    )
    every = jnp.ones((B * G, t), bool)
    return dataclasses.replace(
        base,
        prompts=jnp.broadcast_to(batch.arrays["id"][:, None], (size, 3)),
        prompt_mask=jnp.ones((size, 3), bool),
        group=group,
        tokens=tokens.astype(jnp.int32),
        mask=every,
        valid=every,
        step=jnp.zeros((B * G, t), jnp.int32),
        logp=jnp.zeros((B * G, t)),
        signals={"correct": jnp.where(mixed & (row % G == 0), 1.0, 0.0)},
    )


def oracle(good, rounds):
    """(problem in each place, whether it teaches, samplings), as a person would do."""
    place = list(range(B))
    full = [good[i] for i in range(B)]
    used = 1
    while used < rounds and not all(full):
        for new in range(used * B, used * B + B):
            if good[new] and False in full:
                at = full.index(False)
                place[at], full[at] = new, True
        used += 1
    return place, full, used


@pytest.mark.parametrize("on_device", [True, False])
@pytest.mark.parametrize(
    "good",
    [
        [1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1],  # full at once
        [1, 0, 0, 1, 0, 1, 1, 1, 1, 1, 1, 1],  # after two
        [0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0],  # never
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],  # nothing teaches
        [0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1],  # more than there is place for
    ],
)
def test_places_are_filled_as_by_hand(good, on_device):
    place, full, used = oracle(list(map(bool, good)), 3)
    select = select_rows(SELECT)
    rollout, batch, told = refilling(select, 3, on_device)(sample, problems(good))
    np.testing.assert_array_equal(batch.arrays["id"], place)
    np.testing.assert_array_equal(rollout.prompts[:, 0], place)
    np.testing.assert_array_equal(rollout.tokens[:, 0], np.repeat(place, G))
    kept = np.asarray(select(rollout).mask).any(axis=1).reshape(B, G).any(axis=1)
    np.testing.assert_array_equal(kept, full)
    assert float(told["refill/rounds"]) == used
    assert float(told["refill/frac_full"]) == pytest.approx(np.mean(full))


def test_the_first_empty_place_gets_the_first_prompt_that_is_kept():
    filled, source = places_for(jnp.array([1, 0, 0]) > 0, jnp.array([0, 1, 0]) > 0)
    assert filled.tolist() == [False, True, False] and int(source[1]) == 1


def test_refill_stands_last():
    assert rounds_of(SELECT) == 3 and rounds_of("") == 1
    with pytest.raises(ValueError, match="write it last"):
        rounds_of("refill(2) | drop_uniform('correct')")
    with pytest.raises(ValueError, match=r"give rounds in \[1, inf\)"):
        rounds_of("refill(rounds=0)")


def by_refill(**changes):
    return tiny(
        **{
            "reward": "process('prm') | episode_return() | center_by_group()"
            " | broadcast_to_tokens()",
            "select": "drop_uniform('format') | refill(rounds=3)",
            "train.max_steps": 4,
            **changes,
        }
    )


@pytest.mark.slow
def test_a_run_samples_again_and_goes_on_to_the_bit(tmp_path):
    """Problems of an iteration are a function of its step, whatever was sampled."""
    whole = train(by_refill(), tmp_path / "whole")
    train(by_refill(**{"train.max_steps": 2}), tmp_path / "cut")
    again = train(by_refill(), tmp_path / "cut")
    for a, b in zip(*map(_leaves, (whole.params, again.params)), strict=True):
        np.testing.assert_array_equal(a, b)
    rows = read_metrics(whole.workdir / "metrics.jsonl")
    rounds = [row["refill/rounds"] for row in rows if "refill/rounds" in row]
    assert len(rounds) == 4 and max(rounds) > 1


def test_more_problems_than_there_are_is_said_first(tmp_path):
    config = by_refill(**{"task.difficulty.train": 16, "warmup.batch_size": 8})
    config.select = "drop_uniform('correct') | refill(rounds=5)"
    with pytest.raises(ValueError, match="needs 20 problems, and the train split has"):
        train(config, tmp_path / "few")


def _leaves(params):
    return [np.asarray(x) for x in jax.tree.leaves(params)]
