"""Arithmetic completions for tests: good, flawed, random and adversarial texts."""

import jax.numpy as jnp
import numpy as np

from rewardlab.core.types import Rollout
from rewardlab.tasks.arithmetic.verifier import TOKENIZER

ODD = [
    "",
    "#",
    "#0",
    "#05",
    "#9;#9",
    "##9",
    "9",
    ";",
    ";;;;;;;;;;;;",
    "#12;",
    "x#12",
    "3+4=7;#12#",
    "3+4=7#7",
    "3+4=7;;7+5=12;#12",
    "03+4=7;7+5=12;#12",
    "3+4=07;7+5=12;#12",
    "3+4=7;7+5=12;#012",
    "3+4=7;7+5=12;# 12",
    "3+4=7;7+5=12;#12·",
    "3+4=7;7+5=12",
    "3+4=7;7+5=12;",
    "4+3=7;7+5=12;#12",
    "3+4=8;8+5=13;3+4=7;7+5=12;#12",
    "3+4=7;7+5=12;12+-1=11;#12",
    "7+5=12;3+4=7;#12",
    "9+4=13;13+5=18;#18",
    "3+4+5=12;#12",
    "3+4=7=7;#12",
    "+4=4;#12",
    "3+=3;#12",
    "3+4=;#12",
    "=;+;+=;=+;#12",
    "999999+1=1000000;#12",
    "999999+1=100000;#12",
    "2147483648+0=0;#12",
    "9999999999999999999999999999999",
    "0+0=0;0+0=0;0+0=0;0+0=0;0+0=0;#1",
    "3+4=7;3+4=7;7+0=7;7+5=12;#12",
    "#4294967308",
]


def solution(terms: list[int]) -> str:
    """3, 4, 5 -> "3+4=7;7+5=12;#12"."""
    total, text = terms[0], ""
    for term in terms[1:]:
        text += f"{total}+{term}={total + term};"
        total += term
    return f"{text}#{total}"


def flawed(text: str, rng: np.random.Generator) -> str:
    """One to three edits: a character or a step goes, comes, changes or is doubled."""
    for _ in range(rng.integers(1, 4)):
        at = int(rng.integers(0, len(text) + 1))
        other = "0123456789+=;#x·"[rng.integers(16)]
        steps = text.split(";")
        again = int(rng.integers(len(steps)))
        text = [
            text[:at] + text[at + 1 :],
            text[:at] + other + text[at:],
            text[:at] + other + text[at + 1 :],
            ";".join([*steps[: again + 1], *steps[again:]]),
            ";".join([*steps[:again], "0+0=0", *steps[again:]]),
        ][rng.integers(5)]
    return text


def texts_of(terms: list[int], count: int, rng: np.random.Generator) -> list[str]:
    """The right solution, the odd ones, and `count` flawed and as many random ones."""
    good = solution(terms)
    noise = rng.choice(list("0123456789+=;;##"), (count, 40))
    cut = rng.integers(1, 41, count)
    random = ["".join(row[:n]) for row, n in zip(noise, cut, strict=True)]
    return [good, *ODD, *(flawed(good, rng) for _ in range(count)), *random]


def written(
    texts: list[list[str]], length: int, rng: np.random.Generator
) -> tuple[Rollout, list[str], list[bool]]:
    """A rollout whose group b holds `texts[b]`, the texts in it, and if each ended.

    Texts that do not fit are cut off; about one in ten of the others has no end. What
    lies after a row's valid tokens is random.
    """
    flat = [text for group in texts for text in group]
    group = [b for b, some in enumerate(texts) for _ in some]
    tokens = rng.integers(0, TOKENIZER.vocab_size, (len(flat), length))
    valid = np.zeros(tokens.shape, bool)
    kept, ended = [], []
    for row, text in enumerate(flat):
        ids = [0 if c == "·" else TOKENIZER.encode(c)[0] for c in text]
        ended.append(len(ids) < length and bool(rng.random() < 0.9))
        ids = [*ids, TOKENIZER.eos_ids[0]] if ended[row] else ids[:length]
        tokens[row, : len(ids)], valid[row, : len(ids)] = ids, True
        kept.append(text[:length])
    rollout = Rollout(
        prompts=jnp.zeros((len(texts), 16), jnp.int32),
        prompt_mask=jnp.ones((len(texts), 16), bool),
        group=jnp.asarray(group, jnp.int32),
        tokens=jnp.asarray(tokens, jnp.int32),
        mask=jnp.asarray(valid),
        valid=jnp.asarray(valid),
        step=jnp.full(tokens.shape, -1, jnp.int32),
        logp=jnp.zeros(tokens.shape),
        signals={},
        iteration=jnp.zeros((), jnp.int32),
    )
    return rollout, kept, ended


def problems(terms: list[list[int]]) -> dict[str, np.ndarray]:
    """The columns of some problems that `score` reads."""
    width = max(map(len, terms))
    return {
        "answer": np.array([sum(t) for t in terms], np.int32),
        "terms": np.array([t + [-1] * (width - len(t)) for t in terms], np.int32),
    }
