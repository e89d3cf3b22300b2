"""A sentence as an advantage estimator of verl, `algorithm.adv_estimator=NAME`.

The module that registers it is named by verl's VERL_USE_EXTERNAL_MODULES, so that the
process which makes advantages imports it too:

    # estimators.py
    from rewardlab.adapters.verl import register
    register("rloo_of_rewardlab", "rloo")
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rewardlab.adapters.advantage import Advantage, Rows
from rewardlab.adapters.arrays import to_numpy
from rewardlab.adapters.left import say_what_stays
from rewardlab.core.types import RewardTransform

# Names of verl's tensors, and what they are called here.
TENSORS = {
    "ref_log_prob": "ref_logp",
    "rollout_log_probs": "sampler_logp",
    "values": "value",
}
Compute = Callable[..., tuple[Any, Any]]


def register(name: str, sentence: str | RewardTransform, **how: Any) -> Compute:
    """Makes it known to verl under that name; `how` is as for `advantage_of`."""
    from verl.trainer.ppo.core_algos import register_adv_est

    return register_adv_est(name)(advantage_of(sentence, **how))


def advantage_of(
    sentence: str | RewardTransform,
    outcome: str = "correct",
    signals: Mapping[str, str] | None = None,
    **hp: Any,
) -> Compute:
    """An advantage function with verl's arguments; it gives (advantages, returns).

    The sum of a row's `token_level_rewards` is the signal `outcome`, and they
    themselves are `dense`. `signals` says under which key of `non_tensor_batch` or
    `batch` others are, {"format": "format_reward"}, for trainers that hand these on;
    from `batch` come log-probs and values too. `index` are the groups; without it each
    row is alone. Returns are the advantages, as for verl's own outcome estimators.
    """
    advantage = Advantage(sentence, **hp)
    say_what_stays(sentence, "verl")
    named = dict(signals or {})

    def compute(
        token_level_rewards: Any,
        response_mask: Any,
        index: Any = None,
        config: Any = None,
        **handed: Any,
    ) -> tuple[Any, Any]:
        """token_level_rewards, response_mask [bs, T], index [bs] -> two of [bs, T]"""
        mask = to_numpy(response_mask).astype(bool)
        rewards = np.where(mask, to_numpy(token_level_rewards), 0).astype(np.float32)
        batch, facts = handed.get("batch"), handed.get("non_tensor_batch")
        given = {**(facts or {}), **_tensors(batch), **handed}
        found = {outcome: rewards.sum(axis=1), "dense": rewards}
        found |= {ours: given[name] for name, ours in TENSORS.items() if name in given}
        for ours, name in named.items():
            if name not in given:
                have = sorted(set(given) - {"batch", "non_tensor_batch"})
                raise ValueError(
                    f"verl hands on no {name!r} for the signal {ours!r}; have {have}"
                )
            found[ours] = given[name]
        group = np.arange(len(mask)) if index is None else index
        rows = Rows(
            response_mask,
            group=group,
            logp=given.get("old_log_probs"),
            tokens=given.get("responses"),
        )
        made = advantage(rows, found)
        return made, made

    return compute


def _tensors(batch: Any) -> dict[str, Any]:
    """The entries of a TensorDict, or of a mapping."""
    return {} if batch is None else {str(name): batch[name] for name in batch.keys()}
