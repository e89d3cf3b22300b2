"""PURE's two released codes."""

import numpy as np

from golden_adapters.common import (
    advantages,
    groups,
    rollout_of,
    sentence,
    values,
)


def openrlhf(inputs, hyper):
    """Two kinds of case in one file."""
    kinds = {"softmin": _softmin, "rloo_openrlhf": _rloo}
    return kinds[inputs["kind"]](inputs, hyper)


def _softmin(inputs, hyper):
    """A step's score is the difference of its two class probabilities."""
    logits = np.asarray(inputs["logits"], float)
    score = np.tanh((logits[..., 1] - logits[..., 0]) / 2)
    mask = np.asarray(inputs["step_mask"], bool)
    step = np.where(mask, np.arange(mask.shape[1]), -1)
    rollout = rollout_of(mask, step=step, prm=score)
    heat = f"softmin_credit(temperature={inputs['temperature']})"
    weighted = values(f"process('prm') | {heat}", rollout)
    uniform = values("process('prm') | mean_credit()", rollout)
    return {
        "weighted_step_reward": weighted,
        "outcome": weighted.sum(axis=1),
        "uniform_step_reward": uniform,
        "uniform_outcome": uniform.sum(axis=1),
    }


def _rloo(inputs, hyper):
    """The step rewards come weighted; a verdict is 0 where no answer is known."""
    ends = np.asarray(inputs["step_end_mask"], bool)
    mask = np.asarray(inputs["action_mask"], bool)
    group = np.arange(len(mask)) // inputs["n_samples"]
    known = np.asarray(inputs["have_answers"], bool)
    rollout = rollout_of(
        mask,
        group=group,
        step=np.where(mask, np.cumsum(ends, axis=1) - ends, -1),
        logp=inputs["kl"],
        ref_logp=np.zeros(mask.shape),
        prm=inputs["step_reward_weighted"],
        prm_valid=ends,
        correct=np.where(known, np.asarray(inputs["solved"], float) - 1, 0.0),
    )
    mode, coef = inputs["reward_mode"], inputs["verifiable_reward_coef"]
    weights = f"prm={int('PRM' in mode)}, correct={coef if 'VR' in mode else 0}"
    baseline = {"step": "steps", "token": "tokens"}[inputs["baseline"]]
    parts = {
        "process": "dense('prm')",
        "softmin_credit": "",
        "center_by_group_tokens": f"center_by_group_{baseline}()",
    }
    shaped = sentence(
        "pure_openrlhf",
        **parts,
        kl_penalty="",
        weighted_sum=f"weighted_sum({weights})",
        returns_to_go="",
        zero_step_ends="",
    )
    whole = {**parts, "weighted_sum": f"weighted_sum({weights}, kl=1)"}
    if inputs.get("nomask_separator_adv"):
        whole["zero_step_ends"] = ""
    text = sentence("pure_openrlhf", **whole)
    return {
        "shaped_token_reward": values(shaped, rollout),
        "advantages": advantages(text, rollout, beta=inputs["beta"]),
    }


def verl(inputs, hyper):
    """Padding counts in the baseline, and in the strict form as rewards of 0.

    So returns and baseline see rows in which every column is a token, and only the
    whitening sees the mask.
    """
    mask = np.asarray(inputs["mask"], bool)
    group, cells = groups(inputs["index"]), np.ones(mask.shape)
    rewards = np.where(mask, inputs["token_level_rewards"], 0.0)
    to_go = {"sum": "returns_to_go()", "min": "min_to_go()"}[inputs["aggregate"]]
    returns = values(f"dense('r') | {to_go}", rollout_of(cells, r=rewards))
    rollout = rollout_of(cells, group=group, r=np.where(mask, returns, 0.0))
    centred = values("dense('r') | center_by_group_width()", rollout)
    centred = np.where(mask, centred, 0.0)
    out = centred
    if inputs["adv_norm"]:
        out = advantages("dense('r') | whiten()", rollout_of(mask, r=centred))
    return {"advantages": out, "returns": centred}


ADAPTERS = {"pure_openrlhf": openrlhf, "pure_verl": verl}
NAN_IS = {"pure_openrlhf": "a group of one gets nothing"}
