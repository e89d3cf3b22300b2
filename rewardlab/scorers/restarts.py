"""Fresh completions from the middle of rows: what a beginning is worth by trying."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from rewardlab.core import masked
from rewardlab.core.evaluations import each
from rewardlab.core.types import Rollout, Static
from rewardlab.data.batch import Batch
from rewardlab.models import lm
from rewardlab.rollouts import Sampling, rollout_completions
from rewardlab.scorers.passes import Maker
from rewardlab.scorers.protocol import Context, Scorer, Setting
from rewardlab.text.ends import stop_table


def segment_at_uncertain_tokens(
    every: Static[int] = 5, prob: float = 0.9, most: Static[int] = 8
) -> Maker:
    """`segment` [N, T]: the number of each token's segment, which ends at every
    `every`-th token of the row that was sampled with a chance below `prob`.

    `uncertain` [N, T] is True on tokens whose chance is at most `prob`. A row has
    `most` segments at most, of which the last takes all that is left. (SPO-chain, arXiv
    2505.23564)

    every=2: chances (0.3, 0.95, 0.6, 0.2, 0.5) -> segments 0, 0, 0, 1, 1
    """

    def make(setting: Setting) -> Scorer:
        def score(
            state: Any, context: Context, rollout: Rollout, batch: Batch
        ) -> dict[str, Array]:
            chance = jnp.exp(jnp.where(rollout.mask, rollout.logp, 0))
            unsure = rollout.mask & (chance < prob)
            cut = unsure & (jnp.cumsum(unsure, axis=1) % every == 0)
            before = jnp.cumsum(cut, axis=1) - cut
            return {
                "segment": jnp.minimum(before, most - 1).astype(jnp.int32),
                "uncertain": rollout.mask & (chance <= prob),
            }

        provides = {"segment": "NT", "uncertain": "NT"}
        return Scorer("segment_at_uncertain_tokens", provides, (), "shard", score)

    return make


def segment_values(attempts: Static[int] = 9, most: Static[int] = 8) -> Maker:
    """`segment_value` [N, most + 1]: the share of `attempts` fresh completions that are
    right, of the bare prompt and of the row up to the end of each `segment`.

    The row's last segment has its own outcome. What the policy writes after a prefix is
    judged by the task, as a row is, and is not learned from. It costs the tokens of N
    `most` `attempts` completions. For tasks that judge completions on the device, not
    for episodes. (SPO-chain, arXiv 2505.23564, with 9 attempts; VinePPO, 2410.01679)
    """

    def make(setting: Setting) -> Scorer:
        def score(
            state: Any, context: Context, rollout: Rollout, batch: Batch
        ) -> dict[str, Array]:
            tried = restarting(setting, attempts)
            segment = jnp.where(rollout.mask, rollout.signal("segment"), -1)

            def of(number: Array) -> Float[Array, " N"]:
                kept = rollout.mask & (segment < number)
                return tried(kept, number, context, rollout, batch)

            value = each(of, jnp.arange(most)).T
            own = rollout.signal("correct")
            value = jnp.concatenate([value, own[:, None]], axis=1)
            final = jnp.max(segment, axis=1, keepdims=True) + 1
            past = jnp.arange(most + 1) >= final
            found = jnp.where(past, own[:, None], value)
            heard = masked.speaks(rollout, "correct")
            return {"segment_value": found, "segment_value_valid": heard}

        provides = {"segment_value": f"N{most + 1}"}
        reads = ("segment", "correct")
        made = Scorer("segment_values", provides, reads, "batch", score)
        return made._replace(samples=True, verifies=True)

    return make


def restarting(setting: Setting, attempts: int) -> Any:
    """f(kept, salt, context, rollout, batch): the mean verdict [N] of fresh completions
    from the kept tokens of each row, which are its first ones."""
    model, tokenizer = setting.models["policy"], setting.tokenizer
    verify = setting.verify
    if verify is None:
        raise ValueError(
            "segment_values() needs a task that judges completions on the device, as "
            "arithmetic does; name another task or another scorer"
        )

    def tried(
        kept: Bool[Array, "N T"],
        salt: Array,
        context: Context,
        rollout: Rollout,
        batch: Batch,
    ) -> Float[Array, " N"]:
        options = Sampling(
            attempts,
            rollout.tokens.shape[1],
            tokenizer.eos_ids,
            tokenizer.pad_id,
            setting.temperature,
            stops=stop_table(tokenizer),
        )
        prompts, there = begun(kept, rollout, tokenizer.pad_id)
        fresh = rollout_completions(
            lm.bind(model.config),
            lax.stop_gradient(context.params["policy"]),
            prompts,
            there,
            _numbers(rollout),
            jax.random.fold_in(context.key, salt),
            context.iteration,
            options,
        )
        rows = whole(kept, fresh, rollout, attempts, tokenizer.pad_id)
        judged = verify(rows, dict(batch.arrays))
        correct = judged.signal("correct")
        valid = masked.speaks(judged, "correct")
        shape = kept.shape[0], attempts
        return masked.row_mean(correct.reshape(shape), valid.reshape(shape))

    return tried


def begun(
    kept: Bool[Array, "N T"], rollout: Rollout, pad_id: int
) -> tuple[Int[Array, "N PT"], Bool[Array, "N PT"]]:
    """Each row's prompt and kept tokens as a prompt, padding to the left."""
    tokens = jnp.concatenate([rollout.prompts[rollout.group], rollout.tokens], axis=1)
    there = jnp.concatenate([rollout.prompt_mask[rollout.group], kept], axis=1)
    order = jnp.argsort(there, axis=1, stable=True)
    there = jnp.take_along_axis(there, order, axis=1)
    return jnp.where(there, jnp.take_along_axis(tokens, order, axis=1), pad_id), there


def whole(
    kept: Bool[Array, "N T"], fresh: Rollout, rollout: Rollout, count: int, pad_id: int
) -> Rollout:
    """`count` rows for each: its kept tokens, then fresh ones up to the width."""
    width = kept.shape[1]
    again = lambda x: jnp.repeat(x, count, axis=0)  # noqa: E731
    both = jnp.concatenate([again(rollout.tokens), fresh.tokens], axis=1)
    there = jnp.concatenate([again(kept), fresh.mask], axis=1)
    order = jnp.argsort(~there, axis=1, stable=True)[:, :width]
    valid = jnp.take_along_axis(there, order, axis=1)
    tokens = jnp.where(valid, jnp.take_along_axis(both, order, axis=1), pad_id)
    return dataclasses.replace(
        rollout,
        group=again(rollout.group),
        tokens=tokens,
        mask=valid,
        valid=valid,
        step=jnp.where(valid, 0, -1),
        logp=jnp.zeros(valid.shape, jnp.float32),
        signals={},
    )


def _numbers(rollout: Rollout) -> Int[Array, " N"]:
    return jnp.arange(rollout.tokens.shape[0], dtype=jnp.int32)
