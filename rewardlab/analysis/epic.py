"""How far two reward functions are apart, whatever the policy: EPIC.

(arXiv 2006.13900.) Rewards are tables [S, A, S]: state, action, next state. Shaping and
positive scale change no optimal policy, so they are taken out before comparing.
Distributions over states and actions are uniform unless given.
"""

import numpy as np
from jaxtyping import Float

Table = Float[np.ndarray, "S A S"]
Dist = Float[np.ndarray, "_"]
SMALL = 1e-10  # a spread below this is rounding: the reward is constant


def shaped(reward: Table, potential: Dist, discount: float) -> Table:
    """R(s, a, s') + discount * phi(s') - phi(s)."""
    potential = np.asarray(potential, np.float64)
    return reward + discount * potential - potential[:, None, None]


def epic_canonical(
    reward: Table,
    discount: float,
    states: Dist | None = None,
    actions: Dist | None = None,
) -> Table:
    """R + discount m(s') - m(s) - discount mbar, m(s) = E[R(s, A, S')], mbar = E[m].

    The same for every shaping of R, whatever the dynamics: A and S' are drawn from the
    given distributions, not from a policy.
    """
    reward = np.asarray(reward, np.float64)
    states, actions = _dist(states, reward.shape[0]), _dist(actions, reward.shape[1])
    mean = reward @ states @ actions
    return shaped(reward, mean, discount) - discount * (states @ mean)


def coverage(
    shape: tuple[int, ...], states: Dist | None = None, actions: Dist | None = None
) -> Table:
    """D(s) D(a) D(s'), the weight of each transition."""
    states, actions = _dist(states, shape[0]), _dist(actions, shape[1])
    return states[:, None, None] * actions[:, None] * states


def _dist(dist: Dist | None, n: int) -> Dist:
    return np.full(n, 1 / n) if dist is None else np.asarray(dist, np.float64)


def lp_norm(reward: Table, p: float, weight: Table) -> float:
    """(sum weight |R|^p)^(1/p)."""
    return float(np.sum(weight * np.abs(reward) ** p) ** (1 / p))


def pearson_distance(a: Table, b: Table, weight: Table | None = None) -> float:
    """sqrt((1 - rho) / 2): 0 for b = c a + d with c > 0, 1 for b = -a.

    Two constants are 0 apart; a constant and another reward are as far apart as two
    that have nothing to do with each other, sqrt(1/2). The reference has NaN there.
    """
    weight = np.full(a.shape, 1 / a.size) if weight is None else weight
    away = [x - np.sum(weight * x) for x in (a, b)]
    spread = [np.sqrt(np.sum(weight * x**2)) for x in away]
    flat = [s < SMALL for s in spread]
    if any(flat):
        return 0.0 if all(flat) else float(np.sqrt(0.5))
    rho = np.sum(weight * away[0] * away[1]) / (spread[0] * spread[1])
    return float(np.sqrt(max(1 - rho, 0.0) / 2))


def epic_distance(
    a: Table,
    b: Table,
    discount: float,
    states: Dist | None = None,
    actions: Dist | None = None,
) -> float:
    """Pearson distance of the canonical rewards under the coverage distribution.

    A pseudometric in [0, 1], and a bound on the regret of training on the other.
    """
    left, right = (epic_canonical(x, discount, states, actions) for x in (a, b))
    return pearson_distance(left, right, coverage(np.shape(a), states, actions))


def direct_distance(
    a: Table,
    b: Table,
    discount: float,
    p: float = 2,
    states: Dist | None = None,
    actions: Dist | None = None,
) -> float:
    """|| C(a)/|C(a)| - C(b)/|C(b)| ||_p / 2 of the canonical rewards; 0/0 is 0."""
    weight = coverage(np.shape(a), states, actions)
    unit = []
    for reward in (a, b):
        canonical = epic_canonical(reward, discount, states, actions)
        size = lp_norm(canonical, p, weight)
        unit.append(canonical * (0.0 if size < SMALL else 1 / size))
    return lp_norm(unit[0] - unit[1], p, weight) / 2


def closest_potential(reward: Table, target: Table, discount: float) -> Dist:
    """The phi that brings R, shaped, nearest to the target in least squares."""
    n, actions, _ = np.shape(reward)
    eye = np.eye(n)
    rows = discount * eye[None, None] - eye[:, None, None]
    rows = np.broadcast_to(rows, (n, actions, n, n)).reshape(-1, n)
    gap = np.subtract(target, reward, dtype=np.float64)
    return np.linalg.lstsq(rows, gap.ravel(), rcond=None)[0]
