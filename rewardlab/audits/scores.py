"""How the gradient and the credit of a sentence compare with the true ones."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from rewardlab.audits import exact
from rewardlab.audits.drawn import Batch
from rewardlab.audits.facts import Facts

TINY = 1e-9  # a credit below this is none
RESAMPLED = 300
Vector = Float[np.ndarray, " X"]


class Sample(NamedTuple):
    """Batches with their chances, and what was paid in them."""

    batches: Batch
    chance: Float[np.ndarray, " B"]
    credit: Float[np.ndarray, "B N S"]


class Direction(NamedTuple):
    """An expected gradient beside the true one."""

    cosine: float
    bias: float  # the sine of the angle between them; 1 where they point apart
    scale: float  # how many true gradients it is worth


def gradients(
    facts: Facts,
    outcomes: Int[np.ndarray, "B N"],
    pushed: Float[np.ndarray, "B N S"],
) -> Float[np.ndarray, "B X"]:
    """sum_n sum_k pushed d log pi / d logits of each batch, as one vector."""
    process = facts.process
    size, actions = process.logits.size, process.world.actions
    cell = process.state * actions + process.actions
    episode = facts.episode[outcomes]
    taken = process.taken[episode]
    at = cell[episode] + size * np.arange(len(outcomes))[:, None, None]
    bins = np.bincount(at[taken], pushed[taken], minlength=size * len(outcomes))
    shaped = bins.reshape(len(outcomes), *process.logits.shape)
    return exact.through_softmax(process, shaped).reshape(len(outcomes), size)


def direction(got: Vector, true: Vector) -> Direction:
    """The angle between a gradient and the true one."""
    lengths = float(np.linalg.norm(got)), float(np.linalg.norm(true))
    if min(lengths) < 1e-12:
        return Direction(0.0, 1.0, 0.0)
    scale = float(got @ true) / lengths[1] ** 2
    cosine = scale * lengths[1] / lengths[0]
    off = float(np.linalg.norm(got - scale * true)) / lengths[0]
    return Direction(cosine, off if scale > 0 else 1.0, scale)


def uncertain(
    each: Float[np.ndarray, "D X"], true: Vector, rng: np.random.Generator
) -> Direction:
    """Standard errors of `direction` of a mean over draws, by the bootstrap."""
    picked = rng.integers(0, len(each), (100, len(each)))
    found = [direction(each[rows].mean(axis=0), true) for rows in picked]
    return Direction(*(float(x) for x in np.std(found, axis=0)))


class Noise(NamedTuple):
    """How a batch's gradient varies."""

    variance: float  # tr Cov, in units of the true gradient's squared length
    snr: float  # |E g|^2 / tr Cov


def noise(
    each: Float[np.ndarray, "B X"], chance: Float[np.ndarray, " B"], true: Vector
) -> Noise:
    """Of one batch, and scaled so that the batch's mean has the true length."""
    mean = chance @ each
    spread = float(chance @ ((each - mean) ** 2).sum(axis=1))
    signal = float(mean @ mean)
    scale = direction(mean, true).scale
    unit = (scale * float(np.linalg.norm(true))) ** 2
    return Noise(
        spread / unit if scale > 0 else np.inf, signal / spread if spread else np.inf
    )


def cosine_of_mean(
    each: Float[np.ndarray, "B X"],
    chance: Float[np.ndarray, " B"],
    true: Vector,
    count: int,
    rng: np.random.Generator,
) -> float:
    """The mean cosine to the true gradient of the mean of `count` batches."""
    picked = rng.choice(len(each), (RESAMPLED, count), p=chance / chance.sum())
    means = np.stack([each[rows].mean(axis=0) for rows in picked])
    lengths = np.linalg.norm(means, axis=1)
    along = means @ true / np.linalg.norm(true)
    return float(np.mean(np.divide(along, lengths, where=lengths > 0, out=0 * along)))


class Credit(NamedTuple):
    """How the credit of turns compares with their advantage."""

    correlation: float  # of what a turn of a row is paid and its advantage
    bias: float  # of its expectation: what does not go along with the advantage
    sign: float  # the share of forks that are paid with the advantage's sign
    decoys: float  # the share of expected |credit| on decoys
    precision: float  # the share of it on turns that decide
    recall: float  # the share of those turns among the as many best paid ones


def credit(facts: Facts, expected: Float[np.ndarray, "A S"], sample: Sample) -> Credit:
    """Of rows as the policy makes them; `expected` is what an outcome is paid."""
    process, world = facts.process, facts.process.world
    true = exact.advantages(process)
    episode = facts.episode[sample.batches]
    weight = np.where(process.taken[episode], sample.chance[:, None, None], 0)
    paid, worth = sample.credit, true[episode]
    decides = weight * (np.abs(worth) > TINY)
    same = (np.sign(worth) * paid > TINY).astype(float)
    mean = expected_by_action(facts, expected)
    chance = exact.chances(process)[:, None] * process.taken
    by_turn = (chance * np.abs(mean)).sum(axis=0)
    share = by_turn / by_turn.sum() if by_turn.sum() > TINY else 0 * by_turn
    top = np.argsort(-by_turn, kind="stable")[: len(world.decisive)]
    return Credit(
        _correlation(paid, worth, weight),
        _left_over(mean, true, chance),
        float((decides * same).sum() / max(decides.sum(), 1e-300)),
        float(share[list(world.decoys)].sum()),
        float(share[list(world.decisive)].sum()),
        len(set(top.tolist()) & set(world.decisive)) / len(world.decisive),
    )


def expected_by_action(
    facts: Facts, expected: Float[np.ndarray, "A S"]
) -> Float[np.ndarray, "E S"]:
    """E[credit | history, action], whatever came later."""
    process, columns = facts.process, []
    for k in range(process.world.turns):
        after = process.history[facts.episode, k + 1]
        mean = exact.mean_by(after, expected[:, k], facts.chance)
        found = np.zeros(process.history.max() + 1)
        found[after] = mean
        columns.append(found[process.history[:, k + 1]] * process.taken[:, k])
    return np.stack(columns, axis=1)


def _correlation(
    a: Float[np.ndarray, "*x"], b: Float[np.ndarray, "*x"], w: Float[np.ndarray, "*x"]
) -> float:
    """Pearson's, weighted; 0 where one of them does not vary."""
    total = w.sum()
    a, b = (x - (w * x).sum() / total for x in (a, b))
    size = float(np.sqrt((w * a**2).sum() * (w * b**2).sum()))
    return float((w * a * b).sum()) / size if size > TINY * total else 0.0


def _left_over(
    a: Float[np.ndarray, "E S"],
    b: Float[np.ndarray, "E S"],
    w: Float[np.ndarray, "E S"],
) -> float:
    """The root mean square of a - c b over that of a, with the best c; 1 for none."""
    scale = float((w * a * b).sum() / max((w * b**2).sum(), 1e-300))
    size = float((w * a**2).sum())
    left = float((w * (a - max(scale, 0) * b) ** 2).sum())
    return float(np.sqrt(left / size)) if size > TINY**2 else 1.0
