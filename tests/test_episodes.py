"""Episodes in one program: what stands where, and what they do not depend on."""

import dataclasses
import re
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

from rewardlab.learning.parallel import DRIVERS, REPLICATED, SHARDED, SHARDED_ROLLOUT
from rewardlab.models import lm
from rewardlab.models.logprobs import completion_logprobs
from rewardlab.rollouts import End, Sampling, rollout_episodes, rollout_episodes_on_host
from rewardlab.tasks.environment import Environment, Observation

CONFIG = lm.LMConfig(12, 1, 32, num_heads=4, num_kv_heads=2, head_dim=8, ffn=48)
APPLY = lm.bind(CONFIG)
PARAMS = jax.tree.map(lambda x: 1.5 * x, lm.init(CONFIG, jax.random.key(0)))
OPTIONS = Sampling(4, 11, eos_ids=(), pad_id=0, temperature=0.8)
KEY = jax.random.key(7)
END, QUIT, FAIL, TURNS, WIDTH, SAID = 2, 3, 4, 3, 4, 3


class Counter(NamedTuple):
    """How many turns there were, and how many tokens in them."""

    turns: Array
    tokens: Array


def observe(state, action, length):
    """Says the turn and its length (two tokens, one, none); 3 first ends, 4 fails."""
    state = Counter(state.turns + 1, state.tokens + length)
    size = jnp.where(action[0] == FAIL, jnp.nan, length.astype(jnp.float32))
    said = jnp.array([5 + state.turns, 5 + length, 0])
    rewards = {"size": size, "call": (length % 2).astype(jnp.float32)}
    return Observation(state, said, length % 3, action[0] == QUIT, rewards)


ENVIRONMENT = Environment(
    init=lambda facts: Counter(facts["id"] * 0, facts["id"] * 0),
    observe=observe,
    outcome=lambda state: {"correct": (state.turns >= 2).astype(jnp.float32)},
    turn_end=END,
    max_turns=TURNS,
    action_length=WIDTH,
    observation_length=SAID,
)


def facts(rows=slice(None)):
    rng = np.random.default_rng(0)
    prompts = rng.integers(2, 12, (8, 6)).astype(np.int32)
    mask = np.arange(6) >= rng.integers(0, 5, 8)[:, None]
    truth = rng.integers(2, 12, (8, 3)).astype(np.int32)
    told = np.arange(3) < rng.integers(1, 4, 8)[:, None]
    columns = {"prompts": prompts, "prompt_mask": mask, "truth": truth}
    columns |= {"truth_mask": told, "id": np.arange(100, 108, dtype=np.int32)}
    return {name: jnp.asarray(x[rows]) for name, x in columns.items()}


def episodes(rows=slice(None), **kw):
    return rollout_episodes(
        APPLY, PARAMS, facts(rows), KEY, 3, OPTIONS, ENVIRONMENT, belief=True, **kw
    )


@pytest.fixture(scope="module")
def whole():
    return jax.tree.map(np.asarray, episodes())


def replay(row):
    """The rules, read from the tokens of one row: facts of the episode."""
    seen = {"size": [], "call": [], "own": [], "step": [], "end": None, "said": []}
    tokens, at = [int(t) for t in row], 0
    for turn in range(TURNS):
        action = []
        while at < len(tokens) and len(action) < WIDTH and END not in action:
            action.append(tokens[at])
            seen["own"].append(True)
            seen["step"].append(turn)
            at += 1
        if len(action) < WIDTH and END not in action:
            return seen | {"end": End.TOKENS}
        if action[0] == FAIL:
            return seen | {"end": End.ERROR}
        seen["size"].append(len(action))
        seen["call"].append(len(action) % 2)
        said = [5 + turn + 1, 5 + len(action)][: len(action) % 3]
        for end, here in (
            (End.DONE, action[0] == QUIT),
            (End.TURNS, turn + 1 == TURNS),
            (End.TOKENS, at + len(said) >= OPTIONS.max_completion_length),
        ):
            if here:
                return seen | {"end": end}
        assert tokens[at : at + len(said)] == said
        seen["said"].append(tuple(said))
        seen["own"] += [False] * len(said)
        seen["step"] += [turn] * len(said)
        at += len(said)
    raise AssertionError("an episode has at most TURNS turns")


def test_a_row_is_its_turns_as_they_were_written(whole):
    ends, anchors = set(), {}
    for n, tokens in enumerate(whole.tokens):
        length = whole.valid[n].sum()
        assert whole.valid[n, :length].all() and not tokens[length:].any()
        told, own = replay(tokens[:length]), whole.mask[n]
        assert own[:length].tolist() == told["own"] and not own[length:].any()
        assert whole.step[n].tolist() == told["step"] + [-1] * (11 - length)
        signals = {name: x[n] for name, x in whole.signals.items()}
        judged = signals["size_valid"]
        for name in ("size", "call"):
            assert signals[name][judged].tolist() == told[name]
            assert not signals[name][~judged].any()
        assert judged.sum() == signals["turns"] == len(told["size"])
        assert signals["ended_by"] == told["end"]
        assert signals["finished"] == (told["end"] == End.DONE)
        assert signals["correct_valid"] == (told["end"] != End.ERROR)
        if told["end"] != End.ERROR:
            assert signals["correct"] == (len(told["size"]) >= 2)
        for k in range(TURNS):
            acts = own & (whole.step[n] == k)
            assert signals["turn_entropy_valid"][k] == acts.any()
            mean = signals["entropy"][acts].mean() if acts.any() else 0.0
            np.testing.assert_allclose(signals["turn_entropy"][k], mean, rtol=1e-5)
        for k, said in enumerate(told["said"], 1):
            anchors.setdefault(said, set()).add(int(signals["anchor"][k]))
        turn = np.clip(whole.step[n], 0, TURNS - 1)
        assert (signals["is_call"] == (own & (signals["call"][turn] > 0))).all()
        ends.add(told["end"])
    assert all(len(same) == 1 for same in anchors.values()) and len(anchors) > 4
    assert len(set.union(*anchors.values())) == len(anchors)
    assert ends == {End.DONE, End.TURNS, End.TOKENS, End.ERROR}


def test_sampled_logp_and_entropy_are_teacher_forced_ones(whole):
    forced, r = jax.jit(completion_logprobs, static_argnums=(0, 7)), whole
    case = (r.prompts, r.prompt_mask, r.tokens, r.valid, OPTIONS.temperature, True)
    stats = forced(CONFIG, PARAMS, *case)
    for name, own in (("logp", r.logp), ("entropy", r.signals["entropy"])):
        expected = np.where(r.mask, getattr(stats, name), 0)
        np.testing.assert_allclose(own, expected, atol=1e-4)


def test_beliefs_are_the_truths_likelihood_after_what_was_read(whole):
    """Each context written out and read anew, as prompts that nobody shares."""
    columns, forced = facts(), jax.jit(completion_logprobs, static_argnums=0)
    texts, truths, told, places = [], [], [], []
    for n, b in enumerate(whole.group):
        prompt = np.asarray(columns["prompts"][b])[
            np.asarray(columns["prompt_mask"][b])
        ]
        for k in range(TURNS):
            read = whole.tokens[n][whole.valid[n] & (whole.step[n] < k)]
            texts.append([*prompt, *read])
            truths.append(columns["truth"][b])
            told.append(columns["truth_mask"][b])
            places.append((n, k))
    wide = np.zeros((len(texts), 20), np.int32)
    mask = np.zeros(wide.shape, bool)
    for i, text in enumerate(texts):
        wide[i, 20 - len(text) :], mask[i, 20 - len(text) :] = text, True
    truths, told = np.stack(truths), np.stack(told)
    case = (wide, mask, truths, np.ones(truths.shape, bool))
    logp = np.asarray(forced(CONFIG, PARAMS, *case).logp, np.float64)
    valid = 0
    for i, (n, k) in enumerate(places):
        begun = (whole.mask[n] & (whole.step[n] == k)).any()
        assert whole.signals["belief_valid"][n, k] == begun
        expected = np.exp(logp[i][told[i]].mean()) if begun else 0.0
        np.testing.assert_allclose(whole.signals["belief"][n, k], expected, rtol=1e-3)
        valid += begun
    assert TURNS * 8 < valid < TURNS * 32


def same(a, b, atol=1e-5):
    for name in ("tokens", "mask", "valid", "step"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    np.testing.assert_allclose(a.logp, b.logp, atol=atol)
    assert a.signals.keys() == b.signals.keys()
    for name in a.signals:
        np.testing.assert_allclose(a.signals[name], b.signals[name], atol=atol)


def test_micro_batches_play_the_same_episodes(whole):
    for i in range(0, 8, 4):
        cut = jax.tree.map(lambda x, i=i: x[4 * i : 4 * i + 16], whole.signals)
        part = episodes(slice(i, i + 4))
        rows = slice(4 * i, 4 * i + 16)
        np.testing.assert_array_equal(part.tokens, whole.tokens[rows])
        np.testing.assert_allclose(part.logp, whole.logp[rows], atol=1e-5)
        for name, x in cut.items():
            np.testing.assert_allclose(part.signals[name], x, atol=1e-5)


@pytest.mark.parametrize("name", ["jit", "pmap"])
def test_eight_devices_play_the_same_episodes(whole, name):
    driver = DRIVERS[name](jax.devices()[:8])

    def shard(params, columns, iteration):
        return rollout_episodes(
            APPLY, params, columns, KEY, iteration, OPTIONS, ENVIRONMENT, belief=True
        )

    ins = (REPLICATED, SHARDED, REPLICATED)
    spread = driver.spmd(shard, ins=ins, outs=SHARDED_ROLLOUT)
    same(spread(PARAMS, facts(), jnp.asarray(3)), whole)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tokens": jnp.zeros(5, int)}, r"tokens has shape \(5,\) .* make it \(3,\)"),
        ({"rewards": {"size": jnp.zeros(2)}}, r"rewards\['size'\] has shape \(2,\)"),
        ({"state": Counter(0.0, 0.0)}, "state changes from .* keep shapes and types"),
    ],
)
def test_an_environment_of_a_wrong_shape_is_one_sentence(change, message):
    wrong = ENVIRONMENT._replace(observe=lambda *a: observe(*a)._replace(**change))
    with pytest.raises(ValueError, match=message):
        jax.eval_shape(
            lambda f: rollout_episodes(APPLY, PARAMS, f, KEY, 0, OPTIONS, wrong),
            facts(),
        )


def test_the_environment_of_the_docs_plays():
    """The code of docs/environments.md, run as it stands there."""
    page = Path(__file__).parent.parent / "docs" / "environments.md"
    space: dict = {}
    for block in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL):
        exec(block.partition("rewardlab.train(")[0], space)  # see test_your_own
    shape = dataclasses.replace(CONFIG, vocab_size=64)
    columns = facts(slice(0, 2)) | {"secret": jnp.array([3, 4])}
    options = dataclasses.replace(OPTIONS, max_completion_length=30)
    case = (lm.bind(shape), lm.init(shape, KEY), columns, KEY, 0, options)
    ours = rollout_episodes(*case, space["world"]).signals
    assert ours["warmer_valid"].any() and set(ours["ended_by"].tolist()) <= {1, 2, 3}
    hosted = rollout_episodes_on_host(*case, space["hosted"]).signals
    assert hosted["tried"].sum() > 0 and not hosted["correct_valid"].any()
