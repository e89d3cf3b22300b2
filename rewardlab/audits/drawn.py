"""Signals that are drawn anew with every batch, and what they cost."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int

from rewardlab.audits.facts import Facts

TRIES = 4  # episodes that go on from a state
Batch = Int[np.ndarray, "B N"]  # outcomes, prompt by prompt
Drawer = Callable[[Facts, np.random.Generator, Batch], np.ndarray]


def restarts(
    facts: Facts, rng: np.random.Generator, batch: Batch
) -> Float[np.ndarray, "B N S+1"]:
    """The share of TRIES episodes from each text that succeed; the verdict at the end.

    Each row makes its own, also where two rows share a text.
    """
    episode = facts.episode[batch]
    tried = rng.binomial(TRIES, facts.value[episode]) / TRIES
    length = facts.process.taken.sum(axis=1)[episode]
    over = np.arange(tried.shape[2]) >= length[..., None]
    return np.where(over, facts.correct[batch][..., None], tried)


def restarts_before(
    facts: Facts, rng: np.random.Generator, batch: Batch
) -> Float[np.ndarray, "B N S"]:
    """`restarts` before each turn, 0 for turns that there were not."""
    taken = facts.process.taken[facts.episode[batch]]
    return np.where(taken, restarts(facts, rng, batch)[..., :-1], 0)


def against_others(
    facts: Facts, rng: np.random.Generator, batch: Batch
) -> Float[np.ndarray, "B N R"]:
    """1 won, 1/2 tie, 0 lost against each other row of the prompt, by the verdicts."""
    size = batch.shape[1] // facts.process.prompts
    each = facts.correct[batch].reshape(len(batch), -1, size)
    won = (1 + np.sign(each[..., :, None] - each[..., None, :])) / 2
    others = np.array([[j for j in range(size) if j != i] for i in range(size)])
    rows = np.arange(size)[:, None]
    return won[:, :, rows, others].reshape(len(batch), -1, size - 1)


DRAWERS: dict[str, tuple[Drawer, str]] = {
    "restarts": (restarts, f"{TRIES} episodes more from each text; the verdict last"),
    "restarts_before": (restarts_before, f"{TRIES} episodes more from each text"),
    "against_others": (against_others, "the verdict against that of each other row"),
}


def extra_turns(facts: Facts, makers: set[str]) -> float:
    """Turns that restarts add to a row, in the mean over prompts and episodes."""
    if not makers & {"restarts", "restarts_before"}:
        return 0.0
    length = facts.process.taken.sum(axis=1)[facts.episode]
    added = TRIES * length * (length + 1) / 2
    return float(facts.chance @ added) / facts.process.prompts


def turns_of_a_row(facts: Facts) -> float:
    """The mean number of turns that a row has."""
    length = facts.process.taken.sum(axis=1)[facts.episode]
    return float(facts.chance @ length) / facts.process.prompts
