"""What a reward model learns of pairs: terms, joined by `|`, which add up.

    reward_model(loss=bradley_terry(smoothing=0.1) | centring(0.01))

A term sees the pairs of a part of the batch and gives a `Sum`; those that only punish
count no pairs, so that the whole is divided by the number of pairs.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from rewardlab.core import masked
from rewardlab.core.types import Sum
from rewardlab.reward_models import bradley_terry as pair
from rewardlab.reward_models.length_heads import squared_rewards

Number = float | Float[Array, ""]
Scores = Float[Array, "..."]


class Pairs(NamedTuple):
    """Scores of who was preferred and of whom they beat, one axis or more of pairs.

    `weight` is 0 where there is no pair; `strength` how far apart their labels are;
    `tie` the weight of a pair of which neither is better; `logp` the log-prob of the
    chosen row under the reward model's own language model, if it has one.
    """

    chosen: Scores
    rejected: Scores
    weight: Scores
    strength: Scores | float = 1.0
    tie: Scores | float = 0.0
    logp: Scores | None = None


Term = Callable[[Pairs], Sum]
Loss = Term | Sequence[Term]


def total(loss: Loss, pairs: Pairs) -> Sum:
    """The terms of a loss, added up: their values, and their counts."""
    terms = loss if isinstance(loss, Sequence) else (loss,)
    sums = [term(pairs) for term in terms]
    return Sum(sum(s.value for s in sums), sum(s.count for s in sums))  # type: ignore


def bradley_terry(
    smoothing: float = 0.0, margin: float = 0.0, weight: float = 1.0
) -> Term:
    """w (-(1 - c) log sigmoid(d) - c log sigmoid(-d)), d = r_chosen - r_rejected - m s.

    smoothing 0, margin 0: d = 0 -> 0.693; d = 2 -> 0.127. The margin is `margin` times
    the strength s of the preference (HelpSteer2, arXiv 2410.01257); GRM's code smooths
    by c = 0.1.
    """

    def each(pairs: Pairs) -> Scores:
        lead = pairs.chosen - margin * pairs.strength
        return pair.soft_pair_loss(lead, pairs.rejected, jnp.asarray(1 - smoothing))

    return _of_pairs(each, weight)


def focal(gamma: float = 2.0) -> Term:
    """-(1 - p)^gamma log sigmoid(d), p = 2 max(sigmoid(d) - 1/2, 0): sure pairs rest.

    d = 0 -> 0.693; d = 2 -> 0.007. (InternLM2, arXiv 2403.17297)
    """
    return _of_pairs(lambda x: pair.focal_loss(x.chosen, x.rejected, gamma))


def scaled() -> Term:
    """-s log sigmoid(d): a pair counts by its strength s (HelpSteer2)."""
    return _of_pairs(lambda x: x.strength * pair.pair_loss(x.chosen, x.rejected))


def neutral(weight: float = 1.0) -> Term:
    """-w/2 (log sigmoid(d) + log sigmoid(-d)) of pairs that are ties: least at d = 0.

    Ties count as pairs. Crome (arXiv 2506.16507, w 1) makes ties of answers to another
    question; here they are rows of a prompt with equal labels.
    """

    def term(pairs: Pairs) -> Sum:
        each = pair.soft_pair_loss(pairs.chosen, pairs.rejected, jnp.asarray(0.5))
        return Sum(weight * jnp.sum(pairs.tie * each), jnp.sum(pairs.tie * 1.0))

    return term


def centring(weight: float = 0.01) -> Term:
    """w (r_chosen + r_rejected)^2: holds the mean of a pair near 0 (TRL, w 0.01)."""
    return _punishing(lambda x: weight * pair.centring(x.chosen, x.rejected))


def squares(weight: float = 0.001) -> Term:
    """w (r_chosen^2 + r_rejected^2) / 2: holds both near 0.

    Open-Assistant has w 0.001, PAR's "Reg" 0.005 without the half (w 0.01 here).
    """
    half = lambda x: squared_rewards(x.chosen, x.rejected) / 2  # noqa: E731
    return _punishing(lambda x: weight * half(x))


def barrier(weight: float = 0.01) -> Term:
    """-w (log(5 - r) + log(r + 5)) of both: holds them between -5 and 5 (POLAR)."""

    def each(pairs: Pairs) -> Scores:
        return weight * (
            pair.log_barrier(pairs.chosen) + pair.log_barrier(pairs.rejected)
        )

    return _punishing(each)


def lift(weight: float = 0.1) -> Term:
    """-w log sigmoid(mean of r_chosen), once a part: who is chosen is above 0.

    The mean is over the pairs of a device's micro-batch, as in GRM's code; so this one
    term depends on how a batch is cut.
    """

    def term(pairs: Pairs) -> Sum:
        there = jnp.broadcast_to(pairs.weight, pairs.chosen.shape)
        count = jnp.sum(there)
        mean = masked.safe_divide(jnp.sum(there * pairs.chosen), count)
        return Sum(weight * count * pair.lift_loss(mean), jnp.zeros(()))

    return term


def text(weight: float = 0.01, beta: float = 0.1) -> Term:
    """-w log sigmoid(beta log pi(chosen row)): the model stays one of language.

    For `trunk=own_trunk()`, beside `bradley_terry(weight=0.99)`. (GRM, arXiv
    2406.10216, its variant "sft")
    """

    def each(pairs: Pairs) -> Scores:
        if pairs.logp is None:
            raise ValueError(
                "text() keeps a reward model's own language model, and this one has "
                "none; write trunk=own_trunk()"
            )
        return weight * pair.text_loss(pairs.logp, beta)

    return _punishing(each)


def _of_pairs(each: Callable[[Pairs], Scores], weight: Number = 1.0) -> Term:
    def term(pairs: Pairs) -> Sum:
        loss = jnp.where(pairs.weight > 0, pairs.weight * each(pairs), 0)
        there = jnp.broadcast_to(pairs.weight, loss.shape)
        return Sum(weight * jnp.sum(loss), jnp.sum(there * 1.0))

    return term


def _punishing(each: Callable[[Pairs], Scores]) -> Term:
    term = _of_pairs(each)
    return lambda pairs: Sum(term(pairs).value, jnp.zeros(()))


# Words that stand in the brackets of a reward model, after `loss=`.
PAIR_LOSSES: dict[str, Callable[..., Any]] = {
    "barrier": barrier,
    "bradley_terry": bradley_terry,
    "centring": centring,
    "focal": focal,
    "lift": lift,
    "neutral": neutral,
    "scaled": scaled,
    "squares": squares,
    "text": text,
}


def of_members(loss: Loss, pairs: Pairs) -> Sum:
    """The loss of K members, whose pairs lie along a first axis of every array.

    The gradient of a member is that of its own mean.
    """
    each = jax.vmap(lambda own: total(loss, own))(pairs)
    return Sum(jnp.sum(each.value), jnp.mean(each.count))
