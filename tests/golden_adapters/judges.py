"""Judges: P(yes), votes over draws, what a verifier earns, pairs without a place."""

import jax.numpy as jnp
import numpy as np

from golden_adapters.common import (
    NoAdapter,
    as_array,
    channels,
    only,
    per_row,
    rollout_of,
)
from rewardlab.reward_models import judging
from rewardlab.reward_models.laser import class_weights
from rewardlab.scorers.asking import log_chances


def judge(inputs, hyper):
    """Each kind is another reading; the code's quirk of a top k is not ours."""
    kinds = {
        "yes_no": _yes_no,
        "votes": _votes,
        "verifier_reward": _verifier,
        "pair_judge": _pairs,
        "referee_rank": _ranks,
    }
    if inputs["kind"] not in kinds:
        raise NoAdapter(f"a judge of the kind {inputs['kind']}")
    return kinds[inputs["kind"]](inputs)


def _yes_no(inputs):
    logits = as_array(inputs["logits"])
    ids = (inputs["no"], inputs["yes"])  # from the worst to the best
    logp = jnp.stack(log_chances(logits, ids), axis=-1)
    return {
        "score": judging.grade(logp),
        "log_odds": judging.log_odds(logp),
        "raw_yes_probability": jnp.exp(logp[..., 1]),
    }


def _votes(inputs):
    score = as_array(inputs["score"])
    mask = np.asarray(inputs["step_mask"]) > 0
    count, draws = judging.flaws(score, jnp.asarray(mask)), len(score)

    def voted(most):
        """The vote as the sentence takes it."""
        rollout = rollout_of(per_row(count.reshape(-1)), flaws=count.reshape(-1))
        text = f"outcome('flaws') | on('flaws', indicator_ge({most}))"
        (reward,) = channels(text, rollout).values()
        return only(mask, np.asarray(reward.value).reshape(mask.shape))

    return {
        "mean": only(mask, jnp.mean(score, axis=0)),
        "share_wrong": only(mask, count / draws),
        "majority_wrong": voted(draws // 2 + 1),
        "all_wrong": voted(draws),
        "best_of_draws": judging.least_step(score, jnp.asarray(mask)),
    }


def _verifier(inputs):
    correct = as_array(inputs["correct"])
    verdict = jnp.asarray(inputs["verdict"]).astype(int)
    counts = jnp.ones(correct.shape, bool)
    told = judging.agreement(verdict, correct, counts)
    return {
        "reward": judging.verifier_reward(verdict, correct, inputs["rule"]),
        "balanced_weight": class_weights(correct, counts),
        **{name: x.mean() for name, x in told.items()},
    }


def _pairs(inputs):
    """Both orders of every pair, and how often each then wins."""
    (table,) = [x for k, x in inputs.items() if k != "kind" and np.ndim(x) == 2]
    p = judging.debiased(as_array(table))
    off = ~np.eye(len(p), dtype=bool)
    rate = jnp.mean(p, axis=1, where=jnp.asarray(off))
    names = ("beats", "preference", "p", "P", "table", "debiased")
    return {**dict.fromkeys(names, p), "win_rate": rate}


def _ranks(inputs):
    """Kendall's tau-a of a referee's scores."""
    score, truth = [x for k, x in inputs.items() if k != "kind"][:2]
    score, truth = as_array(score), as_array(truth)
    same = jnp.zeros(score.shape, int)
    told = judging.rank_agreement(score, truth, same == 0, same)
    return {"kendall_tau": told["tau"].mean()}


ADAPTERS = {"learned_judge": judge}
