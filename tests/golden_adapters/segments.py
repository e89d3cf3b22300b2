"""Credit of prefixes and segments, and outcomes over their group's mean."""

import dataclasses

import jax.numpy as jnp
import numpy as np

from golden_adapters.common import (
    advantages,
    groups,
    only,
    rollout_of,
    sentence,
    values,
    with_end,
)
from rewardlab.scorers.prefixes import prefix_values
from rewardlab.scorers.protocol import Setting


def maxrl(inputs, hyper):
    """Not compared: a row alone, r / eps there, and a mean below 0 turned over there.

    prime-rl's number is the authors' without eps; it is float32 there.
    """
    mask, group = np.asarray(inputs["response_mask"], bool), groups(inputs["group"])
    reward = np.asarray(inputs["rewards"], float)
    rollout = rollout_of(with_end(mask), group=group, correct=reward)
    count = np.bincount(group)[group]
    mean = (np.bincount(group, reward) / np.bincount(group))[group]
    eps = inputs.get("eps", hyper.get("eps", 1e-6))
    found = advantages(sentence("maxrl"), rollout, eps=eps)[:, :-1]
    plain = advantages(sentence("maxrl"), rollout, eps=0.0)[:, -1]
    ours = (count > 1) & (mean >= 0)
    return {
        "advantages": only(mask & ours[:, None], np.where(mask, found, 0)),
        "prime_rl_row_advantage_float32": np.float32(plain),
    }


def tempo(inputs, hyper):
    """The code compares padding as tokens, so here the tree is made of it, too."""
    mask, group = np.asarray(inputs["response_mask"], bool), groups(inputs["group"])
    outcome, wide = np.asarray(inputs["rewards"], float), ((0, 0), (0, 1))
    whole = rollout_of(np.ones(mask.shape), group=group, correct=outcome)
    tokens = jnp.asarray(np.asarray(inputs["tokens"], int))
    whole = dataclasses.replace(whole, tokens=tokens)
    scorer = prefix_values()(Setting({}, None, {}))
    made = scorer.score((), None, whole, None)
    rollout = rollout_of(with_end(mask), group=group, correct=outcome)
    rollout = rollout.with_signals(
        prefix_value=jnp.pad(made["prefix_value"], wide),
        prompt_value=made["prompt_value"],
    )
    hp = {"eps": inputs.get("eps", hyper.get("eps", 1e-6))}
    text = sentence("tempo")
    if not inputs.get("divide_by_std", hyper.get("divide_by_std", True)):
        text, hp = sentence("tempo", scale_by_outcome_std=""), {}
    compared = mask & (np.bincount(group)[group] > 1)[:, None]  # alone ours is 0
    return {"advantages": only(compared, advantages(text, rollout, **hp)[:, :-1])}


def spro(inputs, hyper):
    """Every token is a step; a row alone in a column has no step advantage."""
    mask = np.asarray(inputs["response_mask"], bool)
    rollout = rollout_of(
        mask,
        group=groups(inputs["group"]),
        logp=inputs["log_prob"],
        ref_logp=inputs["ref_log_prob"],
        correct=inputs["rewards"],
    )
    beta, group = inputs.get("beta", hyper["beta"]), groups(inputs["group"])
    compared = mask & (np.bincount(group)[group] > 1)[:, None]  # alone ours is 0
    summed = "kl_penalty(beta) | accumulate()"
    text = sentence("spro").replace("eps=1e-6", "eps=eps")
    return {
        "cumulative": -values(summed, rollout, beta=beta),
        "masked_step_advantage": -values(
            f"{summed} | center_by_group_column()", rollout, beta=beta
        ),
        "advantages": only(
            compared, advantages(text, rollout, beta=beta, eps=hyper["eps"])
        ),
    }


def hicra(inputs, hyper):
    """On advantages that are there already."""
    given = np.asarray(inputs["advantages"], float)
    rollout = rollout_of(
        np.ones(given.shape), a=given, is_planning=inputs["is_planning"]
    )
    text = "dense('a') | amplify('is_planning', alpha=alpha)"
    alpha = inputs.get("alpha", hyper["alpha"])
    return {"advantages": values(text, rollout, alpha=alpha)}


ADAPTERS = {"hicra": hicra, "maxrl": maxrl, "spro": spro, "tempo": tempo}
LOOSE_64 = {"maxrl": (2e-7, "prime-rl's numbers are float32")}
