"""iStar, whose reference rows are steps: here they are rows of steps."""

import jax.numpy as jnp
import numpy as np

from golden_adapters.common import (
    advantages,
    as_array,
    groups,
    rollout_of,
    sentence,
    values,
)
from rewardlab.core import masked
from rewardlab.reward_models import implicit, pairs


def _bools(x):
    return np.asarray(x, bool)


def _mean(loss):
    return masked.mean(loss, jnp.ones(loss.shape, bool))


def _trajectories(inputs, with_ends):
    """Rows of steps as rows of trajectories, and the way back.

    `with_ends` gives each step one more token, on which a step without tokens can hold
    its reward.
    """
    mask = _bools(inputs["mask"])
    names = list(zip(inputs["uid"], inputs["traj_uid"], strict=True))
    whose = [list(dict.fromkeys(names)).index(name) for name in names]
    turn = [whose[:i].count(row) for i, row in enumerate(whose)]
    rows, turns, width = max(whose) + 1, max(turn) + 1, mask.shape[1] + 1

    def lay(x, end=0.0):
        out = np.zeros((rows, turns, width))
        out[whose, turn, :-1] = x
        out[whose, turn, -1] = end
        return out.reshape(rows, -1)

    uid = dict(zip(whose, inputs["uid"], strict=True))
    episode = np.zeros((rows, turns))
    episode[whose, turn] = inputs["episode_reward_per_step_row"]
    rollout = rollout_of(
        lay(mask, with_ends),
        group=groups([uid[row] for row in range(rows)]),
        step=np.tile(np.arange(turns).repeat(width), (rows, 1)),
        logp=lay(inputs["old_policy_logprobs"]),
        prm_logp=lay(inputs["prm_logprobs"]),
        correct=episode[:, 0],
        episode=episode,
    )

    def back(x):
        found = np.asarray(x).reshape(rows, turns, width)[whose, turn, :-1]
        return np.where(mask, found, 0)

    return rollout, back


def istar(inputs, hyper):
    """The estimators of iStar's code, and the losses of its reward model."""
    tokens, cut = _trajectories(inputs, False)
    rollout, back = _trajectories(inputs, True)
    beta, alpha = inputs["beta"], inputs["step_advantage_w"]
    hp, keep = {"eps": 1e-6 / beta}, "center_by_first_steps(keep_singletons=True)"
    scores = "log_ratio('prm_logp', ref='') | return_from_step(discount=0)"
    scaled = f"{scores} | scale_by_greatest(eps=eps)"
    rloo = sentence("oprl", center_by_first_steps=keep)
    std = "scale_by_first_steps_std(eps=1e-6)"
    both = "process('episode') | weighted_sum(episode=1, prm_logp=alpha)"
    spread = "step_returns_to_go(discount=0)"
    one = f"{scaled} | {both} | {keep} | scale_to_leave_one_out() | {spread}"
    process = rloo.replace("correct=1", "correct=0")
    texts = {
        "rloo": rloo,
        "rloo_process_only": process,
        "rloo_combined_reward": one,
        "grpo_mean": rloo.replace(" | scale_to_leave_one_out()", ""),
        "grpo_mean_std": rloo.replace("scale_to_leave_one_out()", std),
    }
    out = {
        name: back(advantages(text, rollout, alpha=alpha, **hp))
        for name, text in texts.items()
    }
    raw = f"{scores} | weighted_sum(prm_logp={beta})"
    return {
        **out,
        "step_score_raw": cut(values(raw, tokens)),
        "step_score_normalized": cut(values(scaled, tokens, **hp)),
        "reinforce_pp_baseline": _whitened(inputs, rloo, hp),
        **_istar_losses(inputs),
    }


def _whitened(inputs, rloo, hp):
    """Both parts centred on rows that hold even empty steps, then whitened apart."""
    rollout, back = _trajectories(inputs, True)
    centred = rloo.replace(" | scale_to_leave_one_out()", "")
    names, parts = ("correct", "prm_logp"), {}
    for name in names:
        weights = ", ".join(f"{n}={int(n == name)}" for n in names)
        text = centred.replace("correct=1, prm_logp=alpha", weights)
        parts[name] = back(advantages(text, rollout, **hp))
    text = "dense('correct') | dense('prm_logp') | whiten()"
    text += f" | weighted_sum(correct=1, prm_logp={inputs['step_advantage_w']})"
    return advantages(text, rollout_of(inputs["mask"], **parts))


def _istar_losses(inputs):
    """The released loss has the mean over steps where the paper has the sum."""
    rollout, _ = _trajectories(inputs, False)
    beta, success = inputs["beta"], rollout.signals["correct"] > 0
    prm, logp = rollout.signals["prm_logp"], rollout.logp
    reward = implicit.implicit_reward(prm, logp, rollout.mask, beta)
    names = list(zip(inputs["uid"], inputs["traj_uid"], strict=True))
    steps = as_array([names.count(name) for name in dict.fromkeys(names)])
    paper, released = (
        pairs.trajectory_dpo(r, success, rollout.group)
        for r in (reward, reward / steps)
    )
    step = implicit.implicit_reward(
        as_array(inputs["prm_logprobs"]),
        as_array(inputs["old_policy_logprobs"]),
        jnp.asarray(_bools(inputs["mask"])),
        beta,
    )
    label = as_array(inputs["episode_reward_per_step_row"])
    return {
        "trajectory_dpo_loss": released.mean(),
        "paper_trajectory_dpo_loss_sum_over_steps": paper.mean(),
        "ce_loss": _mean(implicit.cross_entropy(step, label)),
    }


ADAPTERS = {"oprl_istar": istar}
LOOSE_64 = {"oprl_istar": (1e-7, "its masked means divide by count + 1e-8")}
