"""Reward models that learn of pairs: one, several, or several as one.

Each is trained on rows of the policy before that learns (`warmup` iterations, in which
the policy rests), and is then frozen; `co_trained` goes on.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from rewardlab.core.types import Rollout, Static
from rewardlab.data.batch import Batch
from rewardlab.reward_models.averaging import average_weights
from rewardlab.scorers.made_pairs import digits_replaced
from rewardlab.scorers.pair_fit import Learning, scorer_of
from rewardlab.scorers.pair_losses import Loss, bradley_terry
from rewardlab.scorers.passes import Maker
from rewardlab.scorers.preferences import Preference, sampled
from rewardlab.scorers.protocol import Context, Scorer, Setting
from rewardlab.scorers.reading import Reading, Trunk, base_trunk
from rewardlab.scorers.references import Drawn, reference_scores


def reward_model(
    pairs: Preference | None = None,
    loss: Loss | None = None,
    trunk: Trunk | None = None,
    warmup: Static[int] = 50,
    references: Drawn | None = None,
    signal: str = "score",
) -> Maker:
    """score = r(row), learned so that P(a better than b) = sigmoid(r_a - r_b); frozen.

    reward_model(): of two rows with score 2 and 0 the first is right with chance 0.88.

    For `warmup` iterations it learns of `pairs` (`sampled()`) by `loss`
    (`bradley_terry()`), on a `trunk` (`base_trunk()`), and the policy rests; from then
    on it stays as it is. With `references=drawn(10)` it gives `ref_score` [N, 10] too,
    of completions of the base. `signal` is another name for what it gives: 'harmless'.
    """
    made = Learning(pairs or sampled(), loss or bradley_terry(), warmup)
    return _scored(made, trunk or base_trunk(), references, signal)


def co_trained(
    pairs: Preference | None = None,
    loss: Loss | None = None,
    trunk: Trunk | None = None,
    warmup: Static[int] = 50,
    references: Drawn | None = None,
    first: Preference | None = None,
) -> Maker:
    """As `reward_model`, and it goes on learning after the warm-up, beside the policy.

    In the warm-up it learns of `first` (`sampled()`), then of `pairs`
    (`digits_replaced()`). The policy is paid by the scores before each update;
    references are scored anew in every iteration. (Cooper, arXiv 2508.05613)
    """
    after = pairs or digits_replaced()
    made = Learning(first or sampled(), loss or bradley_terry(), warmup, after)
    return _scored(made, trunk or base_trunk(), references, "score")


def ensemble(
    k: Static[int] = 5,
    pairs: Preference | None = None,
    loss: Loss | None = None,
    trunk: Trunk | None = None,
    warmup: Static[int] = 50,
) -> Maker:
    """`members` [N, K]: reward models that begin apart, each with its own bootstrap.

    ensemble(3): a row -> three scores.

    A member counts a pair 0, 1, 2, ... times, as often as a sample with replacement
    has it. (arXiv 2310.02743 and 2312.09244 have five fine-tunes; here heads of one
    trunk)
    """
    own = _of_several(pairs, loss, warmup)

    def make(setting: Setting) -> Scorer:
        reader = (trunk or base_trunk())(setting, k)

        def score(
            state: Any, context: Context, rollout: Rollout, batch: Batch
        ) -> dict[str, Array]:
            return {"members": reader.read(state, context, rollout).score.T}

        told = lambda rollout: jnp.mean(rollout.signal("members"), axis=1)  # noqa: E731
        provides = {"members": "NK"}
        return scorer_of("ensemble", provides, score, reader, (setting, own, told))

    return make


def averaged(
    k: Static[int] = 5,
    pairs: Preference | None = None,
    loss: Loss | None = None,
    trunk: Trunk | None = None,
    warmup: Static[int] = 50,
) -> Maker:
    """score = r(row) of the mean weights of K models with one start (WARM).

    averaged(2): weights (1, 3) and (3, 5) -> a model with weights (2, 4).

    Each has its own bootstrap of the pairs; one is asked. (arXiv 2401.12187)
    """
    own = _of_several(pairs, loss, warmup)

    def make(setting: Setting) -> Scorer:
        reader = (trunk or base_trunk())(setting, k)

        def begin(context: Context, shapes: Rollout) -> Any:
            trained = reader.begin(context, shapes)
            one = lambda x: jnp.broadcast_to(x[:1], x.shape)  # noqa: E731
            return {**trained, "heads": jax.tree.map(one, trained["heads"])}

        def score(
            state: Any, context: Context, rollout: Rollout, batch: Batch
        ) -> dict[str, Array]:
            heads = state["heads"]
            each = [{name: x[i : i + 1] for name, x in heads.items()} for i in range(k)]
            mean = {**state, "heads": average_weights(each)}
            return {"score": reader.read(mean, context, rollout).score[0]}

        told = lambda rollout: rollout.signal("score")  # noqa: E731
        alike = reader._replace(begin=begin)
        case = (setting, own, told)
        return scorer_of("averaged", {"score": "N"}, score, alike, case)

    return make


def _of_several(pairs: Preference | None, loss: Loss | None, warmup: int) -> Learning:
    return Learning(pairs or sampled(), loss or bradley_terry(), warmup, resample=True)


def _scored(
    own: Learning, trunk: Trunk, references: Drawn | None, signal: str
) -> Maker:
    """A model of one member, with or without scores of reference completions."""

    def make(setting: Setting) -> Scorer:
        reader = trunk(setting, 1)
        beside = reference_scores(setting, references) if references else None
        provides = {signal: "N"} | ({f"ref_{signal}": "NR"} if references else {})

        def score(
            state: Any, context: Context, rollout: Rollout, batch: Batch
        ) -> dict[str, Array]:
            def read(rows: Rollout) -> Reading:
                return reader.read(state, context, rows)

            found = {signal: read(rollout).score[0]}
            if beside is not None:
                case = (context, rollout, batch)
                found[f"ref_{signal}"] = beside(lambda x: read(x).score[0], *case)
            return found

        name = "reward_model" if signal == "score" else f"reward_model_{signal}"
        told = lambda rollout: rollout.signal(signal)  # noqa: E731
        made = scorer_of(name, provides, score, reader, (setting, own, told))
        if not references:
            return made
        roles = tuple(dict.fromkeys((*made.roles, "reference")))
        return made._replace(roles=roles, samples=True)

    return make
