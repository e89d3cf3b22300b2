"""Questions put to a model: prompts made of rows on the device, and answers read.

A prompt is pieces of token ids, one after the other: the question, the completion, a
marker that asks for the answer. Nothing of what is true of the row goes in, unless
somebody puts it there. An answer is one of a few tokens, from the worst to the best.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from rewardlab.core.evaluations import where
from rewardlab.core.types import Rollout
from rewardlab.models import lm
from rewardlab.models.model import Model
from rewardlab.rollouts import Sampling, rollout_completions
from rewardlab.text.tokenizers import Tokenizer

FORM = "?|n|y"  # what asks, and the answers
UNREADABLE = -1
_PRIME = 16777619


class Piece(NamedTuple):
    """Token ids of each row, and which of them are there."""

    ids: Int[Array, "N P"]
    there: Bool[Array, "N P"]


class Form(NamedTuple):
    """Ids of the tokens that ask, and of the answers from the worst to the best."""

    marker: tuple[int, ...]
    answers: tuple[int, ...]

    def place(self, label: Float[Array, "..."]) -> Int[Array, "..."]:
        """The answer that says a number in [0, 1] best: 0.4 of two answers -> 0."""
        return jnp.round(label * (len(self.answers) - 1)).astype(jnp.int32)


def form_of(text: str, tokenizer: Tokenizer) -> Form:
    """A form written as "marker|worst|...|best"; each answer is one token.

    form_of("?|n|y", tokenizer); form_of(" Right?|No|Yes", tokenizer)
    """
    marker, *answers = text.split("|")
    ids = [tokenizer.encode(answer) for answer in answers]
    if len(answers) < 2 or any(len(one) != 1 for one in ids) or not marker:
        raise ValueError(
            f"the form {text!r} of a judge is no marker and two answers or more of one "
            f"token each, as {FORM!r}; here they are of {[len(x) for x in ids]} tokens"
        )
    return Form(tuple(tokenizer.encode(marker)), tuple(one[0] for one in ids))


def question(rollout: Rollout) -> Piece:
    """The prompt of each row."""
    return Piece(rollout.prompts[rollout.group], rollout.prompt_mask[rollout.group])


def completion(rollout: Rollout) -> Piece:
    """The tokens of each row, its end among them: it says that the row was not cut."""
    return Piece(rollout.tokens, rollout.valid)


def fixed(ids: Sequence[int], rows: int) -> Piece:
    """The same tokens in every row."""
    tokens = jnp.broadcast_to(jnp.asarray(ids, jnp.int32), (rows, len(ids)))
    return Piece(tokens, jnp.ones(tokens.shape, bool))


def joined(*pieces: Piece) -> Piece:
    """The pieces of each row one after the other, padded on the left.

    (1, 2, -), (3, -), (9) -> (-, -, 1, 2, 3, 9)
    """
    ids = jnp.concatenate([piece.ids for piece in pieces], axis=1)
    there = jnp.concatenate([piece.there for piece in pieces], axis=1)
    order = jnp.argsort(there, axis=1, stable=True)  # False comes first
    ids, there = (jnp.take_along_axis(x, order, axis=1) for x in (ids, there))
    return Piece(jnp.where(there, ids, 0), there)


def put(prompt: Piece, tokens: Int[Array, "M L"]) -> Rollout:
    """A rollout in which `tokens` follow the prompts, equally many rows for each.

    What a model's passes read of a rollout; it has no signals and no log-probs.
    """
    rows, width = tokens.shape
    group = jnp.arange(rows, dtype=jnp.int32) // (rows // len(prompt.ids))
    there, zero = jnp.ones((rows, width), bool), jnp.zeros((), jnp.int32)
    return Rollout(
        prompts=prompt.ids,
        prompt_mask=prompt.there,
        group=group,
        tokens=tokens.astype(jnp.int32),
        mask=there,
        valid=there,
        step=jnp.zeros((rows, width), jnp.int32),
        logp=jnp.zeros((rows, width)),
        signals={},
        iteration=zero,
    )


def log_chances(
    logits: Float[Array, "... V"], ids: Sequence[int]
) -> tuple[Float[Array, "..."], ...]:
    """log p of each of a few tokens among all, nats; an array for each."""
    whole = jax.nn.logsumexp(logits, axis=-1)
    return tuple(logits[..., i] - whole for i in ids)


def written(
    model: Model,
    params: lm.Params,
    prompt: Piece,
    tokens: Int[Array, "M L"],
    answers: Sequence[int],
) -> Float[Array, "M L K"]:
    """log p of each of K answers in the place of each token that follows a prompt."""
    read = lambda logits, at: log_chances(logits, answers)  # noqa: E731
    found = model.statistic(params, put(prompt, tokens), read)
    return jnp.stack(found, axis=-1)


def answered(
    model: Model,
    params: lm.Params,
    prompt: Piece,
    answers: Sequence[int],
    endings: Sequence[Sequence[int]] = ((),),
) -> Float[Array, "N C K"]:
    """log p of each of K answers after each of C endings of a prompt: one pass.

    A prompt is read once for all of its endings, which are equally long. It costs a
    forward pass and draws nothing, so equal texts have equal answers without a cache.
    """
    rows = len(prompt.ids)
    whole = jnp.asarray([[*ending, answers[0]] for ending in endings], jnp.int32)
    tokens = jnp.tile(whole, (rows, 1))
    with where(kind="judge_calls"):
        found = written(model, params, prompt, tokens, answers)[:, -1]
    return found.reshape(rows, len(endings), len(answers))


def after_each(
    model: Model, params: lm.Params, rollout: Rollout, ids: Sequence[int]
) -> Float[Array, "N T K"]:
    """log p of each of K tokens, had it come after each token of the rows; one pass.

    After the last token of a row that is what follows its end.
    """
    longer = lambda x, fill: jnp.pad(x, ((0, 0), fill))  # noqa: E731
    valid = jnp.pad(rollout.valid, ((0, 0), (1, 0)), constant_values=True)
    case = dataclasses.replace(
        rollout, tokens=longer(rollout.tokens, (0, 1)), valid=valid
    )
    read = lambda logits, at: log_chances(logits, ids)  # noqa: E731
    return jnp.stack(model.statistic(params, case, read), axis=-1)[:, 1:]


def drawn(
    model: Any,
    params: lm.Params,
    prompt: Piece,
    key: Array,
    options: Sampling,
) -> Int[Array, "N K L"]:
    """K answers of L tokens to each prompt, by the engine that samples completions.

    `model.apply` reads tokens as `lm.apply` does. The noise of a draw follows from the
    key, the text and the number of the draw: within an iteration equal texts have equal
    answers, as from a cache, wherever they lie.
    """
    ids, zero = content(prompt), jnp.zeros((), jnp.int32)
    case = (params, prompt.ids, prompt.there, ids, key, zero)
    with where(kind="judge_calls"):
        found = rollout_completions(model.apply, *case, options)
    return found.tokens.reshape(len(ids), options.num_generations, -1)


def places(tokens: Int[Array, "..."], answers: Sequence[int]) -> Int[Array, "..."]:
    """The number of the answer that each token is, from 0 the worst; -1 for none."""
    same = tokens[..., None] == jnp.asarray(answers)
    return jnp.where(jnp.any(same, -1), jnp.argmax(same, -1), UNREADABLE)


def content(text: Piece) -> Int[Array, " N"]:
    """A number for the tokens of each row, below 2^24: equal texts, equal numbers."""
    return _hashes(text.ids, jnp.where(text.there, 0, -1))[:, -1]


def ends_of(rollout: Rollout, count: int) -> tuple[Array, Array]:
    """The place of the last token of each step, [N, S], and whether it is there."""
    here = rollout.step[:, None, :] == jnp.arange(count)[None, :, None]
    place = jnp.arange(rollout.step.shape[1])
    return jnp.max(jnp.where(here, place, 0), axis=-1), jnp.any(here, axis=-1)


def of_steps(rollout: Rollout, count: int) -> Int[Array, "N S"]:
    """A number for the tokens of each step, below 2^24; 0 for a step that is not there.

    Where the same text stands in two rows, or twice in one, it has the same number.
    """
    place, there = ends_of(rollout, count)
    found = _hashes(rollout.tokens, rollout.step)
    return jnp.where(there, jnp.take_along_axis(found, place, axis=1), 0)


def _hashes(tokens: Int[Array, "N T"], step: Int[Array, "N T"]) -> Int[Array, "N T"]:
    """Of the tokens of a step so far, FNV-1's; what is in step -1 changes nothing."""

    def mix(at: tuple[Array, Array], now: tuple[Array, Array]) -> Any:
        number, before = at
        token, own = now
        begun = jnp.where(own == before, number, jnp.uint32(2166136261))
        new = (begun * jnp.uint32(_PRIME)) ^ token.astype(jnp.uint32)
        kept = own < 0
        at = jnp.where(kept, number, new), jnp.where(kept, before, own)
        return at, at[0]

    rows = tokens.shape[0]
    start = jnp.full(rows, 2166136261, jnp.uint32), jnp.full(rows, -1, step.dtype)
    found = lax.scan(mix, start, (tokens.T, step.T))[1].T
    return (found % jnp.uint32(2**24)).astype(jnp.int32)
