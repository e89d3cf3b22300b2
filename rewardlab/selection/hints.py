"""Words of `select` that help where the policy fails: a hint, or an expert's row."""

import dataclasses

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rewardlab.core import masked
from rewardlab.core.types import Rollout, SignalName, Static
from rewardlab.selection.brings import Brings, rows_of, with_rows

HINT = ("hint_prompts", "hint_prompt_mask", "hint_there")  # columns of the batch
EXPERT = ("expert_tokens", "expert_mask", "expert_valid", "expert_there")


@dataclasses.dataclass(frozen=True)
class HintFailed(Brings):
    """See `hint_failed`."""

    signal: str
    hint: str
    most: float

    def replaced(
        self, rollout: Rollout, hinted: Rollout, arrays: dict[str, Array]
    ) -> Rollout:
        """The rows of `hinted` in the place of those of prompts that failed."""
        value, there = masked.heard(rollout, self.signal)
        failed = needs_hint(jnp.where(there, value, 0), rollout, self.most)
        where = (failed & arrays["hint_there"])[rollout.group]
        return with_rows(rollout, where, rows_of(hinted), hinted=where)


@dataclasses.dataclass(frozen=True)
class ExpertRows(Brings):
    """See `expert_rows`."""

    rows: int

    def written(self, rollout: Rollout, arrays: dict[str, Array]) -> Rollout:
        """The last rows of each prompt as the expert wrote them, without signals.

        Their `logp` is 0: the expert is taken to be sure of each token.
        """
        n, prompts = rollout.mask.shape[0], rollout.prompts.shape[0]
        each = n // prompts
        last = jnp.arange(n) % each >= each - self.rows
        where = last & arrays["expert_there"][rollout.group]
        rows = rows_of(rollout)
        for field in ("tokens", "mask", "valid"):
            rows[field] = arrays[f"expert_{field}"][rollout.group]
        rows["step"] = jnp.where(rows["valid"], 0, -1)
        rows["logp"] = jnp.zeros_like(rollout.logp)
        return with_rows(rollout, where, rows, expert=where)


def hint_failed(
    signal: SignalName, hint: Static[str] = "step", most: float = 0.0
) -> Brings:
    """Prompts of which no row is right are sampled again with a hint.

    No row is right where the mean `signal` is at most `most`. All rows of such a prompt
    become those that were sampled from the prompt with the hint. They stand there under
    the prompt without it, and their `logp` is what the policy gave them with it: the
    ratio of `guided` is pi(o | q) / pi_old(o | q, hint). The hint is the first step of
    the task's own solution ("step": `48+5=53;` after `48+5+37=`), the last one put
    before the prompt ("answer"), or a column of text that the data have. All prompts
    are sampled twice, so that shapes do not depend on what is right.
    (Guide-GRPO, arXiv 2506.13923)
    """
    return HintFailed(signal, hint, most)


def expert_rows(rows: Static[int] = 1) -> Brings:
    """The last `rows` rows of each prompt are what the task's own solution says.

    Of eight rows seven are the policy's. They are scored as others are; `guided` knows
    them by the mark `expert`. A solution that does not fit the length is left out.
    (LUFFY, whose rows are another model's)
    """
    return ExpertRows(rows)


def needs_hint(
    correct: Float[Array, " N"], rollout: Rollout, most: float = 0.0
) -> Bool[Array, " B"]:
    """Whether a prompt has answers, and their mean is at most `most`."""
    answered = jnp.any(rollout.mask, axis=1)
    total = masked.group_sum(jnp.where(answered, correct, 0), rollout)
    count = masked.group_sum(answered.astype(jnp.int32), rollout)
    return (count > 0) & (masked.safe_divide(total, count) <= most)
