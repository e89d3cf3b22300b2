"""Which rows and prompts are learned from: filters, weights, replay, curricula."""

import jax
import jax.numpy as jnp
import numpy as np

from golden_adapters.common import (
    NoAdapter,
    advantages,
    as_array,
    groups,
    per_row,
    rollout_of,
    sentence,
    values,
)
from rewardlab.core import masked
from rewardlab.core.schedules import cosine
from rewardlab.selection import consistency, curriculum, filtration, replay
from rewardlab.selection import groups as of_groups
from rewardlab.transforms.sources.ranking import dominated, peak_mean

GROUP_STD, INFORMATIVE, SOLVE_RATE = (
    jax.jit(f, static_argnums=2)
    for f in (of_groups.group_std, of_groups.informative, of_groups.solve_rate)
)


def dynamic_sampling(inputs, hyper):
    """Groups by id; what is kept is told by id and by row."""
    metric = np.asarray(inputs["metric"], inputs.get("dtype", "float64"))
    group = groups(inputs["uid"])
    names = list(dict.fromkeys(inputs["uid"]))
    index = groups([*names, *inputs["uid"]])[: len(names)]
    reward, rows, count = as_array(metric), group, len(names)
    std = np.asarray(GROUP_STD(reward, rows, count))
    out = {"std": {str(n): std[i] for n, i in zip(names, index, strict=True)}}
    levels = {
        "kept_uids": hyper.get("threshold", 0.0),
        "kept_uids_threshold_0.3(UI-S1)": hyper.get("ui_s1_threshold", 0.3),
    }
    for label, least in levels.items():
        keep = np.asarray(INFORMATIVE(reward, rows, count, least))
        equal = [len(set(metric[group == i])) == 1 for i in range(count)]
        leaks = [np.std(metric[group == i]) > least for i in range(count)]
        if np.any(np.logical_and(equal, leaks)):
            raise NoAdapter("equal rewards are never kept; there they are, by rounding")
        out[label] = [n for n, i in zip(names, index, strict=True) if keep[i]]
        if label == "kept_uids":
            out["kept_rows"] = np.nonzero(keep[group])[0]
    return out


def prof(inputs, hyper):
    """Kept rows by group in order of appearance: right ones, then wrong ones."""
    padded = inputs.get("step_values_pad_minus99")
    padded = inputs["step_prm_values(-99=pad)"] if padded is None else padded
    score, outcome = as_array(padded), np.asarray(inputs["outcome"], float)
    valid = score != -99
    uid = inputs.get("uid")
    if uid is None:
        uid = np.arange(len(outcome)) // inputs.get("group_size", len(outcome))
    order = list(dict.fromkeys(list(uid)))
    group = np.array([order.index(u) for u in uid])
    right, wrong = outcome == 1, outcome == 0
    center = inputs.get("center", hyper.get("center"))
    agree = jax.jit(consistency.step_consistency)(score, valid, right, center)
    steps = np.sum(valid, axis=1)
    charge = inputs.get("len_step_reward_coef", inputs.get("len_step_coef", 10.0))
    critic = agree + consistency.length_charge(steps, charge)
    keep = jax.jit(consistency.keep_consistent, static_argnums=(4, 5))
    kept = keep(critic, right, wrong, group, len(order), inputs["n_remove"])
    told = np.lexsort((np.asarray(critic), outcome == 0, group))
    return {
        "consistency": agree,
        "n_steps": steps,
        "kept_indices": [i for i in told if kept[i]],
    }


def rapo(inputs, hyper):
    """A row of rewards a prompt."""
    rewards = np.asarray(inputs["rewards[B,G]"], float)
    count, group = len(rewards), np.repeat(np.arange(len(rewards)), rewards.shape[1])
    flat = rewards.ravel()
    rollout = rollout_of(per_row(flat), group=group, correct=flat)
    reward = as_array(flat)
    rate = SOLVE_RATE(reward, group, count)
    return {
        "advantages": advantages(sentence("rapo"), rollout).reshape(rewards.shape),
        "informative": GROUP_STD(reward, group, count) > 0,
        "solve_rate": rate,
        "prune": of_groups.solved(rate, hyper.get("prune_at", 0.9)),
    }


def pf_ppo_original(inputs, hyper):
    """One best and one worst row a prompt."""
    reward, group = as_array(inputs["rewards"]), jnp.asarray(groups(inputs["prompts"]))
    count = int(group.max()) + 1
    best = filtration.best_of_group(reward, group, count)
    worst = filtration.worst_of_group(reward, group, count)
    return {
        "pow2": filtration.power_weights(reward, 2),
        "best_worst": filtration.best_worst_weights(best, worst),
        "best_random": filtration.best_random_weights(best),
    }


def pf_ppo_verl(inputs, hyper):
    """The whole batch is one group, all ties count, and 1e-8 is added."""
    score = as_array(inputs["scores"])
    group = jnp.zeros(len(score), int)
    best = filtration.best_of_group(score, group, 1, all_ties=True)
    worst = filtration.worst_of_group(score, group, 1, all_ties=True)
    power = hyper.get("weight_pow", 2.0)
    kinds = {f"pow_{p}": filtration.power_weights(score, p) for p in (power, 1.0)}
    kinds[f"max_min_{power}"] = filtration.best_worst_weights(best, worst)
    kinds[f"max_random_{power}"] = filtration.best_random_weights(best)
    out = {}
    for name, weight in kinds.items():
        weight = weight + 1e-8
        out[name] = {"weights": weight, "probabilities": weight / weight.sum()}
    return out


def r3_entropy(inputs, hyper):
    """One group; a row's entropies beyond its length are not read."""
    entropy, lengths = inputs["token_entropy"], np.asarray(inputs["lengths"])
    width = max(len(row) for row in entropy)
    mask = np.arange(width) < lengths[:, None]
    entropy = [[*row, *[0.0] * (width - len(row))] for row in entropy]
    rollout = rollout_of(mask, entropy=entropy)
    there = jnp.any(rollout.mask, axis=1)
    peak = peak_mean(rollout.signals["entropy"], rollout.mask, inputs["p"])
    calm = masked.row_mean(rollout.signals["entropy"], rollout.mask)
    wins = dominated(peak, calm, rollout, there)
    text = f"entropy_ranking('entropy', share={inputs['p']}, best={inputs['R_max']})"
    reward = values(text, rollout).sum(1)
    rank = np.argsort(np.argsort(-np.asarray(wins), kind="stable"), kind="stable")
    return {
        "E_peak": peak,
        "E_global": calm,
        "dominates": wins,
        "rank": rank,
        "reward": reward,
    }


def r3_mixed(inputs, hyper):
    """Replayed rows are rows of the group; alpha std + lambda = alpha (std + eps)."""
    rewards = [*inputs["rewards"], *inputs["replayed_rewards"]]
    alpha, floor = inputs["alpha"], inputs["lambda"]
    rollout = rollout_of(per_row(rewards), correct=rewards)
    scale = f"scale_by_group_std(eps={floor / alpha}, ddof=0)" if alpha else ""
    weight = f"weighted_sum(correct={1 / (alpha or floor)})"
    parts = ["outcome('correct')", "center_by_group()", scale, weight]
    text = " | ".join(p for p in parts if p)
    return {"advantages": advantages(text, rollout)[:, 0]}


def vspo(inputs, hyper):
    """One task."""
    reward = as_array(inputs["rewards"])
    group = jnp.zeros(len(reward), int)
    value = of_groups.task_value(reward, group, 1, inputs["R_max"])
    return {"task_value": value[0]}


def spear_replay(inputs, hyper):
    """Medians of the past; only rows above 0 are kept."""
    mask = np.asarray(inputs["response_mask"], bool)
    means = as_array(inputs["group_mean_history"])
    stds = as_array(inputs["group_std_history"])
    past = stds if inputs["norm_by_std"] else None
    score = as_array(inputs["buffer_scores"])
    worth = replay.recalibrated(score, means, past, hyper.get("eps", 1e-6))
    spread = np.where(mask, np.asarray(worth)[:, None], 0)
    return {
        "mean_p50": jnp.median(means),
        "std_p50": jnp.median(stds),
        "advantages": spread,
        "kept": replay.worth_storing(as_array(spread), jnp.asarray(mask)),
    }


def spear_schedules(inputs, hyper):
    """The replay's weight rises as the tool bonus falls."""
    now = jnp.asarray(inputs["step"])
    return {
        "replay_loss_weight": cosine(0, inputs.get("coef", 1), inputs["T_replay"])(now),
        "toolcall_ratio": {
            "none": 0.0,
            "constant": 1.0,
            "cosine": cosine(1, 0, inputs["T_tool"])(now),
        },
    }


def vla_rl(inputs, hyper):
    """The chance of each task."""
    rate = as_array(inputs["success_rate"])
    return {"p": curriculum.easiest_last(rate, inputs["tau"])}


def score_bonus(inputs, hyper):
    """Two attempts are two steps of a row."""
    attempts = np.stack([inputs["r1"], inputs["r2"]], axis=1).astype(float)
    n = len(attempts)
    rollout = rollout_of(
        np.ones((n, 2)), step=np.tile([0, 1], (n, 1)), attempt=attempts
    )
    text = f"process('attempt') | improvement_bonus({inputs['alpha']})"
    reward = values(text, rollout)
    return {
        "stage2_second_attempt_reward": reward[:, 1],
        "stage2_return": reward.sum(1),
    }


ADAPTERS = {
    "dapo_dynamic_sampling": dynamic_sampling,
    "prof": prof,
    "prof_filter": prof,
    "rapo": rapo,
    "pf_ppo_original_weights": pf_ppo_original,
    "pf_ppo_verl_weights": pf_ppo_verl,
    "r3_structural_entropy": r3_entropy,
    "r3_mixed_advantage": r3_mixed,
    "vspo_value": vspo,
    "spear_recalibration": spear_replay,
    "spear_schedules": spear_schedules,
    "vla_rl_curriculum": vla_rl,
    "score_bonus": score_bonus,
}
