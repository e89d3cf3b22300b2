"""Ensembles of reward models, rubrics, driving rewards and tool productivity."""

import numpy as np

from golden_adapters.common import NoAdapter, per_row, rollout_of, values
from rewardlab.transforms.sources.tools import effective_calls


class _Weighted(dict):
    """Outputs whose key says the weight: `name[0.5]`."""

    def __init__(self, known, kinds):
        super().__init__(known)
        self.kinds = kinds

    def __contains__(self, key):
        return super().__contains__(key) or key.split("[")[0] in self.kinds

    def __missing__(self, key):
        kind, weight = key.rstrip("]").split("[")
        return self.kinds[kind](float(weight.split("=")[-1]))


def reward_ensembles(inputs, hyper):
    """Members are columns of one signal."""
    scores = np.asarray(inputs["rewards[members,items]"], float)
    rollout = rollout_of(per_row(scores[0]), rm=scores.T)

    def joined(word):
        return values(f"members('rm') | {word}", rollout)[:, 0]

    def uwo(ddof):
        word = "mean_minus_variance_of('rm', weight={}, ddof={})"
        return lambda weight: joined(word.format(weight, ddof))

    words = {"mean": "mean_of", "min_WCO": "min_of", "median": "median_of"}
    known = {key: joined(f"{word}('rm')") for key, word in words.items()}
    return _Weighted(known, {"UWO_bon_ddof0": uwo(0), "UWO_ppo_ddof1": uwo(1)})


def brme_robust(inputs, hyper):
    """Both readings of the worst case: of each item, and of the expected reward."""
    mean, spread = (
        np.asarray(inputs[f"{k}[heads,items]"], float) for k in ("mu", "sigma")
    )
    rollout = rollout_of(per_row(mean[0]), mu=mean.T, sigma=spread.T)

    def one(text):
        return values(text, rollout)[:, 0]

    def combined(weight):
        text = "min_uncertainty_member('mu', 'sigma') | members('mu') | min_of('mu')"
        return one(f"{text} | weighted_sum(surest={weight}, mu={1 - weight})")

    robust = one("members('mu') | worst_mean_of('mu')")
    head = [k for k in range(len(mean)) if np.allclose(robust, mean[k], rtol=1e-5)]
    known = {
        "nominal": one("min_uncertainty_member('mu', 'sigma')"),
        "min_pointwise": one("members('mu') | min_of('mu')"),
        "min_expected_head": head[0],
        "reward_min_expected_head": robust,
    }
    return _Weighted(known, {"combined_pointwise": combined})


def rubric(inputs, hyper):
    """One row and its criteria, with the four ways to bound the score."""
    if "met" not in inputs or "points" not in inputs:
        raise NoAdapter(f"rubric with {sorted(inputs)}")
    points = [_finite(p) for p in inputs["points"]]
    columns = {"points": [points or [0.0]], "met": [inputs["met"] or [0.0]]}
    rollout = rollout_of(np.ones((1, 1), bool), **columns)
    score = "rubric('met', 'points')"
    words = {
        "orbit_positive(unclamped)": score,
        "orbit_signed_fallback": "rubric('met', 'points', signed_fallback=True)",
        "healthbench_clip01": f"{score} | floor(0) | cap(1)",
        "clamp_at_zero_only": f"{score} | floor(0)",
    }
    return {key: values(text, rollout)[0, 0] for key, text in words.items()}


def _finite(point):
    """A number; what is none is skipped by the reference, as NaN is by us."""
    number = isinstance(point, int | float) and not isinstance(point, bool)
    return float(point) if number else np.nan


def carl(inputs, hyper):
    """One step; the factors are channels, leaving the lanes is one more."""
    if "dRC" not in inputs:
        raise NoAdapter(f"carl with {sorted(inputs)}")
    factors = [*inputs["pen"], 0.0 if inputs["out"] else 1.0]
    names = [f"p{k}" for k in range(len(factors))]
    signals = {name: [f] for name, f in zip(names, factors, strict=True)}
    end = float(bool(inputs["term"]))
    one = np.ones((1, 1), bool)
    rollout = rollout_of(one, route=[inputs["dRC"]], ended=[end], **signals)
    sources = " | ".join(f"outcome('{name}')" for name in ("route", *names))
    product = " * ".join(("route", *names))
    text = (
        f"{sources} | formula('{product}') | outcome('ended')"
        f" | weighted_sum(reward=1, ended={float(inputs['terminal_reward'])})"
    )
    return {"reward": values(text, rollout)[0, 0]}


def otc(inputs, hyper):
    """m calls a row; for OTC-GRPO one more row, the right answer with n calls."""
    if "m" not in inputs:
        raise NoAdapter(f"otc with {sorted(inputs)}")
    m, smooth = np.asarray(inputs["m"], float), inputs["c"]
    if "n" not in inputs:
        rollout = rollout_of(per_row(m), calls=m)
        return {"r_tool": values(f"tool_efficiency('calls', {smooth})", rollout)[:, 0]}
    n = float(inputs["n"])
    calls = np.append(m, n)
    right = np.append(np.zeros(len(m)), 1.0)
    rollout = rollout_of(per_row(calls), calls=calls, right=right)
    text = f"tool_efficiency_by_group('calls', 'right', {smooth})"
    return {"r_tool": values(text, rollout)[:-1, 0], "f(m,n)": effective_calls(m, n)}


ADAPTERS = {
    "reward_ensembles": reward_ensembles,
    "brme_robust": brme_robust,
    "rubric": rubric,
    "carl": carl,
    "otc": otc,
}
