"""Comparing rewards: EPIC, STARC, best-of-n, calibration, benchmarks, balance."""

import numpy as np

from golden_adapters.common import NoAdapter
from rewardlab.analysis import balance, benchmarks, calibration, epic, starc
from rewardlab.analysis import best_of_n as bon


def _array(x):
    return None if x is None else np.asarray(x, dtype=float)


def epic_distances(inputs, hyper):
    """Canonical rewards and the distances between them."""
    a, b, gamma = _array(inputs["A"]), _array(inputs["B"]), inputs["gamma"]
    dists = [_array(inputs.get(k)) for k in ("state_dist", "action_dist")]
    weight = epic.coverage(a.shape, *dists)
    return {
        "canon_a": epic.epic_canonical(a, gamma, *dists),
        "canon_b": epic.epic_canonical(b, gamma, *dists),
        "pearson_epic": epic.epic_distance(a, b, gamma, *dists),
        "direct_p1": epic.direct_distance(a, b, gamma, 1, *dists),
        "direct_p2": epic.direct_distance(a, b, gamma, 2, *dists),
        "pearson_raw": epic.pearson_distance(a, b, weight),
        "closest_potential_a_to_b": epic.closest_potential(a, b, gamma),
    }


def _starc_block(c1, c2, transition):
    out = {"c1": c1, "c2": c2}
    for norm, size in starc.NORMS.items():
        out[f"norm1[{norm}]"] = size(c1, transition)
        out[f"norm2[{norm}]"] = size(c2, transition)
        for metric in starc.NORMS:
            distance = starc.starc_distance(c1, c2, transition, norm, metric)
            out[f"dist[{norm}|{metric}]"] = distance
    return out


def starc_distances(inputs, hyper):
    """Values come from the reference's sweeps; its Adam result is not compared."""
    first, second, transition = (_array(inputs[k]) for k in ("R1", "R2", "T"))
    pair, gamma = (first, second), inputs["gamma"]
    init = inputs.get("init", "uniform")
    start = None if isinstance(init, str) else _array(init)
    values = [starc.uniform_values(r, transition, gamma, 1e-8) for r in pair]
    canonical = {
        "EPIC": [epic.epic_canonical(r, gamma) for r in pair],
        "DARD": [starc.dard_canonical(r, transition, gamma) for r in pair],
        "VAL": [
            starc.val_canonical(r, transition, v, gamma)
            for r, v in zip(pair, values, strict=True)
        ],
        "VALPotential": [
            starc.value_potential_canonical(r, v, gamma)
            for r, v in zip(pair, values, strict=True)
        ],
    }
    out = {k: _starc_block(*c, transition) for k, c in canonical.items()}
    of_epic = starc.starc_distance(*canonical["EPIC"], transition)
    regrets = [
        starc.regret(r, o, transition, gamma, start) for r, o in (pair, pair[::-1])
    ]
    policies = [starc.optimal_policy(r, transition, gamma) for r in pair]
    return out | {
        "distance_funcs.epic(unnormalised by 2)": of_epic,
        "MinimalPotential_L2_c1_adam": np.ma.masked_all(first.shape),
        "MinimalPotential_L2_c1_exact_lstsq": starc.minimal_canonical(first, gamma),
        "opt_policy_1": policies[0],
        "opt_policy_2": policies[1],
        "exact_regret1_(J1(pi1)-J1(pi2))/(J1max-J1min)": regrets[0],
        "exact_regret2": regrets[1],
    }


def best_of_n(inputs, hyper):
    """The mean over prompts for every n, or the KL of one n."""
    if "dataset" not in inputs:
        return {"kl_upper": bon.best_of_n_kl(inputs["n"])}
    rows = inputs["dataset"]
    proxy, gold = (_array([r[f"{k}_scores"] for r in rows]) for k in ("proxy", "gold"))
    proxy, gold = (x[:, : inputs.get("N")] for x in (proxy, gold))
    return {
        str(n): {
            "gold": bon.best_of_n(proxy, gold, n).mean(),
            "proxy": bon.best_of_n(proxy, proxy, n).mean(),
        }
        for n in range(1, proxy.shape[1] + 1)
    }


def rm_calibration(inputs, hyper):
    """Bins of equal width, and five of equal size."""
    y, p = _array(inputs["y"]), _array(inputs["p"])
    out = {
        f"ece_ace_mce[{n}bins]": calibration.calibration_error(
            y, p, calibration.uniform_edges(n)
        )
        for n in range(1, 101)
    }
    five = calibration.quantile_edges(p, 5)
    return out | {"quantile5": calibration.calibration_error(y, p, five)}


def rewardbench2(inputs, hyper):
    """Best of four, or the ties subset: rows of scores, the right ones first."""
    if "scores" in inputs:
        credit = benchmarks.best_of_credit(_array(inputs["scores"]))
        return {"results": credit, "accuracy": credit.mean()}
    rows = next((v for v in inputs.values() if _has_ids(v)), None)
    if rows is None:
        raise NoAdapter(f"inputs {sorted(inputs)}")
    found = {"ref": {}, "tied": {}}
    for row in rows:
        kind, number = row["id"].split(":")
        scores, right = _array(row["scores"]).ravel(), row["num_correct"]
        answers = benchmarks.Answers(scores[:right], scores[right:])
        found[kind][int(number)] = answers
    score = benchmarks.ties_score(found["tied"], found["ref"])
    return dict.fromkeys(("overall_score", "overall", "score", "ties_score"), score)


def _has_ids(rows):
    return isinstance(rows, list) and bool(rows) and "id" in rows[0]


def rewardmath(inputs, hyper):
    """One prompt's answers, or one answer's steps."""
    if "chosen" in inputs:
        answers = benchmarks.Answers(
            *(_array(inputs[k]) for k in ("chosen", "rejected"))
        )
        return {
            "acc": benchmarks.one_to_many_accuracy(answers),
            "acc_with_tie": benchmarks.one_to_many_accuracy(answers, strict=False),
            "mrr": benchmarks.reciprocal_rank(answers),
            "rank": benchmarks.relative_rank(answers),
        }
    steps = next((_array(v) for v in inputs.values() if isinstance(v, list)), None)
    if steps is None:
        raise NoAdapter(f"inputs {sorted(inputs)}")
    return {name: score(steps) for name, score in benchmarks.STEP_SCORES.items()}


def bstar_balance(inputs, hyper):
    """Means over queries; `acc` is over all selected completions."""
    pairs = np.asarray(inputs["per_query_(correct,selected)"]).reshape(-1, 2)
    right, selected = pairs.T
    enough = inputs.get("n_star", hyper.get("n_star", 8))
    score = balance.balance_score(right, selected, enough)
    fixed = balance.balance_score_fixed(right, selected, enough)
    return {
        "balance_soft": score.mean(),
        "min(c/8,1)": balance.quantity(right, enough).mean(),
        "fix_variant": fixed.mean(),
        "acc": right.sum() / selected.sum(),
    }


ADAPTERS = {
    "epic": epic_distances,
    "starc": starc_distances,
    "best_of_n": best_of_n,
    "rm_calibration": rm_calibration,
    "rewardbench2": rewardbench2,
    "rewardmath": rewardmath,
    "bstar_balance": bstar_balance,
}
NAN_IS = {
    "epic": "a constant reward is sqrt(1/2) from others and 0 from constants",
    "starc": "a reward of norm 0 stays 0",
    "rewardbench2": "a mean over no prompt is 0",
}
