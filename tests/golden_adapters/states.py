"""Agents whose rows meet in equal states, and a tool's turn that is paid apart."""

import numpy as np

from golden_adapters.common import (
    advantages,
    as_array,
    channels,
    groups,
    only,
    rollout_of,
    with_end,
)
from rewardlab import METHODS
from rewardlab.reward_models.state_graph import goal_distances
from rewardlab.scorers.makers import SETTING
from rewardlab.scorers.sentence import scorers_of


def scored(rollout, text):
    """The rollout with the signals of a sentence of scorers that reads no model."""
    for scorer in scorers_of(text, SETTING):
        rollout = rollout.with_signals(**scorer.score((), None, rollout, None))
    return rollout


def by_turn(lengths, group, **signals):
    """A row for each episode, a token for each of its turns."""
    width = max(lengths)
    mask = np.arange(width) < np.asarray(lengths)[:, None]
    step = np.where(mask, np.arange(width), -1)
    return rollout_of(mask, group=groups(group), step=step, **signals)


def ids(names, width):
    """Ragged names as numbers [N, width]; what is not there is 0."""
    known = sorted({name for row in names for name in row})
    number = np.zeros((len(names), width), int)
    for i, row in enumerate(names):
        number[i, : len(row)] = [known.index(name) for name in row]
    return number


def ragged(x, lengths):
    return [list(np.asarray(row)[:n]) for row, n in zip(x, lengths, strict=True)]


def mt_grpo(inputs, hyper):
    """Runs of the mask are the segments that `result_segment` counts."""
    mask = np.asarray(inputs["completion_mask"], bool)
    segment = np.cumsum(np.diff(mask, axis=1, prepend=mask[:, :1]) != 0, axis=1)
    result = np.asarray(inputs["result_segment"])[:, None]
    before = np.pad(segment < result, ((0, 0), (0, 1)))
    size = inputs["num_generations"]
    rollout = rollout_of(
        with_end(mask),
        group=np.arange(len(mask)) // size,
        correct=inputs["outcome_reward"],
        tool_reward=inputs["turn_reward"],
        tool_used=result[:, 0] >= 0,
        before_result=before,
    )
    eps = hyper["eps"]
    z = f"center_by_group() | scale_by_group_std({eps})"
    both = channels(f"outcome('correct') | outcome('tool_reward') | {z}", rollout)
    pooled = "outcome('correct') | outcome('tool_reward') | weighted_sum(correct=1,"
    whole = channels(f"{pooled} tool_reward=1) | {z}", rollout)["reward"]
    hp = {"turn_coef": inputs["turn_advantage_coef"], "eps": eps}
    found = advantages(METHODS["mt_grpo"].reward, rollout, **hp)[:, :-1]
    return {
        "turn_advantage": both["tool_reward"].total,
        "outcome_advantage": both["correct"].total,
        "combined_advantage": whole.total,
        "assigned_float32": only(mask, found),
        "masked": found,
    }


def gagpo(inputs, hyper):
    """One token a turn, values by the row's own scorer."""
    lengths = [len(row) for row in inputs["states"]]
    anchor = ids(inputs["states"], max(lengths))
    rollout = by_turn(
        lengths, inputs["group"], anchor=anchor, correct=inputs["rewards"]
    )
    hp = {"gamma": inputs["gamma"], "lam": inputs["lam"]}
    rollout = scored(rollout, f"state_values(discount={hp['gamma']})")
    found = advantages(METHODS["gagpo"].reward, rollout, eps=hyper["eps"], **hp)
    values = rollout.signals["state_value"]
    return {
        "state_values": ragged(values, lengths),
        "turn_advantages": ragged(found, lengths),
    }


def graphgpo(inputs, hyper):
    """The state that a row ended in is given here, for wrong rows too."""
    states, group = inputs["states"], groups(inputs["group"])
    lengths = [len(row) - 1 for row in states]
    label = [f"{g}:" for g in inputs["group"]]
    named = [[f"{g}{s}" for s in row] for g, row in zip(label, states, strict=True)]
    number = ids(named, max(lengths) + 1)
    nodes = np.arange(number.shape[1]) < np.asarray(lengths)[:, None] + 1
    given = map(np.asarray, (number, nodes, np.asarray(inputs["success"]) > 0, group))
    distance = np.asarray(goal_distances(*map(as_whole, given)))
    near = as_array(float(inputs["omega"]) ** (distance[:, 1:] + inputs["c"]))
    rollout = by_turn(
        lengths,
        inputs["group"],
        anchor=number[:, :-1],
        correct=inputs["success"],
        goal_nearness=near,
    )
    hp = {name: inputs[name] for name in ("beta_graph", "beta_edge")}
    found = advantages(METHODS["graphgpo"].reward, rollout, eps=hyper["eps"], **hp)
    told = {}
    for i, row in enumerate(named):
        for k, name in enumerate(row):
            far = distance[i, k]  # without a success in the group there is none
            told[name] = far if np.isfinite(far) else np.ma.masked_all(())
    return {"distance": told, "turn_advantages": ragged(found, lengths)}


def as_whole(x):
    """As a device array of its own kind."""
    return as_array(x).astype(x.dtype)


def g2po(inputs, hyper):
    """Rewards are 10 or 0 there, 1 or 0 here; a prompt with one turn keeps it there."""
    lengths = [len(row) for row in inputs["states"]]
    pay, width = hyper["success_reward"], max(lengths)
    reward = np.asarray(inputs["episode_rewards"], float)
    valid = inputs["action_valid"] or [[1] * n for n in lengths]
    grounding = np.array([[*row, *[0] * (width - len(row))] for row in valid], float)
    rollout = by_turn(
        lengths,
        inputs["group"],
        anchor=ids(inputs["states"], width),
        correct=reward / pay,
        grounding=grounding,
    )
    rollout = scored(rollout, f"graph_values(discount={hyper['gamma']})")
    value = pay * rollout.signals["graph_value"]
    rollout = rollout.with_signals(graph_value=value, correct=as_array(reward))
    text = METHODS["g2po"].reward
    if inputs["mode"] == "mean_std_norm":
        text = text.replace(
            "center_by_state('anchor')",
            "center_by_state('anchor') | scale_by_state_std('anchor', eps=1e-6)",
        ).replace(
            "center_by_group()", "center_by_group() | scale_by_group_std(eps=1e-6)"
        )
    w = inputs["step_weight"]
    hp = {"penalty": hyper["invalid_action_penalty"], "w": w, "step_gain": w}
    found = advantages(text, rollout, success_reward=1.0, **hp)
    many = np.bincount(groups(inputs["group"]), weights=lengths)
    alone = (many == 1)[groups(inputs["group"])]
    found = np.ma.masked_array(found, np.broadcast_to(alone[:, None], found.shape))
    rows = [list(row[:n]) for row, n in zip(found, lengths, strict=True)]
    return {"state_values": ragged(value, lengths), "turn_advantages": padded(rows)}


def padded(rows):
    """As `_array` of tests/test_golden.py pads rows, with what is masked kept."""
    width = max(map(len, rows))
    if all(len(row) == width for row in rows):
        return np.ma.array([np.ma.array(row) for row in rows])
    found = np.ma.masked_array(np.full((len(rows), width), np.inf))
    for i, row in enumerate(rows):
        for k, x in enumerate(row):
            found[i, k] = x
    return found


ADAPTERS = {"mt_grpo": mt_grpo, "gagpo": gagpo, "graphgpo": graphgpo, "g2po": g2po}
FLOAT32 = (1e-5, "partly float32 in the reference")
LOOSE_64 = {"mt_grpo": FLOAT32, "g2po": FLOAT32}
NAN_IS = {"mt_grpo": "a group of one gets 0"}
