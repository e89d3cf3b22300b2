"""Sampling: what is drawn, how likely it was, and what it does not depend on."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P

from rewardlab.models import lm
from rewardlab.models.cache import start
from rewardlab.models.logprobs import completion_logprobs
from rewardlab.rollouts import Sampling, drawing, rollout_completions, truncate
from rewardlab.text.ends import have_ended, stop_table
from rewardlab.text.stops import Stopping
from rewardlab.text.tokenizers import CharTokenizer

CONFIG = lm.LMConfig(16, 1, 32, num_heads=4, num_kv_heads=2, head_dim=8, ffn=48)
APPLY = lm.bind(CONFIG)
PARAMS = jax.tree.map(lambda x: 1.5 * x, lm.init(CONFIG, jax.random.key(0)))
OPTIONS = Sampling(4, 12, eos_ids=(1, 7), pad_id=0, temperature=0.8)
KEY = jax.random.key(7)


def questions():
    """Eight prompts of 2..6 tokens, left-padded to 6."""
    rng = np.random.default_rng(0)
    prompts = jnp.asarray(rng.integers(2, 16, (8, 6)), jnp.int32)
    mask = jnp.arange(6) >= jnp.asarray(rng.integers(0, 5, 8))[:, None]
    return prompts, mask, jnp.arange(100, 108)


def draw(options=OPTIONS, rows=slice(None), iteration=3, apply=APPLY):
    prompts, mask, ids = (x[rows] for x in questions())
    return rollout_completions(
        apply, PARAMS, prompts, mask, ids, KEY, iteration, options
    )


def fresh():
    """The same model as a new function, for which nothing is compiled yet."""
    return lambda *args, **last: APPLY(*args, **last)


def test_sampled_logp_is_teacher_forced_logp():
    r = draw()
    forced = jax.jit(completion_logprobs, static_argnums=0)
    case = (r.prompts, r.prompt_mask, r.tokens, r.valid, OPTIONS.temperature)
    logp = forced(CONFIG, PARAMS, *case).logp
    np.testing.assert_allclose(r.logp, logp, atol=1e-4)


def test_a_rollout_ends_with_any_end_and_then_is_padding():
    r = jax.tree.map(np.asarray, draw())
    np.testing.assert_array_equal(r.group, np.repeat(np.arange(8), 4))
    lengths = r.mask.sum(axis=1)
    assert lengths.min() < 12 < lengths.max() + 1  # some end early, some run out
    for tokens, mask, logp, n in zip(r.tokens, r.mask, r.logp, lengths, strict=True):
        assert mask[:n].all() and not mask[n:].any()
        assert (
            (tokens[n:] == 0).all() and (logp[n:] == 0).all() and (logp[:n] < 0).all()
        )
        assert not np.isin(tokens[: n - 1], (1, 7)).any()
        assert n == 12 or tokens[n - 1] in (1, 7)
    assert {1, 7} <= set(r.tokens[r.mask].tolist())
    np.testing.assert_array_equal(r.valid, r.mask)
    np.testing.assert_array_equal(r.step, np.where(r.mask, 0, -1))
    assert r.signals == {} and r.iteration == 3


@pytest.mark.parametrize("size", [1, 4])
def test_micro_batches_draw_the_same_completions(size):
    whole = draw()
    for i in range(0, 8, size):
        part = draw(rows=slice(i, i + size))
        rows = slice(4 * i, 4 * (i + size))
        np.testing.assert_array_equal(part.tokens, whole.tokens[rows])
        np.testing.assert_array_equal(part.mask, whole.mask[rows])
        np.testing.assert_allclose(part.logp, whole.logp[rows], atol=1e-5)


def test_a_prompt_draws_the_same_wherever_it_stands():
    order = np.array([5, 2, 7, 0])
    rows = (4 * order[:, None] + np.arange(4)).reshape(-1)
    np.testing.assert_array_equal(draw(rows=order).tokens, draw().tokens[rows])


@pytest.mark.skipif(len(jax.devices()) < 8, reason="needs eight devices")
def test_eight_devices_draw_the_same_completions():
    mesh = Mesh(np.array(jax.devices()[:8]), ("data",))

    def shard(prompts, mask, ids):
        r = rollout_completions(APPLY, PARAMS, prompts, mask, ids, KEY, 3, OPTIONS)
        return r.tokens, r.mask

    spread = jax.jit(
        jax.shard_map(
            shard, mesh=mesh, in_specs=P("data"), out_specs=P("data"), check_vma=False
        )
    )
    tokens, mask = spread(*questions())
    whole = draw()
    np.testing.assert_array_equal(tokens, whole.tokens)
    np.testing.assert_array_equal(mask, whole.mask)


def test_an_iteration_draws_the_same_after_a_restart_and_unlike_the_others():
    first = [draw(iteration=i).tokens for i in range(3)]
    restarted = fresh()
    for i in (2, 1):
        again = draw(iteration=i, apply=restarted)
        np.testing.assert_array_equal(again.tokens, first[i])
    assert (first[0] != first[1]).any() and (first[1] != first[2]).any()


def test_samples_of_a_prompt_differ_and_a_longer_limit_keeps_their_beginning():
    short, long = draw(), draw(dataclasses.replace(OPTIONS, max_completion_length=16))
    np.testing.assert_array_equal(long.tokens[:, :12], short.tokens)
    assert len({tuple(row) for row in np.asarray(short.tokens[:4]).tolist()}) > 1


def test_noise_drawn_ahead_is_noise_drawn_token_by_token(monkeypatch):
    ahead = draw()
    monkeypatch.setattr(drawing, "_NOISE_BYTES", 0)
    np.testing.assert_array_equal(draw(apply=fresh()).tokens, ahead.tokens)


def test_greedy_takes_the_likeliest_token():
    greedy = dataclasses.replace(OPTIONS, num_generations=1, temperature=0.0)
    r = draw(greedy)
    np.testing.assert_array_equal(r.logp, 0)
    for b in range(8):
        text = list(np.asarray(r.prompts[b])[np.asarray(r.prompt_mask[b])])
        for token in np.asarray(r.tokens[b])[np.asarray(r.mask[b])]:
            row = jnp.array([text + [0] * (18 - len(text))])
            logits = jax.jit(APPLY)(PARAMS, row, start(jnp.ones(row.shape, bool)))[0]
            assert token == np.argmax(logits[0, len(text) - 1])
            text.append(token)


def test_a_stop_string_cuts_what_would_have_been_written():
    """Tokens of a letter each, "ab" or "c" stops: a row is cut where it has one."""
    stopping = Stopping(CharTokenizer("aaabbbcddddddd"), ("ab", "c"))
    free = dataclasses.replace(OPTIONS, eos_ids=())
    ends = {"eos_ids": stopping.eos_ids, "stops": stop_table(stopping)}
    stopped = dataclasses.replace(free, **ends)
    whole, cut = draw(free), draw(stopped)
    ended = np.asarray(have_ended(stopping, cut.tokens, cut.mask)).tolist()
    for row, over in enumerate(ended):
        tokens = whole.tokens[row].tolist()
        texts = [stopping.decode(tokens[:n]) for n in range(1, 13)]
        have = [any(stop in text for stop in stopping.stops) for text in texts]
        have = [over or 1 in tokens[: n + 1] for n, over in enumerate(have)]
        length = have.index(True) + 1 if over else 12
        assert over == have[-1] and int(cut.mask[row].sum()) == length
        assert cut.tokens[row, :length].tolist() == tokens[:length]
    assert 0 < sum(ended) < len(ended)


def test_the_loop_stops_when_all_rows_have_ended():
    """A callback counts decoding steps: as many as the longest row needs."""
    calls = []

    def counted(params, tokens, cache, last=False):
        jax.debug.callback(lambda: calls.append(tokens.shape[1]))
        return APPLY(params, tokens, cache, last)

    prompts, mask, ids = questions()
    r = rollout_completions(
        counted, PARAMS, prompts[:1], mask[:1], ids[:1], KEY, 3, OPTIONS
    )
    jax.effects_barrier()
    longest = int(jnp.max(jnp.sum(r.mask, axis=1)))
    # One call reads the prompt; the token drawn last is never read.
    assert calls.count(1) == longest - 1 and len(calls) == longest


def kept(logits, top_k, top_p):
    """Which tokens stay, one at a time from the likeliest down."""
    order = sorted(range(len(logits)), key=lambda i: -logits[i])
    order = order[:top_k] if top_k else order
    p = [np.exp(np.float64(logits[i])) for i in order]
    mass, inside = 0.0, []
    for i, share in zip(order, np.array(p) / np.sum(p), strict=True):
        if mass < top_p:
            inside.append(i)
        mass += share
    return sorted(inside)


@pytest.mark.parametrize("top_p", [1.0, 0.9, 0.5, 0.01])
@pytest.mark.parametrize("top_k", [0, 1, 3, 16, 40])
def test_truncation_is_the_definition(top_k, top_p):
    logits = np.random.default_rng(1).normal(size=(20, 16)).astype(np.float32)
    cut = np.asarray(truncate(jnp.asarray(logits), top_k, top_p))
    for before, after in zip(logits, cut, strict=True):
        inside = kept(before, top_k, top_p)
        assert np.flatnonzero(np.isfinite(after)).tolist() == inside
        np.testing.assert_array_equal(after[inside], before[inside])


def test_logp_is_of_the_truncated_distribution():
    """log p = z - log sum of exp z over the tokens kept, at every place of a row."""
    cut = draw(dataclasses.replace(OPTIONS, top_k=5, top_p=0.8, temperature=0.7))
    rows = cut.prompts.shape[0] * 4
    prompts, mask = jnp.repeat(cut.prompts, 4, 0), jnp.repeat(cut.prompt_mask, 4, 0)
    text = jnp.concatenate([prompts, cut.tokens], axis=1)
    valid = jnp.concatenate([mask, jnp.ones(cut.mask.shape, bool)], axis=1)
    logits = np.asarray(jax.jit(APPLY)(PARAMS, text, start(valid))[0], np.float64) / 0.7
    for n in range(rows):
        for t in np.flatnonzero(cut.mask[n]):
            z = logits[n, 5 + t]
            inside, token = kept(z, 5, 0.8), int(cut.tokens[n, t])
            assert token in inside
            expected = z[token] - np.log(np.sum(np.exp(z[inside])))
            np.testing.assert_allclose(cut.logp[n, t], expected, atol=1e-4)


def test_tokens_are_drawn_as_often_as_they_are_likely():
    """4000 first tokens: each frequency within 5 standard errors of its probability."""
    count = 4000
    prompts, mask, ids = (x[:1] for x in questions())
    options = Sampling(count, 1, eos_ids=(), pad_id=0)
    r = rollout_completions(APPLY, PARAMS, prompts, mask, ids, KEY, 0, options)
    logits = jax.jit(APPLY)(PARAMS, prompts, start(mask))[0][0, -1]
    p = np.asarray(jax.nn.softmax(logits))
    seen = np.bincount(np.asarray(r.tokens[:, 0]), minlength=16) / count
    assert (np.abs(seen - p) <= 5 * np.sqrt(p * (1 - p) / count) + 1e-6).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_generations": 0}, "num_generations=0; sample at least one"),
        ({"max_completion_length": 0}, "max_completion_length=0; sample at least"),
        ({"temperature": -1.0}, "0 is greedy"),
        ({"top_k": -1}, "write 0 to keep every token"),
        ({"top_p": 0.0}, "a share of the mass"),
        ({"top_p": 1.5}, "a share of the mass"),
    ],
)
def test_impossible_options_say_so(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(OPTIONS, **change)
