"""Offsets of step scores by how often a kind of step is used."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scored import SETTING, TOKENIZER, written
from test_train import numbers, tiny

from rewardlab.runs.training import train
from rewardlab.scorers.kinds import offset_common_kinds
from rewardlab.scorers.sentence import scorers_of

A, B, C = (TOKENIZER.encode(x)[0] for x in "abc")


def rollout_of(seed):
    """Rows of up to four steps; one is empty, and some steps have no kind."""
    rng = np.random.default_rng(seed)
    r = written(["x" * 12] * 7)
    tokens = rng.choice([A, B, B, B, C, *TOKENIZER.encode("xyz0123")], r.tokens.shape)
    mask = rng.random(r.tokens.shape) < 0.8
    mask[seed % 7] = False
    step = np.where(mask, np.arange(mask.shape[1]) // 3, -1)
    prm = rng.normal(size=(7, 4))
    prm[~(step[:, None] == np.arange(4)[:, None]).any(2)] = np.nan
    arrays = {"tokens": tokens, "mask": mask, "valid": mask, "step": step}
    arrays = {k: jnp.asarray(x) for k, x in arrays.items()}
    return dataclasses.replace(r, **arrays, signals={"prm": jnp.asarray(prm)})


def asked(rollout, *args, **kw):
    score = offset_common_kinds(*args, **kw)(SETTING).score
    found = jax.jit(lambda r: score((), None, r, None))(rollout)
    return {name: np.asarray(x) for name, x in found.items()}


def kinds_of(rollout, ids):
    """By row and step, the first of `ids` that the policy wrote there."""
    found = {}
    tokens, mask, step = (
        np.asarray(getattr(rollout, k)) for k in ("tokens", "mask", "step")
    )
    for i, t in zip(*np.nonzero(mask), strict=True):
        if tokens[i, t] in ids:
            found.setdefault((i, step[i, t]), ids.index(tokens[i, t]))
    return found


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("prior", [(), (0.2, 0.6, 0.2), (2.0, 1.0, 7.0)])
def test_offsets_are_those_of_a_loop(seed, prior):
    rollout, ids = rollout_of(seed), [A, B, C]
    kinds = kinds_of(rollout, ids)
    shares = prior or (1, 1, 1)
    want = np.nan_to_num(np.asarray(rollout.signals["prm"], float))
    for place, kind in kinds.items():
        p = sum(k == kind for k in kinds.values()) / len(kinds)
        q = shares[kind] / sum(shares)
        offset = -0.4 * math.log((p + 1e-6) / (q + 1e-6))
        want[place] += min(max(offset, -0.3), 0.3)
    got = asked(rollout, "a", "b", "c", strength=0.4, most=0.3, prior=prior)
    assert (got["offset_prm_valid"] == ~np.isnan(rollout.signals["prm"])).all()
    np.testing.assert_allclose(got["offset_prm"], want, rtol=1e-5, atol=1e-6)


def test_laws():
    """No strength no offset; shares as asked for none; more use never scores more."""
    rollout = rollout_of(1)
    plain = np.nan_to_num(np.asarray(rollout.signals["prm"]))
    still = asked(rollout, "a", "b", strength=0.0)["offset_prm"]
    np.testing.assert_allclose(still, plain, rtol=1e-6)
    kinds = kinds_of(rollout, [A, B])
    counts = [sum(k == i for k in kinds.values()) for i in (0, 1)]
    even = asked(rollout, "a", "b", prior=tuple(map(float, counts)))["offset_prm"]
    np.testing.assert_allclose(even, plain, rtol=1e-5, atol=1e-6)
    gains = asked(rollout, "a", "b")["offset_prm"] - plain
    of = [next(gains[p] for p, k in kinds.items() if k == i) for i in (0, 1)]
    assert (of[0] > of[1]) == (counts[0] < counts[1])
    none = asked(rollout, "Q")["offset_prm"]
    np.testing.assert_array_equal(none, plain.astype(none.dtype))


def test_what_is_no_kind_is_one_sentence():
    with pytest.raises(ValueError, match="name the kinds"):
        offset_common_kinds()
    with pytest.raises(ValueError, match="a share for each"):
        offset_common_kinds("a", "b", prior=(1.0,))
    with pytest.raises(ValueError, match="'ab' is not one token"):
        asked(rollout_of(0), "ab")
    assert scorers_of("offset_common_kinds('a', 'b')", SETTING)[0].reads == ("prm",)


def test_finepo_trains_with_them(tmp_path):
    """Of the equations of a sum, those that begin with a small number and a large."""
    reward = (
        "outcome('correct') | center_by_group() | broadcast_to_tokens()"
        " | redistribute_within_row('offset_prm', strength=0.5, most=2.0)"
    )
    scorers = "offset_common_kinds('1', '2', '3', '+')"
    short = {"train.max_steps": 2, "eval.every": 2}
    train(tiny(reward=reward, scorers=scorers, updates="", **short), tmp_path)
    assert len(numbers(tmp_path)) == 3
