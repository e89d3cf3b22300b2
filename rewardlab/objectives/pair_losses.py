"""The words of `loss` that learn from pairs; they read no advantage.

Pairs are made of the rows of a prompt on the device that holds it, and the mean is over
all pairs of the batch. The outcome is a signal `by` [N]; a row without a token, or
without a verdict, is in no pair. Log-probs are sums over the policy's own tokens, so a
long row weighs more. `ref` is the signal of the reference's, "" the sampler's.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from rewardlab.core import masked
from rewardlab.core.types import (
    Coefficient,
    Rollout,
    SignalName,
    Static,
    Sum,
    coefficient,
)
from rewardlab.models.logprobs import TokenStats
from rewardlab.objectives import preference
from rewardlab.objectives.apart import Apart, Read
from rewardlab.objectives.objective import Metrics
from rewardlab.objectives.pairs import (
    WHICH,
    best_and_worst,
    gap_of,
    inside,
    rows_of,
    scored,
    scored_steps,
    siblings,
    steps_of,
    sum_of_steps,
    told,
)
from rewardlab.reward_models import cream as creams

OfGap = Callable[[Float[Array, "B U U"], Rollout], Float[Array, "B U U"]]


def dpo(
    beta: Coefficient = 0.1,
    by: SignalName = "correct",
    which: str = "all",
    smoothing: Coefficient = 0.0,
    weight: Coefficient = 1.0,
    ref: SignalName = "ref_logp",
) -> Apart:
    """-log sigmoid(beta h), h = log(pi / ref) of the better row less that of the worse.

    log 2 at the reference. `which` pairs: 'all', or 'best_worst' of a prompt;
    `smoothing` is the share of labels that are the wrong way round. (DPO, arXiv
    2305.18290; online, 2402.04792)
    """

    def of(gap: Array, rollout: Rollout) -> Array:
        rate, wrong = coefficient(beta, rollout), coefficient(smoothing, rollout)
        return preference.dpo_loss(gap, rate, wrong)

    return _rows_apart("dpo", of, by, which, ref, weight)


def ipo(
    beta: Coefficient = 0.1,
    by: SignalName = "correct",
    which: str = "all",
    weight: Coefficient = 1.0,
    ref: SignalName = "ref_logp",
) -> Apart:
    """(h - 1 / (2 beta))^2, h as in `dpo`: no wider than that (arXiv 2310.12036)."""

    def of(gap: Array, rollout: Rollout) -> Array:
        return preference.ipo_loss(gap, coefficient(beta, rollout))

    return _rows_apart("ipo", of, by, which, ref, weight)


def hinge(
    beta: Coefficient = 0.1,
    by: SignalName = "correct",
    which: str = "all",
    weight: Coefficient = 1.0,
    ref: SignalName = "ref_logp",
) -> Apart:
    """[1 - beta h]+, h as in `dpo`: no gradient beyond 1 / beta (arXiv 2305.10425)."""

    def of(gap: Array, rollout: Rollout) -> Array:
        return preference.hinge_loss(gap, coefficient(beta, rollout))

    return _rows_apart("hinge", of, by, which, ref, weight)


def tgdpo(
    beta: Coefficient = 0.1,
    alpha: Coefficient = 0.5,
    guide: SignalName = "prm_logp",
    by: SignalName = "correct",
    weight: Coefficient = 1.0,
    ref: SignalName = "ref_logp",
) -> Apart:
    """DPO; tokens weigh 1 + alpha beta d in better rows, 1 - alpha beta d in worse.

    d = log guide - log ref; `guide` is the signal of a model that was trained by DPO.
    (TGDPO, arXiv 2506.14574)
    """

    def loss(stats: TokenStats, rollout: Rollout, read: Read) -> tuple[Sum, Metrics]:
        rate, tilt = coefficient(beta, rollout), coefficient(alpha, rollout)
        sides = preference.guided(
            rows_of(stats, rollout, ref), inside(rollout, guide), rate, tilt
        )
        pairs = WHICH["all"](*scored(rollout, by))
        gap = gap_of(*(masked.by_prompt(x, rollout) for x in sides))
        return told("tgdpo", preference.dpo_loss(gap, rate), gap, pairs)

    return Apart(loss, weight)


def t_reg(
    beta: Coefficient = 0.1,
    alpha: Coefficient = 0.25,
    better: SignalName = "better_logp",
    worse: SignalName = "worse_logp",
    by: SignalName = "correct",
    ref: SignalName = "ref_logp",
) -> Apart:
    """DPO + alpha w sum_t -beta r_t log pi of both rows, w = sigmoid(-beta h).

    r = sigmoid(log-prob `better` - log-prob `worse`) - 1/2: the token's reward, as two
    signals tell it. (T-REG, arXiv 2412.02685)
    """

    def loss(stats: TokenStats, rollout: Rollout, read: Read) -> tuple[Sum, Metrics]:
        rate, pull = coefficient(beta, rollout), coefficient(alpha, rollout)
        rows = rows_of(stats, rollout, ref)
        token = preference.contrast_reward(
            inside(rollout, better), inside(rollout, worse)
        )
        pulls = masked.by_prompt(masked.total(token * rows.logp, rows.mask), rollout)
        ratio = masked.by_prompt(preference.log_ratio(rows), rollout)
        gap, both = gap_of(ratio, ratio), pulls[:, :, None] + pulls[:, None]
        pairs = WHICH["all"](*scored(rollout, by))
        return told("t_reg", preference.t_reg_loss(gap, both, rate, pull), gap, pairs)

    return Apart(loss)


def step_dpo(
    beta: Coefficient = 0.1,
    by: SignalName = "correct",
    node: SignalName = "node",
    steps: Static[int] = 32,
    weight: Coefficient = 1.0,
    ref: SignalName = "ref_logp",
) -> Apart:
    """DPO of steps that follow one node of a tree, the better against the worse.

    A step is worth the mean of `by` over the rows that pass through it, an outcome or a
    score of steps; only its own tokens are moved: what siblings share has no gradient.
    `node` is the signal of the tree; steps beyond `steps` of a row are left out.
    (SPORT, arXiv 2504.21561; by a critic's score, SWEET-RL, arXiv 2503.15478)
    """

    def loss(stats: TokenStats, rollout: Rollout, read: Read) -> tuple[Sum, Metrics]:
        rows, rate = rows_of(stats, rollout, ref), coefficient(beta, rollout)
        count = min(steps, rollout.mask.shape[1])
        tree = steps_of(
            rollout.signal(node), *scored_steps(rollout, by, count), rollout
        )
        ratio = sum_of_steps(rows.logp - rows.ref_logp, rollout, count)
        units = masked.by_prompt(ratio, rollout).reshape(tree.score.shape)
        gap = gap_of(units, units)
        each = preference.dpo_loss(gap, rate)
        return told("step_dpo", each, gap, siblings(tree))

    return Apart(loss, weight)


def cream(
    beta: Coefficient = 0.1,
    before: SignalName = "previous_logp",
    weight: Coefficient = 1.0,
    ref: SignalName = "ref_logp",
) -> Apart:
    """-C log sigmoid(beta h) - (1 - C) log sigmoid(-beta h) of the best and worst row.

    Rows are ranked by the policy that sampled them, log(pi_old / ref); C in [0, 1] is
    how far `before`, the log-probs of an earlier policy, ranks the prompt's rows alike
    (Kendall's tau). No outcome is read. (CREAM, arXiv 2410.12735)
    """

    def loss(stats: TokenStats, rollout: Rollout, read: Read) -> tuple[Sum, Metrics]:
        rows, rate = rows_of(stats, rollout, ref), coefficient(beta, rollout)
        old = rows._replace(logp=rollout.logp)
        earlier = rows._replace(logp=inside(rollout, before))
        now, then, ratio = (
            masked.by_prompt(preference.log_ratio(x), rollout)
            for x in (old, earlier, rows)
        )
        there = masked.by_prompt(jnp.any(rollout.mask, axis=1), rollout)
        alike = jax.vmap(creams.kendall_consistency)(now, then, there)
        gap, pairs = gap_of(ratio, ratio), best_and_worst(now, there)
        each = creams.consistency_loss(rate * gap, alike[:, None, None])
        total, metrics = told("cream", each, gap, pairs)
        return total, {
            **metrics,
            "cream/consistency": masked.sum_of(alike, alike == alike),
        }

    return Apart(loss, weight)


def optimism(weight: Coefficient, ref: SignalName = "") -> Apart:
    """weight (log pi - log ref) of whole sampled rows, made small: away from the drawn.

    Mean over rows. Beside `dpo` it is SELM (arXiv 2405.19332) with `weight` alpha beta,
    whose rows are drawn by the reference: the policy of the iteration before.
    """

    def loss(stats: TokenStats, rollout: Rollout, read: Read) -> tuple[Sum, Metrics]:
        ratio = preference.log_ratio(rows_of(stats, rollout, ref))
        total = masked.sum_of(ratio, jnp.any(rollout.mask, axis=1))
        return total, {"optimism/log_ratio": lax.stop_gradient(total)}

    return Apart(loss, weight)


def _rows_apart(
    name: str, of: OfGap, by: str, which: str, ref: str, weight: Coefficient
) -> Apart:
    if which not in WHICH:
        raise ValueError(f"{name}: which={which!r}; have {', '.join(WHICH)}")

    def loss(stats: TokenStats, rollout: Rollout, read: Read) -> tuple[Sum, Metrics]:
        ratio = masked.by_prompt(
            preference.log_ratio(rows_of(stats, rollout, ref)), rollout
        )
        gap, pairs = gap_of(ratio, ratio), WHICH[which](*scored(rollout, by))
        return told(name, of(gap, rollout), gap, pairs)

    return Apart(loss, weight)
