"""A row whole, by its name: rows kept, advantage, loss with its options, average, KL.

    agrees("grpo", batch(0), lambda b: mean_of_rows(b, clipped(b, advantage(b), 0.2)))

`whole` is what the library makes of a row; an oracle is a float64 loop over the same
batch, written from the authors' source, and its gradient is taken by differences.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from rewardlab import estimator, resolve
from rewardlab.models.logprobs import TokenStats
from rewardlab.runs.builders import build_objective, select_of
from rewardlab.runs.config import default_config
from rewardlab.selection import select_rows
from rewardlab.testing import from_arrays

LIMIT = 8  # the most tokens of a completion


@dataclasses.dataclass
class Batch:
    """Eight rows of two prompts, ragged; `logp` is the policy's at the update.

    `old`, `ref` and `logp` [N, T] differ enough that every bound is met; `entropy` and
    `uniform`, the mean log-prob of the vocabulary, [N, T] are the policy's, and so are
    the log-probs `among` [N, T, K] of ids. `signals` go to the rollout.
    """

    mask: np.ndarray
    group: np.ndarray
    old: np.ndarray
    ref: np.ndarray
    logp: np.ndarray
    entropy: np.ndarray
    signals: dict
    step: np.ndarray | None = None
    valid: np.ndarray | None = None
    uniform: np.ndarray | float = 0.0
    among: np.ndarray | float = 0.0

    def rows(self):
        """(row, positions of its True tokens) of rows that have any."""
        for i in range(len(self.mask)):
            tokens = np.flatnonzero(self.mask[i]).tolist()
            if tokens:
                yield i, tokens

    def turns(self, i):
        """The positions of the True tokens of each turn of row i."""
        count = int(self.step[i].max()) + 1
        found = [
            np.flatnonzero(self.mask[i] & (self.step[i] == k)) for k in range(count)
        ]
        return [tokens.tolist() for tokens in found]

    def members(self, i):
        """The rows of i's group, i included."""
        return np.flatnonzero(self.group == self.group[i]).tolist()


def batch(seed=0, spread=0.6, **signals):
    """A varied batch with verdicts `correct` in {0, 1} unless `signals` say others."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, LIMIT + 1, 8)
    mask = np.arange(LIMIT) < lengths[:, None]
    old = -rng.exponential(size=mask.shape)
    logp = old + rng.normal(0, spread, mask.shape)
    ref = old + rng.normal(0, spread, mask.shape)
    correct = np.array([1.0, 0, 0, 1, 1, 1, 0, 1])
    return Batch(
        mask,
        np.repeat([0, 1], 4),
        old,
        ref,
        logp,
        rng.exponential(size=mask.shape),
        {"correct": correct, **signals},
    )


def episodes(seed=0, spread=0.6, turns=3, **signals):
    """As `batch`, each row cut into 1..turns turns, which the environment may answer.

    The answer is the last token of a turn, and the policy's is before it.
    """
    b, rng = batch(seed, spread), np.random.default_rng(seed + 1000)
    b.mask, b.step = np.zeros_like(b.mask), np.full(b.mask.shape, -1)
    for i in range(len(b.mask)):
        lengths = rng.integers(1, LIMIT // turns + 1, int(rng.integers(1, turns + 1)))
        b.step[i, : lengths.sum()] = np.repeat(np.arange(len(lengths)), lengths)
        b.mask[i] = b.step[i] >= 0
        answers = lengths.cumsum()[:-1][(lengths[:-1] > 1)] - 1
        b.mask[i, answers] = False
    b.valid = b.step >= 0
    b.signals.update(signals)
    return b


def whole(name, b, **changes):
    """(advantage [N, T], loss, its gradient to `logp` [N, T]) of the row `name`.

    Everything comes from the name: nothing is passed but the rollout. `changes` are
    config keys, for a row that is meant to be told something (a limit, a weight).
    """
    with jax.enable_x64(True):
        config = default_config()
        config.rollout.max_completion_length = b.mask.shape[1]
        config.reward = name
        with config.unlocked():
            config.update_from_flattened_dict(changes)
        signals = {"ref_logp": b.ref, **b.signals}
        rollout = from_arrays(b.mask, b.group, b.step, b.valid, b.old, **signals)
        rollout = jax.tree.map(jnp.asarray, rollout)
        if select := select_rows(select_of(config)):
            rollout = select(rollout)
        advantage = estimator(resolve(name, **config.hp))
        more = jnp.asarray(b.entropy), 0.0, jnp.asarray(b.uniform), jnp.asarray(b.among)
        objective = build_objective(config)

        @jax.jit
        def run(logp, rollout):
            given, _ = advantage.update({}, advantage.init(rollout), rollout)

            def loss(logp):
                total, _ = objective(TokenStats(logp, *more), rollout, given)
                return jnp.sum(total.mean())  # of one loss, or of several

            return given, *jax.value_and_grad(loss)(logp)

        return [np.asarray(x) for x in run(jnp.asarray(b.logp), rollout)]


def agrees(name, b, oracle, advantage=None, rtol=1e-6, **changes):
    """The row's loss and gradient are the oracle's, and so is its advantage if given.

    `oracle(b)` is the loss as a number, a function of `b.logp`; what the source stops
    the gradient of, it reads from the batch it was made for.
    """
    got_advantage, got, gradient = whole(name, b, **changes)
    if advantage is not None:
        want = np.where(b.mask, advantage, 0)
        np.testing.assert_allclose(got_advantage, want, rtol=rtol, atol=1e-9)
    np.testing.assert_allclose(got, oracle(b), rtol=rtol, atol=1e-9)
    np.testing.assert_allclose(gradient, slope(oracle, b), rtol=1e-4, atol=1e-7)


def slope(oracle, b, h=1e-6):
    """The gradient of `oracle` to `b.logp` by central differences, on True tokens."""
    found = np.zeros(b.mask.shape)
    for i, tokens in b.rows():
        for t in tokens:
            ends = []
            for sign in (1, -1):
                moved = b.logp.copy()
                moved[i, t] += sign * h
                ends.append(oracle(dataclasses.replace(b, logp=moved)))
            found[i, t] = (ends[0] - ends[1]) / (2 * h)
    return found


def k3(gap):
    """exp(gap) - gap - 1 of gap = ref - logp."""
    return float(np.exp(gap) - gap - 1)


def trained(
    a,
    mean=None,
    low=0.2,
    high=0.2,
    dual=None,
    kl=0.0,
    most=10,
    entropy=0.0,
    estimate=k3,
):
    """An oracle: PPO's clipped loss by `mean` (by token), with KL and entropy.

    `estimate` is that of KL, of log ref - log pi; `most` bounds it, as verl does. A
    second clip has to be met.
    """

    def oracle(b):
        losses, met = {}, dual is None
        for i, tokens in b.rows():
            for t in tokens:
                ratio = np.exp(b.logp[i, t] - b.old[i, t])
                loss = ppo(a[i, t], ratio, low, high, dual)
                met |= a[i, t] < 0 and ratio > (dual or 0)
                loss += kl * min(estimate(b.ref[i, t] - b.logp[i, t]), most)
                losses[i, t] = loss - entropy * b.entropy[i, t]
        assert met, "no token of A < 0 is beyond the second clip; use more `spread`"
        return (mean or token_mean)(b, losses)

    return oracle


def against_group(b, reward, eps=0.0, ddof=1):
    """(r - mean) / (std + eps) of each row's group, on its tokens; no std without eps.

    Rows without a True token are in no group.
    """
    a, there = np.zeros(b.mask.shape), b.mask.any(axis=1)
    for i, _ in b.rows():
        own = [reward[j] for j in b.members(i) if there[j]]
        mean = sum(own) / len(own)
        var = sum((r - mean) ** 2 for r in own) / max(len(own) - ddof, 1)
        a[i] = (reward[i] - mean) / (var**0.5 + eps if eps else 1)
    return a


def only(b, rows):
    """The batch in which all rows but these have lost their tokens."""
    kept = np.isin(np.arange(len(b.mask)), rows)
    return dataclasses.replace(b, mask=b.mask & kept[:, None])


def among(rows, oracle):
    """An oracle that sees these rows alone."""
    return lambda b: oracle(only(b, rows))


def over_limit(b, losses):
    """sum of losses / (rows * limit)."""
    return sum(losses.values()) / b.mask.size


def token_mean(b, losses):
    """losses {(row, token): l}: every token counts once."""
    return sum(losses.values()) / sum(len(tokens) for _, tokens in b.rows())


def sequence_mean(b, losses):
    """The mean over rows of each row's mean over its tokens."""
    means = [sum(losses[i, t] for t in ts) / len(ts) for i, ts in b.rows()]
    return sum(means) / len(means)


def ppo(a, ratio, low=0.2, high=0.2, dual=None):
    """The clipped loss of one token; with `dual`, at most -dual a where a < 0."""
    loss = max(-a * ratio, -a * min(max(ratio, 1 - low), 1 + high))
    return min(loss, -a * dual) if dual is not None and a < 0 else loss
