"""How far two rewards are apart in one environment: STARC and its kin.

(arXiv 2309.15257.) d = m(s(R1), s(R2)) with s(R) = c(R) / n(c(R)): a canonical form, a
norm and a metric. Rewards and transitions are tables [S, A, S]. Of the canonical forms
only `val_canonical` knows that a reward may be moved between next states for free.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int

from rewardlab.analysis.epic import closest_potential, shaped

Table = Float[np.ndarray, "S A S"]
Values = Float[np.ndarray, " S"]
Norm = Callable[[Table, Table], float]


def dard_canonical(reward: Table, transition: Table, discount: float) -> Table:
    """R + discount phi(s') - phi(s) - discount E[R(S', A, S'')] (DARD).

    phi(s) = E[R(s, A, S')]; S' ~ T(s, A) and S'' ~ T(s', A) with one uniform action A
    for both. (arXiv 2201.10081)
    """
    share = 1 / reward.shape[1]
    potential = share * np.sum(transition * reward, axis=(1, 2))
    ahead = np.einsum("sax,tay,xay->st", transition, transition, reward, optimize=True)
    return shaped(reward, potential, discount) - discount * share * ahead[:, None, :]


def uniform_values(
    reward: Table, transition: Table, discount: float, tolerance: float = 0.0
) -> Values:
    """V of the policy that chooses uniformly: exact, or by sweeps to a tolerance.

    With `tolerance` > 0, in-place sweeps over states from 0 until none moves by that
    much, at most 10,000 of them, as the authors' code does with 1e-8.
    """
    share = 1 / reward.shape[1]
    gain = share * np.sum(transition * reward, axis=(1, 2))
    move = share * np.sum(transition, axis=1)
    if tolerance <= 0:
        return np.linalg.solve(np.eye(len(gain)) - discount * move, gain)
    values = np.zeros(len(gain))
    for _ in range(10_000):
        before = values.copy()
        for s in range(len(values)):
            values[s] = gain[s] + discount * (move[s] @ values)
        if np.abs(values - before).max() < tolerance:
            break
    return values


def value_potential_canonical(reward: Table, values: Values, discount: float) -> Table:
    """R + discount V(s') - V(s): the advantage before the next state is averaged."""
    return shaped(reward, values, discount)


def val_canonical(
    reward: Table, transition: Table, values: Values, discount: float
) -> Table:
    """E_{S' ~ T(s, a)}[R + discount V(S') - V(s)], the same for every s' (VAL)."""
    advantage = np.sum(transition * shaped(reward, values, discount), axis=2)
    return np.broadcast_to(advantage[..., None], reward.shape).copy()


def minimal_canonical(reward: Table, discount: float) -> Table:
    """The shaping of R of least 2-norm, by least squares; the code has Adam."""
    potential = closest_potential(reward, np.zeros_like(reward), discount)
    return shaped(reward, potential, discount)


def lp(p: float) -> Norm:
    """(sum |R|^p)^(1/p); p may be infinity."""
    return lambda x, transition: float(np.linalg.norm(np.ravel(x), p))


def weighted_lp(p: float) -> Norm:
    """(sum |R|^p T)^(1/p), and max |R| T for p = infinity: only what can happen."""

    def norm(x: Table, transition: Table) -> float:
        if np.isinf(p):
            return float(np.max(np.abs(x) * transition))
        return float(np.sum(np.abs(x) ** p * transition) ** (1 / p))

    return norm


NORMS: dict[str, Norm] = {
    "1": lp(1),
    "2": lp(2),
    "inf": lp(np.inf),
    "weighted_1": weighted_lp(1),
    "weighted_2": weighted_lp(2),
    "weighted_inf": weighted_lp(np.inf),
}


def starc_distance(
    a: Table, b: Table, transition: Table, norm: str = "2", metric: str = "2"
) -> float:
    """metric(a / norm(a) - b / norm(b)) of two canonical rewards; 0 / 0 is 0.

    `norm` and `metric` are names of `NORMS`. With EPIC's canonical form and 2-norms
    this is twice EPIC's distance under uniform coverage.
    """
    size = [NORMS[norm](x, transition) for x in (a, b)]
    unit = [
        x / n if n > 0 else np.zeros_like(x) for x, n in zip((a, b), size, strict=True)
    ]
    return NORMS[metric](unit[0] - unit[1], transition)


def optimal_policy(
    reward: Table, transition: Table, discount: float, tolerance: float = 1e-8
) -> Int[np.ndarray, " S"]:
    """The first best action of each state, by value iteration to a tolerance."""
    values = np.zeros(reward.shape[0])
    for _ in range(10_000):
        q = np.sum(transition * (reward + discount * values), axis=2)
        before, values = values, q.max(axis=1)
        if np.linalg.norm(values - before) < tolerance:
            break
    return q.argmax(axis=1)


def policy_return(
    reward: Table,
    transition: Table,
    discount: float,
    policy: Int[np.ndarray, " S"],
    start: Values | None = None,
) -> float:
    """J = E[V(s_0)] of a deterministic policy, by a linear solve; uniform start."""
    rows = np.arange(len(policy))
    move = transition[rows, policy]
    gain = np.sum(move * reward[rows, policy], axis=1)
    values = np.linalg.solve(np.eye(len(policy)) - discount * move, gain)
    return float(values.mean() if start is None else values @ start)


def regret(
    reward: Table,
    other: Table,
    transition: Table,
    discount: float,
    start: Values | None = None,
) -> float:
    """(J_max - J(pi_other)) / (J_max - J_min): what training on `other` costs.

    In [0, 1]. Where every policy earns the same there is nothing to lose: 0.
    """

    def earned(of: Table) -> float:
        policy = optimal_policy(of, transition, discount)
        return policy_return(reward, transition, discount, policy, start)

    best, worst = earned(reward), earned(-reward)
    return (best - earned(other)) / (best - worst if best > worst else 1.0)
