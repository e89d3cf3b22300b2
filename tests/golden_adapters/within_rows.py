"""Credit inside a row: actions of several tokens, and steps with scores."""

import numpy as np

from golden_adapters.common import (
    NoAdapter,
    as_array,
    groups,
    rollout_of,
    sentence,
    values,
)
from rewardlab.reward_models.step_scores import kind_offsets


def poad(inputs, hyper):
    """An episode is a row; one that goes on has one more action, paid its value."""
    get = lambda k: inputs.get(k, hyper.get(k))  # noqa: E731
    words = {"POAD": "decomposed_gae", "NTPO": "gae"}
    if get("algo") not in words:
        raise NoAdapter(f"the algorithm {get('algo')!r}")
    lengths, rewards = inputs["action_lengths"], inputs["rewards"]
    goes_on = np.asarray(inputs["masks"], float)
    row = np.concatenate([[0], np.cumsum(goes_on[1:-1] == 0)]).astype(int)
    rows = [[] for _ in range(row.max() + 1)]
    for s, n in enumerate(lengths):
        step = len({x[0] for x in rows[row[s]]})
        for t in range(n):
            paid = float(rewards[s]) if t == n - 1 else 0.0
            rows[row[s]].append((step, paid, float(inputs["values"][s][t]), s, t))
    if goes_on[len(lengths)] > 0:  # the last action does not end its episode
        end = float(inputs["bootstrap"])
        rows[-1].append((1 + rows[-1][-1][0], end, end, -1, -1))
    width = max(map(len, rows))
    blank = (-1, 0.0, 0.0, -1, -1)
    table = np.array([r + [blank] * (width - len(r)) for r in rows], float)
    step, paid, value, action, token = np.moveaxis(table, 2, 0)
    rollout = rollout_of(step >= 0, step=step.astype(int), r=paid, value=value)
    text = f"dense('r') | {words[get('algo')]}('value', discount=g, decay=l)"
    found = values(text, rollout, g=float(get("gamma")), l=float(get("lam")))
    out = np.zeros((len(lengths), max(lengths)))
    returns = out.copy()
    here = action >= 0
    at = action[here].astype(int), token[here].astype(int)
    out[at], returns[at] = found[here], (found + value)[here]
    return {"advantages": out, "returns": returns}


def finepo(inputs, hyper):
    """One group of rows, or the offsets of kinds of actions."""
    if "policy_action_share" in inputs:
        shares = (as_array(inputs[f"{x}_action_share"]) for x in ("policy", "prior"))
        return {"offsets": kind_offsets(*shares, inputs["lam"], inputs["clip"])}
    get = lambda k: float(inputs.get(k, hyper[k]))  # noqa: E731
    scores, lengths = inputs["step_scores"], inputs["step_lengths"]
    if inputs.get("step_score_offsets", inputs.get("score_offsets")) is not None:
        offsets = inputs.get("step_score_offsets", inputs.get("score_offsets"))
        scores = [np.add(s, o).tolist() for s, o in zip(scores, offsets, strict=True)]
    steps, width = max(map(len, scores)), max(map(sum, lengths))
    prm, step = np.zeros((len(scores), steps)), np.full((len(scores), width), -1)
    for i, (score, length) in enumerate(zip(scores, lengths, strict=True)):
        prm[i, : len(score)] = score
        step[i, : sum(length)] = np.repeat(np.arange(len(length)), length)
    group = groups(inputs.get("group", np.zeros(len(scores), int)))
    rollout = rollout_of(
        step >= 0, group=group, step=step, correct=inputs["rewards"], prm=prm
    )
    hp = {"strength": get("alpha"), "most": get("beta")}
    found = values(sentence("finepo"), rollout, **hp)
    plain = values(sentence("finepo", redistribute_within_row=""), rollout)
    first = [np.cumsum([0, *length[:-1]]) for length in lengths]
    return {
        "trajectory_advantages": plain[:, 0],
        "step_advantages": [found[i, at] for i, at in enumerate(first)],
    }


ADAPTERS = {"finepo": finepo, "poad": poad}
