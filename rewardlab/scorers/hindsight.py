"""Scorers that look back: log-probs with the end in sight, and gains as widths.

What the policy never reads, the end of its row or the right answer, stands before the
prompt of a copy of the rows, which only a scorer's own model is given.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from rewardlab.core import masked
from rewardlab.core.compose import chain
from rewardlab.core.types import Rollout, Static
from rewardlab.data.batch import Batch
from rewardlab.scorers.asking import Piece, completion, joined, question
from rewardlab.scorers.passes import Maker
from rewardlab.scorers.protocol import Context, Scorer, Setting
from rewardlab.transforms.baselines.states import center_by_state, scale_by_state_std
from rewardlab.transforms.sources.belief import information_gain

TRUTH = ("truth", "truth_mask")  # the answer as the policy would write it


def hindsight(tokens: Static[int] = 8) -> Maker:
    """hindsight_logp_t = log pi(token t | end of the row, prompt, tokens before), nats.

    The last `tokens` of the row, the environment's among them, stand before its prompt:
    how likely the policy finds a turn once it knows how the episode ended. One forward
    pass more. (HCAPO, arXiv 2603.08754: the method `hcapo`)

    hindsight(2): "ab" ending in "#7" -> log p("a" | "#7", prompt), ...
    """

    def make(setting: Setting) -> Scorer:
        model = setting.models["policy"]

        def score(
            state: Any, context: Context, rollout: Rollout, batch: Any
        ) -> dict[str, Array]:
            end = joined(completion(rollout))
            end = Piece(end.ids[:, -tokens:], end.there[:, -tokens:])
            params, seen = context.params["policy"], told(rollout, end)
            stats = model.log_probs(params, seen, setting.temperature)
            return {"hindsight_logp": stats.logp}

        return Scorer("hindsight", {"hindsight_logp": "NT"}, (), "shard", score)

    return make


def told(rollout: Rollout, first: Piece) -> Rollout:
    """The rows as they are, each with a text of its own before its prompt."""
    prompt = joined(first, question(rollout))
    return dataclasses.replace(
        rollout,
        prompts=prompt.ids,
        prompt_mask=prompt.there,
        group=jnp.arange(len(prompt.ids), dtype=rollout.group.dtype),
    )


def told_the_answer(rollout: Rollout, batch: Batch) -> Rollout:
    """The rows as they are, each with the right answer before its prompt.

    The answer is what the problems have in the columns `truth` and `truth_mask`.
    """
    answer = (jnp.asarray(batch.arrays[name])[rollout.group] for name in TRUTH)
    return told(rollout, Piece(*answer))


def adaptive_clip(kappa: float = 0.3, eps: float = 1e-6) -> Maker:
    """clip_scale_t = 1 + kappa (2 sigmoid(g_k) - 1), g the turn's gain in belief.

    g is in standard units of the group's rows at the same turn; the answering turn, and
    one that no other row has, has 1. Bounds of the ratio are wider where a turn told
    more than its siblings. (A2TGPO, arXiv 2605.06200: the method `a2tgpo`)

    adaptive_clip(): gains 0.3 and 0.1 at the first turn of two rows -> 1.1, 0.9
    """
    gain = chain(
        information_gain("belief"), center_by_state(), scale_by_state_std(eps=eps)
    )

    def make(setting: Setting) -> Scorer:
        def score(
            state: Any, context: Context, rollout: Rollout, batch: Any
        ) -> dict[str, Array]:
            found, _ = gain.update({}, gain.init(rollout), rollout)
            value = 2 * jax.nn.sigmoid(found["belief"].value) - 1
            at_ends = jnp.where(found["belief"].placed, value, 0)
            whole = masked.step_total(at_ends, rollout)
            scale = 1 + kappa * jnp.where(rollout.mask, whole, 0)
            return {"clip_scale": scale}

        provides = {"clip_scale": "NT"}
        return Scorer("adaptive_clip", provides, ("belief",), "batch", score)

    return make
