"""A judge of pairs: a language model says which of two completions is the better."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from rewardlab.core import masked
from rewardlab.core.types import Rollout, Static, Sum
from rewardlab.models import lm
from rewardlab.models.model import Model
from rewardlab.reward_models.judging import debiased, grade, rank_agreement
from rewardlab.scorers.asking import FORM, Piece, answered, fixed, form_of, joined
from rewardlab.scorers.lessons import Judging, Lesson, cross_entropy, learning, silent
from rewardlab.scorers.measured import truth_of
from rewardlab.scorers.passes import Maker
from rewardlab.scorers.protocol import Context, Scorer, Setting


def versus(
    truth: str = "correct",
    warmup: Static[int] = 40,
    frozen: Static[bool] = False,
    lr: float = 1e-3,
    form: str = FORM,
) -> Maker:
    """`preference` [N, G-1]: the chance to be better than each other one of the prompt.

    A verifier model reads question, two completions and a marker, and says whether the
    first is better; it is asked in both orders, P_ij = (p_ij + 1 - p_ji) / 2, so that
    what it gives to a place is gone. It learns by cross entropy of pairs in which the
    signal `truth` of rows differs. A prompt of G rows costs G^2 questions of two rows'
    length. The words that rank read it: `beats('preference')`,
    `single_elimination('preference')`. `tau` is the agreement of the win rates with the
    truth. (SPO, arXiv 2401.04056; ArenaRL, arXiv 2601.06487, ask large models)

    versus(): 0.8 for (a, b), 0.4 for (b, a) -> 0.7 for a, 0.3 for b
    """

    def make(setting: Setting) -> Scorer:
        def read(model: Model, params: lm.Params, rollout: Rollout) -> Array:
            known = form_of(form, setting.tokenizer)
            prompt = pairs_of(rollout, known.marker)
            return answered(model, params, prompt, known.answers)[:, 0]

        def ask(
            model: Model, params: lm.Params, context: Context, rollout: Rollout
        ) -> dict[str, Array]:
            chance = debiased(_table(grade(read(model, params, rollout)), rollout))
            there = _others(_table(_both(rollout), rollout))
            return {"preference": _others(chance), "preference_valid": there}

        def teach(model: Model, params: lm.Params, rollout: Rollout) -> Sum:
            label, known = truth_of(rollout, truth)
            first, second = _sides(label, rollout)
            counts = jnp.logical_and(*_sides(known, rollout)) & (first != second)
            logp = read(model, params, rollout)
            place = (first > second) * (logp.shape[-1] - 1)
            return cross_entropy(logp, place, first - second, counts)

        def tell(rollout: Rollout) -> dict[str, Sum]:
            label, known = truth_of(rollout, truth)
            there = rollout.signals["preference_valid"]
            wins = masked.row_mean(rollout.signal("preference"), there)
            return rank_agreement(wins, label, known, rollout.group)

        provides = dict.fromkeys(("preference", "preference_valid"), width(setting))
        blank = silent("versus", provides, (truth,))
        lesson = Lesson(warmup, frozen, lr)
        return learning(setting, blank, lesson, Judging(ask, teach, tell))

    return make


def width(setting: Setting) -> str:
    """The shape of a number for each other completion of a prompt."""
    return f"N{setting.sizes['N'] // setting.sizes['B'] - 1}"


def pairs_of(rollout: Rollout, marker: tuple[int, ...]) -> Piece:
    """Question, first, second, marker, of all ordered pairs of rows of a prompt."""
    first, there = _sides(rollout.tokens, rollout), _sides(rollout.valid, rollout)
    count = len(first[0])
    each = count // len(rollout.prompts)
    prompts = Piece(
        jnp.repeat(rollout.prompts, each, axis=0),
        jnp.repeat(rollout.prompt_mask, each, axis=0),
    )
    texts = [Piece(ids, valid) for ids, valid in zip(first, there, strict=True)]
    return joined(prompts, *texts, fixed(marker, count))


def _sides(x: Array, rollout: Rollout) -> tuple[Array, Array]:
    """What belongs to the first and to the second of each pair, [B G G, ...]."""
    size = len(x) // len(rollout.prompts)
    own = x.reshape(-1, size, *x.shape[1:])
    tiled = jnp.tile(own, (1, size, *[1] * (x.ndim - 1)))
    first = jnp.repeat(own, size, axis=1)
    return first.reshape(-1, *x.shape[1:]), tiled.reshape(-1, *x.shape[1:])


def _both(rollout: Rollout) -> Array:
    return jnp.logical_and(*_sides(jnp.any(rollout.mask, axis=1), rollout))


def _table(x: Array, rollout: Rollout) -> Float[Array, "B G G"]:
    size = len(rollout.tokens) // len(rollout.prompts)
    return x.reshape(-1, size, size)


def _others(table: Float[Array, "B G G"]) -> Float[Array, "N G-1"]:
    """Each row without its place on the diagonal."""
    size = table.shape[-1]
    place = jnp.arange(size)[:, None], jnp.arange(size - 1)[None, :]
    column = place[1] + (place[1] >= place[0])
    found = jnp.take_along_axis(table, column[None], axis=2)
    return found.reshape(-1, size - 1)
