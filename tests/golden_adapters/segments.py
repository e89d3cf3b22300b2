"""Credit of prefixes and segments, and outcomes over their group's mean."""

import dataclasses

import jax.numpy as jnp
import numpy as np

from golden_adapters.common import (
    NoAdapter,
    advantages,
    as_array,
    groups,
    only,
    rollout_of,
    sentence,
    values,
    with_end,
)
from rewardlab import METHODS
from rewardlab.reward_models.coalitions import owen
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


def spo_segment(inputs, hyper):
    """A segment ends at each cut; a cut on the last token stands for the score there.

    Without a value of the prompt the first segment gets 0: it is the first cut's.
    """
    count = len(inputs["token_prob"])
    cuts = dict(zip(inputs["cutpoints"], inputs["cutpoint_values"], strict=True))
    ends = sorted(c for c in cuts if 0 <= c < count - 1)
    final = cuts.get(count - 1, inputs["score"])
    value = [*(cuts[c] for c in ends), final]
    value = [cuts.get(-1, value[0]), *value]
    segment = np.searchsorted(ends, np.arange(count))
    chance = np.asarray(inputs["token_prob"], float)
    rollout = rollout_of(
        np.ones((1, count)),
        segment=segment[None],
        segment_value=np.array([value], float),
        uncertain=(chance <= hyper["prob_mask"])[None],
    )
    return {"advantages": values(sentence("spo_segment", whiten=""), rollout)[0]}


def leaves(node, path=("r",)):
    """(path, outcome) of each leaf of nested lists."""
    if not isinstance(node, list):
        return [(path, float(node))]
    below = [leaves(x, (*path, f"{path[-1]}.{k}")) for k, x in enumerate(node)]
    return [leaf for each in below for leaf in each]


def spo_tree(inputs, hyper):
    """A leaf is a row and a node a step of one token, the root the first."""
    kinds = {"rloo": "spo_tree", "grpo": "spo_tree_std"}
    kind = inputs.get("adv_method", hyper["adv_method"])
    if kind not in kinds:
        raise NoAdapter(f"advantages by {kind!r}")
    rows = leaves(inputs["tree"])
    names = sorted({n for path, _ in rows for n in path})
    width = max(len(path) for path, _ in rows)
    mask = np.array([np.arange(width) < len(path) for path, _ in rows])
    node = np.zeros(mask.shape, int)
    node[mask] = [names.index(n) for path, _ in rows for n in path]
    rollout = rollout_of(
        mask,
        step=np.where(mask, np.arange(width), -1),
        node=node,
        correct=[outcome for _, outcome in rows],
    )
    text = "outcome('correct') | node_values('node')"
    value = values(text, rollout)
    method = kinds[kind]
    gain = values(sentence(method), rollout, **METHODS[method].hp)
    chance = np.concatenate([np.zeros((len(rows), 1)), value], axis=1)
    best = values("progress('success', attempts=4)", rollout_with(rollout, chance))
    edges = {}
    for i, (path, _) in enumerate(rows):
        for k in range(1, len(path)):
            numbers = gain[i, k], best[i, k], value[i, k]
            keys = ("advantage", "bok4_advantage", "value")
            own = dict(zip(keys, map(float, numbers), strict=True))
            edges.setdefault(path[k], {"parent": path[k - 1], "node": path[k], **own})
    found = list(edges.values())
    if inputs.get("drop_zero"):
        both = lambda e: abs(e["advantage"] + e["bok4_advantage"])  # noqa: E731
        found = [e for e in found if both(e) > 1e-12]
    return {"edges": found}


def rollout_with(rollout, success):
    """The rollout with the chances before each step and after the last."""
    return rollout.with_signals(success=as_array(success))


def red(inputs, hyper):
    """Rows may differ in length; the score of all is the last prefix's."""
    scores = [np.asarray(x, float) for x in inputs["prefix_scores"]]
    width = max(map(len, scores)) - 1
    mask = np.array([np.arange(width) < len(x) - 1 for x in scores])
    after = np.zeros(mask.shape)
    after[mask] = np.concatenate([x[1:] for x in scores])
    kl = np.zeros(mask.shape)
    if inputs.get("kl_rewards") is not None:
        kl[mask] = np.concatenate([np.asarray(x, float) for x in inputs["kl_rewards"]])
    rollout = rollout_of(
        mask,
        prefix_score=after,
        prompt_score=[x[0] for x in scores],
        score=[x[-1] for x in scores],
        kl=kl,
    )
    text = sentence("red", kl_penalty="dense('kl')", gae="", whiten="")
    mix = float(inputs.get("mix", hyper["mix"]))
    found = values(text, rollout, mix=mix, rest=1 - mix)
    return {"token_rewards": [row[m] for row, m in zip(found, mask, strict=True)]}


def scar(inputs, hyper):
    """One game; what leaves one out, and what prefixes add, are shown beside it."""
    worth = as_array(inputs["coalition_values"])
    players = int(np.log2(len(worth)))
    whole, at = len(worth) - 1, np.arange(players)
    prefix = np.concatenate([[0], np.cumsum(1 << at)])
    blocks = inputs.get("blocks")

    def shares(nesting):
        game = owen(nesting)
        return game.of(worth[game.coalitions @ (1 << at)])

    found = {
        "shapley": shares(list(range(players))),
        "leave_one_out": worth[whole] - worth[whole - (1 << at)],
        "prefix_difference": np.diff(worth[prefix]),
        "total": worth[whole] - worth[0],
    }
    return found | ({"owen": shares(blocks)} if blocks else {})


ADAPTERS = {
    "red": red,
    "scar": scar,
    "spo_segment": spo_segment,
    "spo_tree": spo_tree,
    "hicra": hicra,
    "maxrl": maxrl,
    "spro": spro,
    "tempo": tempo,
}
LOOSE_64 = {"maxrl": (2e-7, "prime-rl's numbers are float32")}
