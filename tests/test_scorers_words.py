"""The sentence of `scorers`, and what its words make."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rewardlab.models import lm
from rewardlab.models.model import Model
from rewardlab.rollouts import Sampling, rollout_completions
from rewardlab.scorers import SCORERS, USUAL
from rewardlab.scorers.beside import BESIDE
from rewardlab.scorers.protocol import Context, Scorer, Setting
from rewardlab.scorers.sentence import scorers_of, texts_of, words_of
from rewardlab.scorers.text_rewards import TextReward
from rewardlab.tasks import TASKS
from rewardlab.testing import from_arrays

SMALL = lm.LMConfig(64, 1, 32, num_heads=2, num_kv_heads=2, head_dim=16, ffn=48)
SETTING = Setting(
    dict.fromkeys(("policy", "reference", *BESIDE), Model(SMALL)),
    TASKS["arithmetic"].tokenizer,
    {},
    0.7,
)
HERE = "test_scorers_words"


def polite(completions, **_):
    return [0.0] * len(completions)


def constant(value: float = 2.0):
    def make(setting):
        score = lambda state, context, rollout, batch: {  # noqa: E731
            "constant": value * jnp.ones(rollout.tokens.shape[0])
        }
        return Scorer("constant", {"constant": "N"}, (), "shard", score)

    return make


KEPT = TextReward("kept", polite, steps=3)
BROKEN = 3


def context_of(key=0):
    params = {
        r: lm.init(SMALL, jax.random.key(i)) for i, r in enumerate(SETTING.models)
    }
    zero = jnp.zeros((), jnp.int32)
    return Context(jax.random.key(key), zero, params, {})


def rollout_of(n=4, t=5):
    mask = np.arange(t) < np.array([5, 3, 0, 1])[:n, None]
    tokens = np.random.default_rng(0).integers(0, 64, (n, t))
    return dataclasses.replace(from_arrays(mask), tokens=tokens.astype(np.int32))


def test_words_paths_and_functions_that_read_text():
    text = f"reference(temperature=1) | {HERE}:polite(time_limit=9) | {HERE}:KEPT"
    found = scorers_of(f"{text} | {HERE}:constant(value=3)", SETTING)
    assert [s.name for s in found] == ["reference", "polite", "kept", "constant"]
    assert [s.place for s in found] == ["shard", "host", "host", "shard"]
    assert found[2].provides["kept"] == "N3" and found[1].provides["polite"] == "N"
    assert [r.name for r in texts_of(text)] == ["polite", "kept"]
    assert texts_of(text)[0].time_limit == 9 and scorers_of("", SETTING) == ()
    assert str(words_of(text)) == "reference(temperature=1)"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("referenc()", "unknown scorer 'referenc', did you mean 'reference'?"),
        ("critic(width='a')", "critic: width='a' must be"),
        (f"{HERE}:polite(3)", "is not understood; in the brackets"),
        (f"{HERE}:BROKEN", "3"),
    ],
)
def test_what_is_no_scorer_is_said(text, said):
    with pytest.raises(
        (ValueError, TypeError), match=said.replace("(", r"\(").replace("?", r"\?")
    ):
        scorers_of(text, SETTING)


def test_every_usual_maker_makes_its_signal():
    for signal, text in USUAL.items():
        (scorer,) = scorers_of(text, SETTING)
        assert signal in scorer.provides and text.partition("(")[0] in SCORERS


@pytest.mark.parametrize(
    ("text", "at"), [("reference()", 0.7), ("reference(temperature=1)", 1)]
)
def test_reference(text, at):
    (scorer,) = scorers_of(text, SETTING)
    rollout, context = rollout_of(), context_of()
    got = scorer.score((), context, rollout, None)["ref_logp"]
    model, params = Model(SMALL), context.params["reference"]
    want = model.log_probs(params, rollout, at).logp
    np.testing.assert_array_equal(got, want)
    other = scorers_of("reference(signal='base_logp')", SETTING)[0]
    assert other.name == "reference_base_logp" and set(other.provides) == {"base_logp"}


def test_states():
    """Before each token: the head's product with them is that token's distribution."""
    rollout, context = rollout_of(), context_of()
    (scorer,) = scorers_of("states()", SETTING)
    hidden = scorer.score((), context, rollout, None)["hidden"]
    params = context.params["policy"]
    logits = hidden @ params["embedding"].T
    logp = jax.nn.log_softmax(logits / 0.7)
    logp = np.take_along_axis(np.asarray(logp), rollout.tokens[..., None], -1)[..., 0]
    want = Model(SMALL).log_probs(params, rollout, 0.7).logp
    np.testing.assert_allclose(np.where(rollout.mask, logp, 0), want, atol=1e-4)
    entropy = scorers_of("entropy()", SETTING)[0].score((), context, rollout, None)
    p = jax.nn.softmax(logits / 0.7)
    by_hand = -np.sum(np.asarray(p) * np.log(np.asarray(p)), -1)
    by_hand = np.where(rollout.mask, by_hand, 0)
    np.testing.assert_allclose(entropy["entropy"], by_hand, atol=1e-4)


@pytest.mark.parametrize("temperature", [0.7, 0.0])
def test_the_sampler_keeps_what_a_forward_pass_would_make_again(temperature):
    """Its entropy and its hidden states before each token, 0 after the end."""
    params = lm.init(SMALL, jax.random.key(3))
    prompts = np.random.default_rng(1).integers(0, 64, (2, 4)).astype(np.int32)
    mask = np.array([[False, True, True, True], [True] * 4])
    options = Sampling(3, 6, eos_ids=(5,), pad_id=0, temperature=temperature)
    asked = (params, prompts, mask, np.arange(2), jax.random.key(0), np.int32(0))
    rollout = rollout_completions(
        lm.bind_with_states(SMALL), *asked, options, True, True
    )
    plain = rollout_completions(lm.bind(SMALL), *asked, options)
    np.testing.assert_array_equal(rollout.tokens, plain.tokens)
    model = Model(SMALL)
    there = rollout.mask[..., None]
    want = np.where(there, model.states(params, rollout), 0)
    np.testing.assert_allclose(rollout.signals["hidden"], want, atol=1e-4)
    stats = model.log_probs(params, rollout, temperature or 1, whole=True)
    np.testing.assert_allclose(rollout.signals["entropy"], stats.entropy, atol=1e-4)
