"""A reward model that reads rows, and every beginning of them."""

from typing import Any

from jaxtyping import Array

from rewardlab.core.types import Rollout, Static
from rewardlab.data.batch import Batch
from rewardlab.scorers.pair_fit import Learning, scorer_of
from rewardlab.scorers.pair_losses import Loss, bradley_terry
from rewardlab.scorers.passes import Maker
from rewardlab.scorers.preferences import Preference, sampled
from rewardlab.scorers.protocol import Context, Scorer, Setting
from rewardlab.scorers.reading import Trunk, base_trunk


def prefix_model(
    pairs: Preference | None = None,
    loss: Loss | None = None,
    trunk: Trunk | None = None,
    warmup: Static[int] = 50,
) -> Maker:
    """As `reward_model`, and what it says of each prefix: `prefix_score` [N, T].

    `score` [N] is of the whole row, `prefix_score` of the row up to and with each token
    and `prompt_score` [N] of the prompt before any; it costs no further pass, since the
    states of a row are those of its prefixes. It learns of whole rows only, so what it
    says of prefixes is what their ends look like to it. (RED, arXiv 2411.08302: the
    method `red`)

    prefix_model(): a row of three tokens -> prompt 0.1, prefixes 0.3, 0.2, 0.9, row 0.9
    """
    made = Learning(pairs or sampled(), loss or bradley_terry(), warmup)

    def make(setting: Setting) -> Scorer:
        reader = (trunk or base_trunk())(setting, 1)

        def score(
            state: Any, context: Context, rollout: Rollout, batch: Batch
        ) -> dict[str, Array]:
            found, first = reader.prefixes(state, context, rollout)
            return {
                "score": reader.read(state, context, rollout).score[0],
                "prefix_score": found[0],
                "prompt_score": first[0],
            }

        told = lambda rollout: rollout.signal("score")  # noqa: E731
        provides = {"score": "N", "prefix_score": "NT", "prompt_score": "N"}
        return scorer_of("prefix_model", provides, score, reader, (setting, made, told))

    return make
