"""Sums with answers, and models that judge them: a bag of words, and one who knows."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from test_scorers_words import SMALL

from rewardlab.core.types import Rollout
from rewardlab.models import lm
from rewardlab.models.model import Model
from rewardlab.scorers.protocol import Context, Setting
from rewardlab.scorers.sentence import scorers_of
from rewardlab.tasks import TASKS
from rewardlab.tasks.arithmetic.verifier import TOKENIZER, score

TEXTS = [
    ("3+4+5=", "3+4=7;7+5=12;#12."),  # right
    ("3+4+5=", "3+4=8;8+5=13;#13."),  # wrong from the first step on
    ("3+4+5=", "3+4=7;7+0=7;7+5=12;#12."),  # right, with a useless step
    ("3+4+5=", ""),  # nothing
    ("2+2=", "2+2=4;#5."),  # a wrong answer of right steps
    ("2+2=", "2+2=4;#4."),
    ("2+2=", "2+2=5;#4."),
    ("2+2=", "#4"),  # cut off
]
TERMS = [[3, 4, 5], [2, 2, -1]]
WORDS = ("judge()", "critics(draws=2)", "criteria()", "insight()")


def body(text):
    """The tokens of a text; a point is its end."""
    return TOKENIZER.encode(text.rstrip(".")) + [1] * text.endswith(".")


@functools.cache
def rows(width=26):
    """The texts above as completions of two sums, with what the task says of them."""
    ids = [body(text) for _, text in TEXTS]
    valid = jnp.asarray([[i < len(x) for i in range(width)] for x in ids])
    tokens = np.array([x + [0] * (width - len(x)) for x in ids])
    prompts = [TOKENIZER.encode(TEXTS[i][0]) for i in (0, 4)]
    left = [[0] * (6 - len(x)) + x for x in prompts]
    rollout = Rollout(
        prompts=jnp.asarray(left, jnp.int32),
        prompt_mask=jnp.asarray(left) > 0,
        group=jnp.repeat(jnp.arange(2, dtype=jnp.int32), 4),
        tokens=jnp.asarray(tokens, jnp.int32),
        mask=valid,
        valid=valid,
        step=jnp.where(valid, 0, -1),
        logp=jnp.zeros(tokens.shape),
        signals={},
        iteration=jnp.zeros((), jnp.int32),
    )
    return score(rollout, {"answer": jnp.array([12, 4]), "terms": jnp.array(TERMS)})


class Bag:
    """A model of the last token and the count of each before it, linear in W."""

    config = SMALL

    def statistic(self, params, case, f, temperature=1.0):
        texts = jnp.concatenate([case.prompts[case.group], case.tokens], axis=1)
        there = jnp.concatenate([case.prompt_mask[case.group], case.valid], axis=1)
        seen = jnp.cumsum(jax.nn.one_hot(texts, 64) * there[..., None], axis=1)
        logits = (seen @ params["w"])[:, case.prompts.shape[1] - 1 : -1]
        return f(logits, case.tokens)


class Oracle:
    """A model that knows the rule: it reads the prompt and says what is true of it."""

    config = SMALL

    def __init__(self, tell):
        self.tell = tell  # of a text, the answers that are due, one a place

    def logits(self, prompts, masks, length):
        found = np.zeros((len(prompts), length, 64), np.float32)
        for n, (ids, there) in enumerate(zip(prompts, masks, strict=True)):
            told = self.tell("".join(TOKENIZER.decode(ids[there]))) + " " * length
            for t in range(length):
                found[n, t, TOKENIZER.encode(told[t])[0]] = 99
        return found

    def statistic(self, params, case, f, temperature=1.0):
        whole = [np.asarray(x) for x in (case.prompts, case.prompt_mask)]
        ends = np.asarray(case.tokens[:, :-1])
        if ends.shape[1]:  # what is asked stands behind the prompt
            whole = [np.repeat(x, len(ends) // len(x), axis=0) for x in whole]
            whole[0] = np.concatenate([whole[0], ends], axis=1)
            whole[1] = np.concatenate([whole[1], ends == ends], axis=1)
        length = case.tokens.shape[1]
        return f(jnp.asarray(self.logits(*whole, length))[:, ::-1], case.tokens)

    def apply(self, params, tokens, cache, last=False):
        if not last:  # after the first token of an answer it writes "0"
            return jnp.zeros((len(tokens), 1, 64)).at[..., 2].set(99.0), cache
        shape = jax.ShapeDtypeStruct((*tokens.shape[:1], 1, 64), jnp.float32)
        ask = lambda *x: self.logits(*map(np.asarray, x), 1)  # noqa: E731
        return jax.pure_callback(ask, shape, tokens, cache.valid), cache


def rule(text):
    """y where sum and answer agree, by Python."""
    question, _, rest = text.partition("=")
    *steps, answer = rest.rstrip("?").split(";")
    sums = [eval(s.replace("=", "==")) if s.count("=") == 1 else 0 for s in steps]
    form = all("+" in s for s in steps) and answer[:1] == "#" and answer[1:].isdigit()
    return "ny"[bool(form and eval(f"{question}=={answer[1:]}") and len(sums) >= 0)]


def setting(model):
    known = dict.fromkeys(("policy", "reference"), model)
    return Setting(known, TASKS["arithmetic"].tokenizer, {"N": 8, "B": 2}, 1.0)


def context(params=None, key=0, iteration=0):
    params = lm.init(SMALL, jax.random.key(3)) if params is None else params
    named = {"policy": params, "reference": params}
    return Context(jax.random.key(key), jnp.asarray(iteration), named, {})


def asked(text, model=None, rollout=None, at=None, batch=None):
    """A scorer's answers, and the scorer."""
    (scorer,) = scorers_of(text, setting(model or Model(SMALL)))
    rollout, at = rollout or rows(), at or context()
    state = scorer.init(at, rollout)
    plain = isinstance(model, Oracle)  # which reads numbers, not their traces
    score = scorer.score if plain else jax.jit(scorer.score)
    return score(state, at, rollout, batch), scorer, state
