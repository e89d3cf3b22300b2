"""`rewardlab compare` and `rewardlab distance`: how far two rewards are apart."""

from pathlib import Path

import jax
import numpy as np
from jaxtyping import Float
from rich.console import Console
from rich.table import Table

from rewardlab.analysis import epic, starc
from rewardlab.analysis.overoptimization import rank_correlation
from rewardlab.core.compose import estimator
from rewardlab.core.types import Rollout
from rewardlab.methods import resolve
from rewardlab.show.recorded import recorded

TABLES = ("a", "b", "transition")


def compare(run: str, one: str, other: str, step: int | None, out: Console) -> None:
    """Prints `apart` of two methods or sentences, on one step of a run."""
    at, _, rollout = recorded(run, step)
    table = Table("measure", "value", title=f"{run}, step {at}", title_justify="left")
    for name, value in apart(one, other, rollout).items():
        table.add_row(name, f"{value:.4f}")
    out.print(table)


def apart(one: str, other: str, rollout: Rollout) -> dict[str, float]:
    """How two sentences' advantages differ on the same completions, by token.

    `distance` is EPIC's sqrt((1 - rho) / 2) of advantages over the policy's tokens: 0
    where one is the other times a positive number, 1 where it is its opposite. `rho of
    ranks` is Spearman's, of the rows' sums; `opposite signs` the share of tokens that
    one would push up and the other down.
    """
    a, b = (_advantage(text, rollout) for text in (one, other))
    mask = np.asarray(rollout.mask)
    sums = [np.where(mask, x, 0).sum(axis=1) for x in (a, b)]
    return {
        "distance": epic.pearson_distance(a[mask], b[mask]),
        "rho of ranks": rank_correlation(*sums),
        "opposite signs": float(np.mean(a[mask] * b[mask] < 0)),
    }


def _advantage(text: str, rollout: Rollout) -> Float[np.ndarray, "N T"]:
    closed = estimator(resolve(text))
    advantage, _ = closed.update({}, closed.init(rollout), rollout)
    return np.asarray(jax.device_get(advantage), np.float64)


def distance(file: str, discount: float, out: Console) -> None:
    """Prints `tabular` of two rewards in a .npz file: `a`, `b`, `transition` [S, A, S].

    `ValueError` for a file without them, or with other shapes.
    """
    if not Path(file).is_file():
        raise ValueError(f"no file {file}; give a .npz with {', '.join(TABLES)}")
    with np.load(file) as held:
        missing = [name for name in TABLES if name not in held]
        if missing:
            raise ValueError(
                f"{file} has no {missing[0]!r}; save rewards a, b and transition, each "
                "[S, A, S], with numpy.savez"
            )
        a, b, transition = (np.asarray(held[name], np.float64) for name in TABLES)
    if (
        a.ndim != 3
        or a.shape[0] != a.shape[2]
        or not a.shape == b.shape == transition.shape
    ):
        raise ValueError(
            f"{file} has shapes {a.shape}, {b.shape}, {transition.shape}; all must be "
            "[S, A, S]"
        )
    table = Table("distance", "value", title=file, title_justify="left")
    for name, value in tabular(a, b, transition, discount).items():
        table.add_row(name, f"{value:.4f}")
    out.print(table)


def tabular(
    a: starc.Table, b: starc.Table, transition: starc.Table, discount: float
) -> dict[str, float]:
    """EPIC, its direct kin, STARC under each canonical form and 2-norms, and regrets.

    A regret is what training on the one costs by the other, in [0, 1].
    """
    forms: dict[str, list[starc.Table]] = {
        "DARD": [starc.dard_canonical(x, transition, discount) for x in (a, b)],
        "minimal": [starc.minimal_canonical(x, discount) for x in (a, b)],
        "VAL": [_val(x, transition, discount) for x in (a, b)],
        "VALPotential": [_val_potential(x, transition, discount) for x in (a, b)],
    }
    found = {
        "EPIC": epic.epic_distance(a, b, discount),
        "direct": epic.direct_distance(a, b, discount),
    }
    for name, (left, right) in forms.items():
        found[f"STARC, {name}"] = starc.starc_distance(left, right, transition)
    found["regret by a of training on b"] = starc.regret(a, b, transition, discount)
    found["regret by b of training on a"] = starc.regret(b, a, transition, discount)
    return found


def _val(reward: starc.Table, transition: starc.Table, discount: float) -> starc.Table:
    values = starc.uniform_values(reward, transition, discount)
    return starc.val_canonical(reward, transition, values, discount)


def _val_potential(
    reward: starc.Table, transition: starc.Table, discount: float
) -> starc.Table:
    values = starc.uniform_values(reward, transition, discount)
    return starc.value_potential_canonical(reward, values, discount)
