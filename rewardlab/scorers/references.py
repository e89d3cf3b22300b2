"""Scores of what the frozen base writes to the same prompts: `ref_score` [N, R]."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from rewardlab.core.types import Rollout, Static
from rewardlab.data.batch import Batch
from rewardlab.models import lm
from rewardlab.rollouts import Sampling, rollout_completions
from rewardlab.scorers.protocol import Context, Setting
from rewardlab.text.ends import stop_table
from rewardlab.transforms.shapers.length import overlong_penalty
from rewardlab.transforms.sources.signals import outcome

_OWN = 20250218  # the noise of references: a problem has the same ones in every run


class Drawn(NamedTuple):
    """How many reference completions a prompt has, and what long ones pay."""

    rows: int
    after: float | Float[Array, ""]
    max_penalty: float | Float[Array, ""]


def drawn(
    count: Static[int] = 10, after: float = 0.5, max_penalty: float = 0.0
) -> Drawn:
    """`count` completions of the base for each prompt, the same whenever it comes.

    drawn(10, after=0.8, max_penalty=1) takes `overlong_penalty(0.8, 1)` off their
    scores, as the reward does of the policy's.
    """
    return Drawn(count, after, max_penalty)


def reference_rows(setting: Setting, count: int) -> Callable[..., Rollout]:
    """`count` completions of each prompt, by the parameters that training began with.

    They are sampled as the policy's are, by noise of the problem's id alone.
    """
    model, tokenizer = setting.models["reference"], setting.tokenizer

    def draw(context: Context, rollout: Rollout, batch: Batch) -> Rollout:
        options = Sampling(
            count,
            rollout.tokens.shape[1],
            tokenizer.eos_ids,
            tokenizer.pad_id,
            setting.temperature,
            stops=stop_table(tokenizer),
        )
        return rollout_completions(
            lm.bind(model.config),
            context.params["reference"],
            rollout.prompts,
            rollout.prompt_mask,
            jnp.asarray(batch.arrays["id"]),
            jax.random.key(_OWN),
            jnp.zeros((), jnp.int32),
            options,
        )

    return draw


def reference_scores(
    setting: Setting, how: Drawn
) -> Callable[..., Float[Array, "N R"]]:
    """`ref(read, context, rollout, batch)`: the scores of each row's references.

    `read(rows)` scores them by the same model; what is long pays as `how` says.
    """
    draw = reference_rows(setting, how.rows)

    def scores(
        read: Callable[[Rollout], Array],
        context: Context,
        rollout: Rollout,
        batch: Batch,
    ) -> Float[Array, "N R"]:
        rows = draw(context, rollout, batch)
        rows = rows.with_signals(score=read(rows))
        channels, _ = outcome("score").update({}, (), rows)
        shaped, _ = overlong_penalty(how.after, how.max_penalty).update(
            channels, (), rows
        )
        (reward,) = shaped.values()
        return reward.total.reshape(-1, how.rows)[rollout.group]

    return scores
