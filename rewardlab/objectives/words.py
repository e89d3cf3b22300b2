"""The words of `loss`, and how a sentence of them becomes an objective.

    clipped(epsilon=0.2, epsilon_high=0.28) | kl(beta=0.04) | token_mean()

One policy loss stands first, then the terms that are added to it and the masks that
leave rows out, and last the average. After it, or alone, there may be losses apart,
which have a count of their own: `clipped() | token_mean() | dpo(beta=0.1)`.
A word is a function of its own numbers; a number may be a schedule. To add one, write
its file, its line in the table here, and its test.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Bool

from rewardlab.core.grammar import shown
from rewardlab.core.ranges import is_number
from rewardlab.core.sentence import Language, build, fill, parse
from rewardlab.core.signatures import bound_of, signature_of
from rewardlab.core.tree import PIPE, Tree, spell
from rewardlab.core.types import Rollout
from rewardlab.models.logprobs import TokenStats
from rewardlab.objectives.aggregation import (
    constant,
    constant_non_empty,
    sequence_mean,
    sequence_mean_all,
    sequence_sum,
    sequence_sum_all,
    token_mean,
)
from rewardlab.objectives.apart import Apart, Together
from rewardlab.objectives.cispo import cispo
from rewardlab.objectives.clipped import clipped
from rewardlab.objectives.correction import mask_off_policy, rejecting
from rewardlab.objectives.covariance import clip_cov, kl_cov
from rewardlab.objectives.dppo import dppo, dppo_ratio, dppo_top_k
from rewardlab.objectives.environment import predict_environment
from rewardlab.objectives.gmpo import gmpo
from rewardlab.objectives.guided import guided
from rewardlab.objectives.kl import kl
from rewardlab.objectives.likelihood import entropy_bonus, explain, positive_nll
from rewardlab.objectives.masks import MASKS, Mask
from rewardlab.objectives.objective import Aggregation, Loss, Objective, objective
from rewardlab.objectives.pair_losses import (
    cream,
    dpo,
    hinge,
    ipo,
    optimism,
    step_dpo,
    t_reg,
    tgdpo,
)
from rewardlab.objectives.reinforce import reinforce
from rewardlab.objectives.rover import rover
from rewardlab.objectives.sapo import sapo
from rewardlab.objectives.self_verdict import self_verdict
from rewardlab.objectives.sequence import LONGER
from rewardlab.objectives.steer import steer, steer_exponential
from rewardlab.objectives.vespo import vespo

USUAL = "clipped(epsilon=0.2) | token_mean()"  # PPO's, of a method that says no other

SURROGATES: dict[str, Callable[..., Loss]] = {
    "clipped": clipped,
    **LONGER,
    "cispo": cispo,
    "sapo": sapo,
    "gmpo": gmpo,
    "clip_cov": clip_cov,
    "kl_cov": kl_cov,
    "dppo": dppo,
    "dppo_ratio": dppo_ratio,
    "dppo_top_k": dppo_top_k,
    "mask_off_policy": mask_off_policy,
    "steer": steer,
    "steer_exponential": steer_exponential,
    "vespo": vespo,
    "reinforce": reinforce,
    "rover": rover,
    "guided": guided,
}
TERMS: dict[str, Callable[..., Loss]] = {
    "kl": kl,
    "entropy_bonus": entropy_bonus,
    "self_verdict": self_verdict,
    "positive_nll": positive_nll,
    "explain": explain,
}
AGGREGATIONS: dict[str, Callable[..., Aggregation]] = {
    "token_mean": token_mean,
    "sequence_mean": sequence_mean,
    "sequence_mean_all": sequence_mean_all,
    "sequence_sum": sequence_sum,
    "sequence_sum_all": sequence_sum_all,
    "constant": constant,
    "constant_non_empty": constant_non_empty,
}
APART: dict[str, Callable[..., Apart]] = {
    "dpo": dpo,
    "ipo": ipo,
    "hinge": hinge,
    "tgdpo": tgdpo,
    "t_reg": t_reg,
    "step_dpo": step_dpo,
    "cream": cream,
    "optimism": optimism,
    "predict_environment": predict_environment,
}
LOSSES: dict[str, Callable[..., Any]] = {
    **SURROGATES,
    **TERMS,
    **MASKS,
    **AGGREGATIONS,
    **APART,
}


def joined(*parts: Any) -> Objective:
    """A policy loss, terms, masks and an average, and losses apart: one objective."""
    apart = tuple(part for part in parts if isinstance(part, Apart))
    rest = [part for part in parts if not isinstance(part, Apart)]
    policy = _policy(*rest) if rest else None
    if policy is None or apart:
        return Together(policy, apart)
    return policy


def _policy(*parts: Any) -> Objective:
    *words, average = parts
    masks = [word for word in words if isinstance(word, Mask)]
    losses = [word for word in words if not isinstance(word, Mask)]
    whole = objective(*losses, aggregate=average)
    if not masks:
        return whole

    def keep(stats: TokenStats, rollout: Rollout) -> Bool[Array, "N T"]:
        kept = (mask.keep(stats, rollout) for mask in masks)
        return functools.reduce(jnp.logical_and, kept)

    return rejecting(whole, keep)


LOSS = Language("word of a loss", LOSSES, joined)


def loss_tree(text: str) -> Tree:
    """The tree of a loss, its words in their order; `ValueError` for any other text.

    A word of yours, `package.module:word`, may stand for any kind, or alone, for a
    whole `Objective`.
    """
    tree = parse(text, LOSS)
    first, *rest = names = [part.word for part in tree.parts]
    if all(name in APART for name in names):
        return Tree(PIPE, joined, tree.parts)
    if first not in LOSSES and not rest:
        return tree
    if first in {*TERMS, *MASKS, *AGGREGATIONS, *APART}:
        raise ValueError(
            f"the loss {shown(text)} must begin with a policy loss, one of "
            f"{', '.join(SURROGATES)}, or consist of losses apart, {', '.join(APART)}"
        )
    if two := [name for name in rest if name in SURROGATES]:
        raise ValueError(
            f"the loss {shown(text)} has two policy losses, {first} and {two[0]}; "
            "leave one out"
        )
    ends = [i for i, name in enumerate(names) if name in AGGREGATIONS]
    last = ends[0] if ends else len(names)
    if names[-1] not in LOSSES and not ends:  # a word of yours may be the average
        last = len(names) - 1
    late = [name for name in names[last + 1 :] if name in {*TERMS, *MASKS}]
    early = [name for name in names[:last] if name in APART]
    if len(ends) > 1 or late or early or last == len(names):
        raise ValueError(
            f"the loss {shown(text)} must end with its average, one of "
            f"{', '.join(AGGREGATIONS)}, and have it nowhere else; only losses apart, "
            f"{', '.join(APART)}, stand after it"
        )
    return tree


def build_loss(text: str, **hp: Any) -> Objective:
    """The objective that a sentence says, with the values of its bare names in `hp`."""
    tree = fill(loss_tree(text), hp)
    refuse_reversed(tree)
    return build(tree)


def arguments_of(word: Tree) -> dict[str, Any]:
    """Of a word by name, those that it leaves out too; a named value is its value."""
    bound = bound_of(word.make, word.args, word.kwargs)
    bound.apply_defaults()
    return {k: getattr(x, "value", x) for k, x in bound.arguments.items()}


def refuse_reversed(tree: Tree) -> None:
    """`ValueError` for bounds of a word that are the wrong way round."""
    for word in tree.parts:
        now = arguments_of(word)
        for low, high in (("cov_low", "cov_high"), ("w_min", "w_max")):
            if is_number(now.get(low)) and is_number(now.get(high)):
                if now[low] > now[high]:
                    said = f"{low}={now[low]} is above {high}={now[high]}"
                    raise ValueError(f"{word.word}: {said}; lower it")


def spelled(tree: Tree) -> str:
    """The sentence with every number that acts: those that it leaves out, too."""
    return " | ".join(map(_spelled, tree.parts))


def _spelled(word: Tree) -> str:
    said = bound_of(word.make, word.args, word.kwargs).arguments
    texts = {
        name: spell(said.get(name, parameter.default))
        for name, parameter in signature_of(word.make).parameters.items()
        if name in said or isinstance(parameter.default, float)
    }
    return f"{word.word}({', '.join(f'{k}={v}' for k, v in texts.items())})"
