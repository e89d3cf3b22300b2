"""What a run measures, by the names that TRL's users know.

Means stay `Sum`s until `plain`, which divides them on the host.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from rewardlab.core import masked
from rewardlab.core.signals import SIGNALS
from rewardlab.core.types import Channels, Reward, Rollout, Sum
from rewardlab.rollouts.state import End
from rewardlab.transforms.sources.signals import outcome, process

Metrics = Mapping[str, Any]  # by name: a Sum, a scalar array or a number
Row = dict[str, float | int | None]  # by name: a number; None: not finite, or no data

# Names that begin so depend on the clock and not only on the config and the seed.
WALL_CLOCK = ("step_time", "tokens_per_sec", "time/")


def rollout_metrics(
    rollout: Rollout,
    advantage: Float[Array, "N T"],
    channels: Channels,
    reward: Reward,
    ended: Bool[Array, " N"],
) -> dict[str, Sum | Float[Array, ""]]:
    """TRL's metrics of one batch, by TRL's names. Jittable.

    A row's reward is the sum of what is placed in it; `reward` is the one trained on,
    `channels` those it is made of and those only watched. Rows that abstain are left
    out. `reward/std` is the mean over groups of the standard deviation within one
    (dividing by n - 1), `frac_reward_zero_std` the share of groups whose rewards are
    all equal, both over groups with two scored rows or more. `rewards/<channel>/std`
    is over all rows (n - 1 too; none with less than two). Lengths are in tokens of
    the policy, as `eval/mean_length` is; `completions/clipped_ratio` is the share that
    has not `ended` by itself. Advantages are those of the True tokens.
    """
    length = jnp.sum(rollout.mask, axis=1).astype(jnp.float32)
    everyone = jnp.ones_like(ended)
    row = masked.total(reward.value, reward.placed)
    out: dict[str, Sum | Float[Array, ""]] = {
        "reward/mean": masked.sum_of(row, reward.has_value),
        **_spread(row, reward.has_value, rollout),
    }
    for name, channel in channels.items():
        total, heard = channel.total, channel.has_value
        out[f"rewards/{name}/mean"] = masked.sum_of(total, heard)
        spread = jnp.sqrt(masked.variance(total, heard, ddof=1))
        out[f"rewards/{name}/std"] = jnp.where(jnp.sum(heard) > 1, spread, jnp.nan)
    return out | {
        "completions/mean_length": masked.sum_of(length, everyone),
        "completions/min_length": jnp.min(length),
        "completions/median_length": jnp.median(length),
        "completions/max_length": jnp.max(length),
        "completions/mean_terminated_length": masked.sum_of(length, ended),
        "completions/clipped_ratio": masked.sum_of(1.0 - ended, everyone),
        "advantages/mean": masked.sum_of(advantage, rollout.mask),
        "advantages/std": jnp.sqrt(masked.variance(advantage, rollout.mask)),
        "advantages/abs_mean": masked.sum_of(jnp.abs(advantage), rollout.mask),
        "advantages/max": jnp.max(jnp.where(rollout.mask, advantage, -jnp.inf)),
    }


def episode_metrics(rollout: Rollout, ended_by: Int[Array, " N"]) -> dict[str, Sum]:
    """The shares of episodes that ended at a limit, or failed, by the kind of `End`.

    `episodes/mean_total_length` is in tokens of the policy and the environment, which
    `rollout.max_completion_length` limits; `episodes/mean_turns` counts turns.
    """
    everyone = jnp.ones(ended_by.shape, bool)
    total = jnp.sum(rollout.valid, axis=1).astype(jnp.float32)
    turns = jnp.max(jnp.where(rollout.mask, rollout.step, -1), axis=1) + 1.0
    means = {"total_length": total, "turns": turns}
    return {
        f"episodes/mean_{k}": masked.sum_of(x, everyone) for k, x in means.items()
    } | {
        f"episodes/{end.name.lower()}": masked.sum_of(
            (ended_by == end).astype(jnp.float32), everyone
        )
        for end in (End.TURNS, End.TOKENS, End.ERROR, End.TIMEOUT)
    }


def failure_metrics(signals: Mapping[str, Any]) -> dict[str, Sum]:
    """Shares of completions that a text reward gave no value, by the reason.

    `rewards/<name>/errors`, `timeouts` and `abstained`, for each reward that has the
    signals of `host_signal`.
    """
    out: dict[str, Sum] = {}
    for name in signals:
        kinds = {"errors": f"{name}_error", "timeouts": f"{name}_timeout"}
        if not set(kinds.values()) <= signals.keys():
            continue
        why = {kind: signals[key] for kind, key in kinds.items()}
        heard = signals[f"{name}_valid"].reshape(why["errors"].shape[0], -1).any(axis=1)
        why["abstained"] = ~(heard | why["errors"] | why["timeouts"])
        for kind, rows in why.items():
            share = masked.sum_of(rows.astype(jnp.float32), jnp.ones_like(rows))
            out[f"rewards/{name}/{kind}"] = share
    return out


def _spread(
    row: Float[Array, " N"], scored: Bool[Array, " N"], rollout: Rollout
) -> dict[str, Sum]:
    # Distances to the group's least reward, so that equal rewards have spread 0.
    least = masked.group_min(jnp.where(scored, row, jnp.inf), rollout)
    distance = jnp.where(scored, row - least, 0)
    ones = scored.astype(row.dtype)
    mean = masked.safe_divide(
        masked.sum_over_group(distance, rollout), masked.sum_over_group(ones, rollout)
    )
    squares = jnp.where(scored, (distance - mean) ** 2, 0)
    count = masked.group_sum(ones, rollout)
    deviation = jnp.sqrt(
        masked.safe_divide(masked.group_sum(squares, rollout), count - 1)
    )
    equal = masked.group_sum(distance, rollout) == 0
    return {
        "reward/std": masked.sum_of(deviation, count >= 2),
        "frac_reward_zero_std": masked.sum_of(equal.astype(row.dtype), count >= 2),
    }


def watched(rollout: Rollout) -> Channels:
    """The signals that are numbers of rows or steps, as the rewards they would be.

    `correct` is among them whether or not a sentence reads it.
    """
    channels: Channels = {}
    for name, x in rollout.signals.items():
        number = jnp.issubdtype(x.dtype, jnp.floating)  # no id, no flag
        shape = SIGNALS[name].shape if name in SIGNALS else "NS"
        if number and (
            x.ndim == 1 or (shape == "NS" and x.shape != rollout.mask.shape)
        ):
            source = outcome(name) if x.ndim == 1 else process(name)
            channels, _ = source.update(channels, (), rollout)
    return channels


def state_metrics(states: Mapping[str, Any]) -> dict[str, Any]:
    """What words keep and give a name to, as `adaptive_kl_penalty/coefficient`.

    Of the states of words by their names, the scalars and Sums that have names all the
    way down; what has only a place, as an optimizer's memory, is the word's own.
    """
    leaves = jax.tree_util.tree_leaves_with_path(
        dict(states), is_leaf=lambda x: isinstance(x, Sum)
    )
    named = (jax.tree_util.DictKey, jax.tree_util.GetAttrKey)
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): x
        for path, x in leaves
        if all(isinstance(key, named) for key in path)
        and (isinstance(x, Sum) or jnp.ndim(x) == 0)
    }


def plain(metrics: Metrics) -> Row:
    """Metrics as numbers of the host: Sums are divided here, and nowhere before."""
    host = jax.device_get(dict(metrics))
    return {name: _number(x) for name, x in host.items()}


def _number(x: Any) -> float | int | None:
    if isinstance(x, Sum):
        return _number(x.value / x.count) if x.count else None
    if x is None or not np.isfinite(x):
        return None
    if np.issubdtype(np.asarray(x).dtype, np.floating):
        return float(str(x))  # as short as its own type allows: 0.1, not 0.10000000149
    return int(x)
