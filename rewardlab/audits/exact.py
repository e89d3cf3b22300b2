"""What an enumerated process says of itself: values, gradient, shares, best policy."""

import itertools
import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from rewardlab.audits.process import Process

Episodes = Float[np.ndarray, " E"]
PerTurn = Float[np.ndarray, "E S"]
Logits = Float[np.ndarray, "X K"]
FEW_TURNS = 8  # of which all coalitions are tried


def policy(logits: Logits) -> Logits:
    """pi(a | state), the softmax of each state's logits."""
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


def of_taken(process: Process, table: Logits) -> PerTurn:
    """The entry of each turn's state and action; 1 where there was no turn."""
    return np.where(process.taken, table[process.state, process.actions], 1.0)


def chances(process: Process, logits: Logits | None = None) -> Episodes:
    """The chance of each episode given its prompt: they sum to 1 for each prompt."""
    probabilities = policy(process.logits if logits is None else logits)
    bits = 2 if process.world.hidden else 1
    return of_taken(process, probabilities).prod(axis=1) / bits


def objective(process: Process, logits: Logits | None = None) -> float:
    """J = the mean over prompts of E[success]."""
    return float(chances(process, logits) @ process.success) / process.prompts


def scored(process: Process, pushed: PerTurn) -> Logits:
    """sum_e sum_k pushed[e, k] d log pi(a_k | s_k) / d logits."""
    bins = np.zeros(process.logits.shape)
    at = process.state[process.taken], process.actions[process.taken]
    np.add.at(bins, at, pushed[process.taken])
    return through_softmax(process, bins)


def through_softmax(
    process: Process, bins: Float[np.ndarray, "*B X K"]
) -> Float[np.ndarray, "*B X K"]:
    """From d/d log pi(a | s) to d/d logits: w_a - pi_a sum_b w_b, state by state."""
    return bins - policy(process.logits) * bins.sum(axis=-1, keepdims=True)


def gradient(process: Process, paid: PerTurn | None = None) -> Logits:
    """Of J: (1/P) sum_e chance_e sum_k A_k d log pi / d logits, A the advantage.

    With `paid` [E, S] in the place of A it is the gradient that these credits make.
    """
    credit = advantages(process) if paid is None else paid
    return scored(process, chances(process)[:, None] * credit) / process.prompts


def mean_by(
    ids: Int[np.ndarray, " E"], x: Episodes, weight: Episodes
) -> Float[np.ndarray, " E"]:
    """The weighted mean of the episodes that share an id, for each of them."""
    total = np.bincount(ids, weight)
    return (np.bincount(ids, weight * x) / np.where(total > 0, total, 1))[ids]


def values(
    process: Process, seen: Int[np.ndarray, "E S+1"]
) -> Float[np.ndarray, "E S+1"]:
    """V = E[success | what is seen] before each turn and at the end."""
    weight = chances(process)
    columns = [mean_by(ids, process.success, weight) for ids in seen.T]
    return np.stack(columns, axis=1)


def advantages(process: Process) -> PerTurn:
    """A(h, a) = Q(h, a) - V(h): the counterfactual credit of each turn."""
    return np.diff(values(process, process.history), axis=1)


class Shares(NamedTuple):
    """What the variance of the outcome consists of; they sum to 1."""

    prompt: float
    bit: float
    turns: Float[np.ndarray, " S"]
    verdict: float  # the outcome's own chance, with all actions known


def variance_shares(process: Process) -> Shares:
    """Var(E[R | a_{<=k}] - E[R | a_{<k}]) / Var R, R the true outcome, 0 or 1."""
    weight = chances(process) / process.prompts
    value, mean = values(process, process.history), objective(process)
    of_prompt = mean_by(process.prompt, process.success, weight)
    whole = max(mean * (1 - mean), 1e-300)
    steps = np.diff(value, axis=1)
    parts = [
        weight @ (of_prompt - mean) ** 2,
        weight @ (value[:, 0] - of_prompt) ** 2,
        weight @ steps**2,
        weight @ (process.success * (1 - process.success)),
    ]
    prompt, bit, turns, verdict = (part / whole for part in parts)
    return Shares(float(prompt), float(bit), turns, float(verdict))


def shapley(process: Process) -> PerTurn:
    """The Shapley value of each turn's action: its mean marginal worth.

    A coalition of turns is worth E[success] where these turns act as in the episode and
    the others as the policy does, from the first turn on. A row's values sum to its
    chance of success minus E[success] at its beginning. `ValueError` for more than 8
    turns.
    """
    turns = process.world.turns
    if turns > FEW_TURNS:
        raise ValueError(
            f"Shapley values try 2^{turns} coalitions; take {FEW_TURNS} turns or fewer"
        )
    found = np.zeros(process.actions.shape)
    for start in np.unique(process.history[:, 0]):
        rows = np.flatnonzero(process.history[:, 0] == start)
        found[rows] = _of_block(process, rows)
    return found


def _of_block(process: Process, rows: Int[np.ndarray, " M"]) -> PerTurn:
    turns, actions = process.world.turns, process.actions[rows]
    step = of_taken(process, policy(process.logits))[rows]
    one, other = actions[:, None], actions[None]
    agree = (one == other) | (one < 0) | (other < 0)
    worth = {}
    for size in range(turns + 1):
        for inside in itertools.combinations(range(turns), size):
            free = [k for k in range(turns) if k not in inside]
            chance = step[:, free].prod(axis=1) * process.success[rows]
            worth[inside] = agree[:, :, list(inside)].all(axis=2) @ chance
    found = np.zeros(actions.shape)
    for inside, value in worth.items():
        for k in sorted(set(range(turns)) - set(inside)):
            share = math.factorial(len(inside)) * math.factorial(
                turns - len(inside) - 1
            )
            more = worth[tuple(sorted((*inside, k)))]
            found[:, k] += share / math.factorial(turns) * (more - value)
    return found


def best(process: Process, paid: Episodes, close: float = 1e-9) -> tuple[float, float]:
    """What the best policy for `paid` [E] is paid, and how often it then succeeds.

    By backward induction over histories. Where several actions are best for `paid`, to
    within `close`, the one is taken that succeeds most often.
    """
    value, truth = np.array(paid, float), process.success.copy()
    for ids in process.history[:, :-1].T[::-1]:
        top = np.full(process.history.max() + 1, -np.inf)
        np.maximum.at(top, ids, value)
        tied = value >= top[ids] - close
        success = np.full(top.shape, -np.inf)
        np.maximum.at(success, ids[tied], truth[tied])
        value, truth = top[ids], success[ids]
    _, first = np.unique(process.history[:, 0], return_index=True)
    return float(value[first].mean()), float(truth[first].mean())
