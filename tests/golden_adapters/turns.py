"""Agents: GiGPO, UI-S1, ToolPO and ARPO."""

import numpy as np

from golden_adapters.common import advantages, as_array, channels, groups, rollout_of
from rewardlab import METHODS
from rewardlab.selection import branching


class Steps:
    """Rows that are steps, as trajectories: each step is a run of T + 1 tokens.

    The last token of a run holds a step that has no token in the reference, and is cut
    off again by `back`.
    """

    def __init__(self, inputs):
        self.mask = np.asarray(inputs["response_mask"], bool)
        pairs = list(zip(inputs["uid"], inputs["traj"], strict=True))
        self.row = np.array([sorted(set(pairs), key=str).index(p) for p in pairs])
        self.column = np.array(
            [sum(self.row[:i] == self.row[i]) for i in range(len(pairs))]
        )
        uid = groups([str(u) for u in inputs["uid"]])
        rows, steps = max(self.row) + 1, max(self.column) + 1
        self.shape = rows, steps, self.mask.shape[1] + 1
        self.group = np.zeros(rows, int)
        self.group[self.row] = uid

    def table(self, x):
        """A number for each step of each trajectory: [rows, steps]."""
        x = np.asarray(x)
        found = np.zeros(self.shape[:2], x.dtype)
        found[self.row, self.column] = x
        return found

    def rollout(self, number, **signals):
        """A trajectory a row; `number` is how each step is called in its row."""
        tokens = np.zeros(self.shape, bool)
        there = np.concatenate([self.mask, np.ones((len(self.mask), 1), bool)], axis=1)
        tokens[self.row, self.column] = there
        step = np.full(self.shape, -1)
        step[self.row, self.column] = np.asarray(number)[:, None]
        flat = self.shape[0], -1
        tokens, step = tokens.reshape(flat), step.reshape(flat)
        return rollout_of(
            tokens, group=self.group, step=step, valid=step >= 0, **signals
        )

    def back(self, x):
        """[rows, steps * (T + 1)] as the reference's rows of steps, [steps, T]."""
        found = np.asarray(x).reshape(self.shape)[self.row, self.column]
        return np.where(self.mask, found[:, :-1], 0)


def at_ends(steps, x):
    """The number on the last token of each step."""
    return np.asarray(x).reshape(steps.shape)[steps.row, steps.column, -1]


def moded(text, mode):
    """The reference's `mean_norm` leaves out every division by a std."""
    if mode == "mean_std_norm":
        return text
    assert mode == "mean_norm", mode
    scales = "scale_by_group_std(eps=eps)", "scale_by_state_std(eps=eps)"
    for word in (*scales, "scale_by_state_std('anchor', eps=eps)"):
        text = text.replace(f" | {word}", "")
    return text


def gigpo(inputs, hyper):
    """What an agent saw becomes an integer."""
    steps = Steps(inputs)
    signals = {
        "prm": steps.table(inputs["step_rewards_raw"]),
        "anchor": steps.table(groups([str(a) for a in inputs["anchor_obs"]])),
    }
    rollout = steps.rollout(steps.column, **signals)
    text = moded(METHODS["gigpo_like_verl_agent"].reward, inputs["mode"])
    hp = {
        "gamma": inputs["gamma"],
        "w": inputs.get("step_advantage_w", hyper["step_advantage_w"]),
        "eps": hyper["eps"],
    }
    hp = {k: v for k, v in hp.items() if k != "eps" or "eps" in text}
    back = channels("process('prm') | return_from_step(g)", rollout, g=hp["gamma"])
    return {
        "step_returns": at_ends(steps, back["prm"].value),
        "advantages": steps.back(advantages(text, rollout, **hp)),
    }


def ui_s1(inputs, hyper):
    """A group of one keeps its reward there. Steps have numbers of their own."""
    steps = Steps(inputs)
    number = np.asarray(inputs["step_id"])
    columns = max(int(number.max()) + 1, steps.shape[1])
    prm, match = (
        np.zeros((steps.shape[0], columns)),
        np.zeros((steps.shape[0], columns), bool),
    )
    prm[steps.row, number] = inputs["step_rewards_raw"]
    match[steps.row, number] = inputs["extract_match"]
    rollout = steps.rollout(number, prm=prm, match=match)
    text = moded(METHODS["ui_s1"].reward, inputs["mode"])
    hp = {
        "gamma": inputs["gamma"],
        "w_episode": inputs.get("w_episode", hyper["w_episode"]),
        "w_step": inputs.get("w_step", hyper["w_step"]),
        "eps": hyper["eps"],
        "keep_singletons": True,
    }
    hp = {k: v for k, v in hp.items() if k != "eps" or "eps" in text}
    returns = "process('prm') | return_from_step(g, match='match')"
    back = channels(returns, rollout, g=hp["gamma"])["prm"].value
    return {
        "step_returns": at_ends(steps, back),
        "advantages": steps.back(advantages(text, rollout, **hp)),
    }


def toolpo(inputs, hyper):
    """One group; every token is the policy's."""
    calls = np.asarray(inputs["tool_token_mask"])
    rollout = rollout_of(
        np.ones_like(calls, bool),
        correct=inputs["success_reward"],
        action=inputs["action_reward"],
        is_call=calls,
    )
    return {"token_advantages": advantages(METHODS["toolpo"].reward, rollout)}


def arpo_attribution(inputs, hyper):
    """A segment is one token here; its name is its node."""
    segments = inputs["segments"]
    width = max(len(s) for s in segments)
    mask = np.array([[k < len(s) for k in range(width)] for s in segments])
    names = sorted({name for s in segments for name in s})
    node = np.array(
        [[names.index(n) for n in s] + [0] * (width - len(s)) for s in segments]
    )
    rollout = rollout_of(mask, correct=inputs["rewards"], node=node)
    hard = METHODS["arpo_hard"].reward
    soft = hard.replace(" | share_prefixes('node')", "")
    found = {}
    for name, text in (("soft", soft), ("hard", hard)):
        a = advantages(text, rollout, eps=hyper["eps"])
        ragged = [list(row[m]) for row, m in zip(a, mask, strict=True)]
        found[f"{name}_advantage_per_segment"] = ragged
    return found


def arpo_branching(inputs, hyper):
    """One draw; a row branches unless the number is over the threshold."""
    weight = inputs.get("entropy_weight", hyper["entropy_weight"])
    threshold = inputs.get("branch_probability", hyper["branch_probability"])
    names = ("u", "entropy_now", "entropy_init")
    numbers = [as_array(inputs[name]) for name in names]
    return {
        "prob": branching.branch_probability(*numbers, weight),
        "branch": branching.branches(*numbers, weight, threshold),
    }


ADAPTERS = {
    "gigpo": gigpo,
    "ui_s1": ui_s1,
    "toolpo": toolpo,
    "arpo_attribution": arpo_attribution,
    "arpo_branching": arpo_branching,
}
FLOAT32 = (1e-5, "returns are float32 in the reference")
LOOSE_64 = {"gigpo": FLOAT32, "ui_s1": FLOAT32}
NAN_IS = {"arpo_attribution": "a group of one gets 0"}
