"""What a step was worth, word by word: the stages, and how a file writes them."""

import json
import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rewardlab
from rewardlab.core.compose import chain, estimator
from rewardlab.core.stages import made, named_state, trace, words
from rewardlab.core.types import Reward, place
from rewardlab.runs.completions import SCHEMA, Worth, completion_lines, texts_of
from rewardlab.testing import from_arrays, ragged
from rewardlab.text.tokenizers import CharTokenizer

SENTENCES = {
    "outcome('correct') | center_by_group() | broadcast_to_tokens()": ["correct"],
    "outcome('correct') | process('prm') | on('prm', delta() | clip_reward(0.5)) | "
    "weighted_sum(correct=1, prm=0.3) | returns_to_go() | center_by_group()": [
        "correct",
        "prm",
    ],
    "outcome('correct') | gate('score', length_penalty(after=2)) | copy_channel("
    "again='correct') | weighted_sum(correct=1, again=2) | broadcast_to_tokens()": [
        "correct"
    ],
    "outcome('correct') | adaptive_kl_penalty() | weighted_sum(correct=1, kl=1)": [
        "correct",
        "kl",
    ],
    "outcome('correct')": ["correct"],
}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_stages_are_what_the_estimator_computes(sentence: str) -> None:
    """Its last is the advantage before the mask; each is its words' own, alone."""
    transform, rollout = rewardlab.resolve(sentence), ragged(seed=5)
    closed = estimator(transform)
    state = closed.init(rollout)
    advantage, _ = jax.jit(closed.update)({}, state, rollout)
    stages = jax.jit(trace(transform))({}, state, rollout)
    names = words(transform)
    assert " | ".join(names) == transform.sentence and len(stages) == len(names)
    (last,) = stages[-1].values()
    np.testing.assert_allclose(
        np.where(rollout.mask, last.value, 0), advantage, rtol=1e-5, atol=1e-6
    )
    for k, part in enumerate(names):
        begun = rewardlab.resolve(" | ".join(names[: k + 1]))
        want, _ = begun.update({}, begun.init(rollout), rollout)
        assert want.keys() == stages[k].keys(), part
        for name, reward in want.items():
            np.testing.assert_array_equal(reward.placed, stages[k][name].placed)
            np.testing.assert_allclose(
                reward.value, stages[k][name].value, rtol=1e-5, atol=1e-6
            )


@pytest.mark.parametrize(("sentence", "sources"), SENTENCES.items())
def test_sources_are_the_words_that_add_channels(sentence, sources) -> None:
    """A copy is none, and a channel is as it came, before any other word."""
    transform, rollout = rewardlab.resolve(sentence), ragged(seed=5)
    found = made(trace(transform)({}, transform.init(rollout), rollout))
    assert list(found) == sources
    correct = rollout.signals["correct"][np.asarray(rollout.mask).any(axis=1)]
    assert float(found["correct"].value.sum()) == pytest.approx(correct.sum())


def test_state_is_under_the_name_of_its_word() -> None:
    first, second = rewardlab.resolve(
        "outcome('correct') | adaptive_kl_penalty(beta=0.25)"
    ).parts
    again = rewardlab.on("kl", second)
    rollout = ragged()
    transform = chain(first, second, again)
    state = named_state(transform, transform.init(rollout))
    assert list(state) == ["outcome", "adaptive_kl_penalty", "adaptive_kl_penalty_2"]
    assert float(state["adaptive_kl_penalty"]["coefficient"]) == 0.25


def lines(rollout, stages=(), kept=True):
    host = jax.device_get(rollout)
    n = len(host.group)
    worth = Worth(host.logp * 2, np.full(n, 0.3, np.float32), np.full(n, kept), stages)
    return [
        json.loads(json.dumps(x))
        for x in completion_lines(host, worth, texts_of(host, CharTokenizer("")))
    ]


def test_completions_hold_every_signal_token_and_stage() -> None:
    rollout = from_arrays(
        mask=[[True, False, True, False]],
        valid=[[True, True, True, False]],
        logp=[[-0.1, 0.0, -np.inf, 9.0]],
        correct=[1.0],
        correct_valid=[False],
        prm=[[0.5, 0.25]],
        dense=[[1.0, 2.0, 3.0, 9.0]],
    )
    last = place(jnp.full((1, 4), 0.1), jnp.array([[False, False, True, False]]))
    (got,) = lines(rollout, [("outcome('x')", {"x": last})])
    assert got == {
        "schema": SCHEMA,
        "row": 0,
        "group": 0,
        "prompt": "···",
        "completion": "···",
        "reward": 0.3,
        "kept": True,
        "stages": [
            {"word": "outcome('x')", "channels": {"x": {"on": "row", "value": 0.1}}}
        ],
        "signals": {
            "correct": 1.0,
            "correct_valid": False,
            "prm": [0.5, 0.25],
            "dense": [1.0, 2.0, 3.0],
        },
        "prompt_tokens": [0, 0, 0],
        "texts": ["·", "·", "·"],
        "tokens": [0, 0, 0],
        "mask": [True, False, True],
        "step_of_token": [0, 0, 0],
        "logp": [-0.1, 0.0, None],
        "advantage": [-0.2, 0.0, None],
    }


def test_a_channel_is_written_in_the_shortest_way_that_says_all() -> None:
    """Of three rows: two steps with an answer between, one step, and nothing."""
    mask = np.array([[1, 0, 1, 1], [1, 0, 0, 0], [0, 0, 0, 0]], bool)
    valid = np.array([[1, 1, 1, 1], [1, 0, 0, 0], [0, 0, 0, 0]], bool)
    step = np.array([[0, 0, 1, 1], [0, -1, -1, -1], [-1, -1, -1, -1]])
    rollout = from_arrays(mask, step=step, valid=valid)
    ends = np.array([[1, 0, 0, 1], [1, 0, 0, 0], [0, 0, 0, 0]], bool)
    final = ends & np.array([[0, 0, 0, 1], [1, 0, 0, 0], [0, 0, 0, 0]], bool)
    value = np.float32([[1, 9, 2, 3], [np.inf, 9, 9, 9], [9, 9, 9, 9]])
    flat = np.float32([[5, 9, 5, 5], [6, 9, 9, 9], [9, 9, 9, 9]])
    even = np.float32([[1, 9, 2, 2], [4, 9, 9, 9], [9, 9, 9, 9]])
    none = np.zeros_like(mask)
    cases = {
        "row": (value, final, [3.0, "not finite", None]),
        "step": (value, ends, [[1.0, 3.0], ["not finite"], []]),
        "token": (value, mask, [[1.0, None, 2.0, 3.0], ["not finite"], []]),
        "row_tokens": (flat, mask, [5.0, 6.0, None]),
        "step_tokens": (even, mask, [[1.0, 2.0], [4.0], []]),
    }
    for on, (numbers, where, want) in cases.items():
        channel = Reward(jnp.where(where, numbers, 0), jnp.asarray(where))
        got = [
            x["stages"][0]["channels"]["c"]
            for x in lines(rollout, [("w", {"c": channel})])
        ]
        assert got == [{"on": on, "value": x} for x in want]
    nothing = place(jnp.ones(mask.shape), jnp.asarray(none))
    got = lines(rollout, [("w", {"c": nothing})], kept=False)
    assert [x["stages"][0]["channels"]["c"] for x in got] == [
        {"on": "row", "value": None}
    ] * 3
    assert not any(x["kept"] for x in got)


def test_every_key_is_explained() -> None:
    page = (Path(__file__).parents[1] / "docs" / "completions.md").read_text()
    table = page.split("## Stages")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line[:3] == "| `"]
    explained = set(re.findall(r"`(\w+)`", " ".join(cells)))
    (got,) = lines(from_arrays([[True]]))
    assert explained == {"step", *got}  # the step is added where the file is written
    assert f"| {SCHEMA};" in page
