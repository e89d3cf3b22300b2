"""Turns by their gains, shares and hindsight."""

import numpy as np

from golden_adapters.common import (
    NoAdapter,
    advantages,
    channels,
    groups,
    only,
    rollout_of,
    values,
)
from golden_adapters.states import by_turn, padded, ragged, scored
from rewardlab import METHODS


def a2tgpo(inputs, hyper):
    """Beliefs are the gains added up; the answer is one turn more."""
    gains = inputs["information_gain"]
    lengths = [len(row) + 1 for row in gains]
    belief = np.zeros((len(gains), max(lengths)))
    for i, row in enumerate(gains):
        belief[i, 1 : len(row) + 1] = np.cumsum(row)
    rewards = np.asarray(inputs["rewards"], float)
    rollout = by_turn(lengths, inputs["group"], belief=belief, correct=rewards)
    eps = hyper["eps"]
    rollout = scored(rollout, f"adaptive_clip(kappa={inputs['kappa']}, eps={eps})")
    z = f"center_by_state(zero_singletons=True) | scale_by_state_std(eps={eps})"
    normal = channels(f"information_gain('belief') | {z}", rollout)["belief"].value
    hp = {"alpha": inputs["alpha"], "gamma": inputs["gamma"], "eps": eps}
    found = advantages(METHODS["a2tgpo"].reward, rollout, **hp)
    return {
        "normalised": ragged(normal, [n - 1 for n in lengths]),
        "turn_advantages": ragged(found, lengths),
        "clip_scale": ragged(rollout.signals["clip_scale"], lengths),
    }


def itpo(inputs, hyper):
    """Turns are runs of the mask; `sum` pays each turn its own log-ratios."""
    mask = np.asarray(inputs["response_mask"], bool)
    runs = np.cumsum(np.diff(mask, axis=1, prepend=~mask[:, :1]) != 0, axis=1)
    q = np.asarray(inputs["token_rewards"], float)
    rollout = rollout_of(
        mask,
        group=np.arange(len(mask)) // inputs["group_size"],
        step=runs,
        prm_logp=q,
        ref_logp=0 * q,
        correct=inputs["outcome"],
    )
    hp = {"temperature": inputs["temperature"], "coef": inputs["reward_coef"]}
    text, by_sum = METHODS["itpo"].reward, inputs["kind"] == "sum"
    share = "share_by_softmax('correct', by='prm_logp', temperature=temperature)"
    if by_sum:
        begun = "log_ratio('prm_logp') | return_from_step(discount=0)"
        text = f"{begun} | weighted_sum(prm_logp=1){text.split(share)[1]}"
        del hp["temperature"]
    first = text.split(" | center_by_group_steps")[0]
    own = {k: v for k, v in hp.items() if k in first}
    (given,) = channels(first, rollout, **own).values()
    given, placed = np.asarray(given.value), np.asarray(given.placed)
    shares = [x[there] for x, there in zip(given, placed, strict=True)]
    if not by_sum:
        shares = [
            share_of(x, r) for x, r in zip(shares, inputs["outcome"], strict=True)
        ]
    if coef := inputs["outcome_coef"]:
        rloo = "center_by_group_steps(leave_one_out=False) | scale_to_leave_one_out()"
        more = f" | outcome('correct') | on('correct', {rloo})"
        more += f" | weighted_sum(reward=1, correct={coef}) | returns_to_go()"
        text = text.replace(" | returns_to_go()", more)
    returns = values(text.replace(" | whiten()", ""), rollout, **hp)
    return {
        "turn_shares": padded(shares),
        "returns": only(mask, returns),
        "advantages": only(mask, advantages(text, rollout, **hp)),
    }


def share_of(x, outcome):
    """Unknown where the outcome that was shared is 0."""
    return x / outcome if outcome else np.ma.masked_all(len(x))


def hcapo(inputs, hyper):
    """Log-probs by turn and token; the numbers of a turn stand on all its tokens."""
    if inputs.get("smoothing") is not None:
        raise NoAdapter("the optional smoothing of hindsight values is not built")
    given = inputs["hindsight_log_prob"]
    lengths = [[len(turn) for turn in row] for row in given]
    width = max(map(sum, lengths))
    logp, number = np.zeros((len(given), width)), np.full((len(given), width), -1)
    for i, row in enumerate(given):
        flat = [x for turn in row for x in turn]
        logp[i, : len(flat)] = flat
        number[i, : len(flat)] = np.repeat(np.arange(len(row)), lengths[i])
    rollout = rollout_of(
        number >= 0,
        group=groups(inputs["group"]),
        step=number,
        hindsight_logp=logp,
        correct=inputs["rewards"],
    )
    low, high = inputs["clip"]
    hp = {"temperature": inputs["temperature"], "low": low, "high": high}
    word = "hindsight_ratio('hindsight_logp', temperature, low, high)"
    ones = rollout.with_signals(correct=0 * rollout.signals["correct"] + 1)
    each = "outcome('correct') | return_from_step(1)"
    rho = values(f"{each} | {word}", ones, **hp)
    gamma = inputs["gamma"]
    q = values(f"{each.replace('(1)', f'({gamma})')} | {word}", rollout, **hp)
    text = METHODS["hcapo"].reward
    if not inputs["no_harm"]:
        text = text.replace(" | gate('correct', floor(0))", "")
    hp |= {"gamma": gamma, "omega": inputs["omega"], "eps": hyper["eps"]}
    ends = [[int(k) - 1 for k in np.cumsum(row)] for row in lengths]
    take = lambda x: [list(np.asarray(x)[i, e]) for i, e in enumerate(ends)]  # noqa: E731
    found = advantages(text, rollout, **hp)
    return {"rho": take(rho), "hindsight_q": take(q), "turn_advantages": take(found)}


ADAPTERS = {"a2tgpo": a2tgpo, "itpo": itpo, "hcapo": hcapo}
LOOSE_64 = {"itpo": (1e-4, "float32 in the reference")}
LOOSE_32 = {"itpo": (1e-4, "float32 in the reference")}
