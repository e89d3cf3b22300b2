"""`rewardlab measure RUN`: what a step's completions say of outcomes and of signals."""

from typing import Any

import jax
import numpy as np
from jaxtyping import Float
from rich.console import Console
from rich.table import Table

from rewardlab.analysis import balance, overoptimization
from rewardlab.analysis.best_of_n import best_of_n, best_of_n_kl
from rewardlab.analysis.calibration import (
    calibration_error,
    pair_probabilities,
    quantile_edges,
    uniform_edges,
)
from rewardlab.analysis.off_policy import effective_sample_size, off_policy_measures
from rewardlab.analysis.pass_at_k import cot_pass_at_k, mean_pass_at_k
from rewardlab.core.types import Rollout
from rewardlab.show.recorded import recorded

BINS = 10
Values = Float[np.ndarray, " N"]


def measure(run: str, step: int | None, phrases: tuple[str, ...], out: Console) -> None:
    """Prints the tables of `outcomes` and `of_signals`, for one step of a run."""
    at, texts, rollout = recorded(run, step)
    if "correct" not in rollout.signals:
        raise ValueError(
            f"{run} has no signal 'correct' in its completions; train with a task or a "
            "scorer that makes it"
        )
    table = Table("measure", "value", title=f"{run}, step {at}", title_justify="left")
    counts = overoptimization.phrase_counts(texts, phrases).mean(axis=0)
    habits = {
        f"{p!r} a completion": float(x) for p, x in zip(phrases, counts, strict=True)
    }
    for name, value in {**outcomes(rollout), **habits}.items():
        table.add_row(name, value if isinstance(value, str) else f"{value:.4g}")
    out.print(table)
    columns = of_signals(rollout)
    names = sorted({name for row in columns.values() for name in row}, key=_order)
    if names:
        table = Table("signal", *names)
        for signal, row in columns.items():
            table.add_row(signal, *(_cell(row.get(name)) for name in names))
        out.print(table)


def outcomes(rollout: Rollout) -> dict[str, Any]:
    """pass@k and what else the verdicts, tokens and log-probs of a step tell.

    Problems are independent units: intervals are Wilson's, 95 %.
    """
    right = np.asarray(rollout.signals["correct"]) > 0.5
    by_prompt = squares(right, rollout)
    found: dict[str, Any] = {"completions": len(right)}
    if by_prompt is not None:
        solved, samples = by_prompt.sum(axis=1), by_prompt.shape[1]
        for k in powers(samples):
            found[f"pass@{k}"] = str(mean_pass_at_k(solved, samples, k))
            chain = squares(_chains(rollout), rollout)
            if chain is not None:
                both = cot_pass_at_k(by_prompt, chain, k)
                found[f"cot_pass@{k}"] = float(both.mean())
        found["balance"] = float(balance.balance_score(solved, samples).mean())
        fixed = balance.balance_score_fixed(solved, np.full_like(solved, samples))
        found["balance, as its code"] = float(fixed.mean())
    reward = right.astype(float)
    found["prompts without spread"] = overoptimization.share_without_spread(
        reward, np.asarray(rollout.group)
    )
    written = np.asarray(rollout.tokens), np.asarray(rollout.mask)
    repeats = overoptimization.repetition(*written)
    found["repeated 4-grams"] = float(repeats.mean())
    if "sampler_logp" in rollout.signals:
        sampler = rollout.signals["sampler_logp"]
        apart = off_policy_measures(rollout.logp, sampler, rollout.mask)
        weight = np.exp(np.clip(rollout.logp - sampler, -20, 20))
        apart["sample size"] = effective_sample_size(weight, rollout.mask)
        found |= {f"off_policy/{k}": float(x) for k, x in jax.device_get(apart).items()}
    return found


def of_signals(rollout: Rollout) -> dict[str, dict[str, float]]:
    """Each number of a completion against the verdict `correct`.

    `rho` is Spearman's; `at most` the share at the greatest value; `best of n` what the
    signal's pick of n samples is right in, beside the KL that this costs at least;
    `ECE`, `ACE`, `MCE` how far a probability is from the share that is right; `AUC` is
    the share of a prompt's pairs that are in order, `pair ECE` how far a reward
    model's chance to be so, sigmoid of the difference, is from it.
    """
    right = np.asarray(rollout.signals["correct"], float)
    found = {}
    for name, value in rollout.signals.items():
        if name == "correct" or value.ndim != 1 or value.dtype == bool:
            continue
        value = np.nan_to_num(np.asarray(value, float))
        if np.ptp(value) > 0:
            found[name] = _of_one(value, right, rollout)
    for name, value in rollout.signals.items():
        if name == "members" and value.ndim == 2:
            doubt = overoptimization.disagreement_at_the_top(np.asarray(value).T)
            found[name] = {"doubt at the top": doubt}
    return found


def _of_one(value: Values, right: Values, rollout: Rollout) -> dict[str, float]:
    row = {
        "rho": overoptimization.rank_correlation(value, right),
        "at most": overoptimization.saturation(value),
    }
    proxy, score = squares(value, rollout), squares(right, rollout)
    if proxy is not None and score is not None:
        for n in powers(proxy.shape[1]):
            kl = best_of_n_kl(n)
            row[f"best of {n} ({kl:.2f} nats)"] = float(
                best_of_n(proxy, score, n).mean()
            )
    ordered, sure = pair_probabilities(value, right, np.asarray(rollout.group))
    if ordered.size:
        row["AUC"] = float(ordered.mean())
    if value.min() < 0 or value.max() > 1:
        edges = uniform_edges(BINS)
        row["pair ECE"] = calibration_error(ordered, sure, edges).expected
    else:
        even = calibration_error(right, value, uniform_edges(BINS))
        row["ECE"], row["MCE"] = even.expected, even.greatest
        equal = calibration_error(right, value, quantile_edges(value, BINS))
        row["ACE"] = equal.average
    if "ref_logp" in rollout.signals:
        gap = np.where(rollout.mask, rollout.logp - rollout.signals["ref_logp"], 0)
        row |= _by_kl(value, right, gap.sum(axis=1))
    return row


def _by_kl(value: Values, right: Values, kl: Values) -> dict[str, float]:
    """rho in the lower and the upper half of the rows by their KL to the reference."""
    middle = float(np.median(kl))
    edges = np.array([-np.inf, middle, np.inf])
    low, high = overoptimization.rank_correlation_by_kl(value, right, kl, edges)
    return {"rho near reference": float(low), "rho far from it": float(high)}


def squares(value: Any, rollout: Rollout) -> np.ndarray | None:
    """[N] as [B, G]; None of None, and where prompts have unequally many rows."""
    if value is None:
        return None
    order = np.argsort(rollout.group, kind="stable")
    counts = np.bincount(rollout.group)
    if (counts != counts[0]).any():
        return None
    return np.asarray(value)[order].reshape(len(counts), counts[0])


def powers(most: int) -> list[int]:
    """1, 2, 4, ... up to `most`, and that."""
    below = [2**i for i in range(most.bit_length()) if 2**i < most]
    return [*below, most]


def _chains(rollout: Rollout) -> np.ndarray | None:
    """Rows all of whose judged steps are correct; None if no step is judged."""
    steps = rollout.signals.get("step_correct")
    valid = rollout.signals.get("step_correct_valid")
    if steps is None or valid is None:
        return None
    return np.all((np.asarray(steps) > 0.5) | ~np.asarray(valid, bool), axis=1)


def _order(name: str) -> tuple[int, str]:
    first = ("rho", "AUC", "at most", "ECE", "ACE", "MCE", "pair ECE")
    return (first.index(name), "") if name in first else (len(first), f"{name:>24}")


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
