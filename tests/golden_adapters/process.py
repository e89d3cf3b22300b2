"""Rewards of steps and of thinking, and the schedules that fade them."""

import jax.numpy as jnp
import numpy as np

from golden_adapters.common import advantages, as_array, per_row, rollout_of, sentence
from golden_adapters.common import values as one_channel
from rewardlab.core import schedules


def one_row(count, **signals):
    """A row of `count` steps of one token each."""
    return rollout_of(np.ones((1, count)), step=np.arange(count)[None], **signals)


def before(method, *words):
    """The sentence of a method up to the first of these words."""
    parts = sentence(method).split(" | ")
    ends = [i for i, part in enumerate(parts) if part.split("(")[0] in words]
    return " | ".join(parts[: ends[0]])


def ppr(inputs, hyper):
    """Every step of one answer."""
    process = np.asarray(inputs["process_score"], float) / inputs.get("max_score", 1)
    rollout = one_row(len(process), prm=process[None], correct=[inputs["outcome"]])
    text = before("ppr", "returns_to_go")
    return {"renorm": one_channel(text, rollout)[0]}


def p_grpo(inputs, hyper):
    """One group."""
    names = {"format": "format", "correct": "outcome", "thinking": "thinking"}
    signals = {k: np.asarray(inputs[f"{v}_reward"], float) for k, v in names.items()}
    rollout = rollout_of(per_row(signals["format"]), **signals)
    eps = inputs.get("eps", 1e-6)
    text = sentence("p_grpo")
    population = text.replace("eps=eps", "eps=eps, ddof=0")
    reward = before("p_grpo", "center_by_group")
    return {
        "reward": one_channel(reward, rollout)[:, 0],
        "advantage_ddof0": advantages(population, rollout, eps=eps)[:, 0],
        "advantage_ddof1": advantages(text, rollout, eps=eps)[:, 0],
    }


def pav(inputs, hyper):
    """One answer; with the true chances or with the outcome for Q of the policy."""
    chance = np.asarray(inputs["success_prob_prefix"], float)
    count, attempts = len(chance) - 1, inputs["K"]
    q = chance[1:][None]
    rollout = one_row(count, success=chance[None], correct=[inputs["outcome"]], q=q)
    gain = one_channel(f"progress('success', attempts={attempts})", rollout)[0]
    text = sentence("pav").replace("center_by_group() | ", "")
    hp = {"attempts": attempts, "alpha": inputs["alpha"]}
    sampled = one_channel(text, rollout, **hp)[0]
    known = text.replace("outcome('correct')", "process('q')")
    known = known.replace("on('correct', broadcast_to_tokens()) | ", "")
    known = known.replace("correct=1", "q=1")
    # V itself is progress from a state of no chance
    states = np.stack([np.zeros_like(chance), chance], axis=1)
    alone = rollout_of(per_row(chance), success=states)
    value = one_channel(f"progress('success', attempts={attempts})", alone)[:, 0]
    return {
        "prover_value": value,
        "prover_advantage": gain,
        "effective_reward": one_channel(known, rollout, **hp)[0],
        "effective_reward_mc_outcome": sampled,
        "base_advantage": one_channel("progress('success')", rollout)[0],
        "sum_prover_advantage": gain.sum(),
    }


def trust_grpo(inputs, hyper):
    """The paper's reward, and the released code's with its advantages."""
    outcome = np.asarray(inputs["outcome"], float)
    thinking = np.asarray(inputs["thinking"], float)
    lengths = inputs.get("lengths", [1] * len(outcome))
    mask = np.arange(max(lengths)) < np.asarray(lengths)[:, None]
    rollout = rollout_of(mask, correct=outcome, thinking=thinking)
    now = float(schedules.exponential(1.0, inputs["T"])(inputs["steps"]))
    alpha = hyper.get("alpha", 0.3)
    fade = f"thinking={alpha * now!r}"
    faded = "thinking=exponential(alpha, steps)"
    code = sentence("trust_grpo_released").replace(faded, fade)
    paper = before("trust_grpo", "center_by_group").replace(faded, fade)
    reward = code[: code.index(" | center_by_group")]
    used = reward[: reward.index(" | trust")] + " | weighted_sum(thinking=1)"
    # the trust alone is what becomes of a score, over that score
    alone = "outcome('correct') | outcome('thinking') | trust('thinking', by='correct')"
    alone = one_channel(f"{alone} | weighted_sum(thinking=1)", rollout).sum(1)
    paid = thinking != 0
    gamma = (alone[paid] / thinking[paid])[0] if paid.any() else 1.0
    return {
        "code_reward": one_channel(reward, rollout).sum(1),
        "code_thinking_used": one_channel(used, rollout).sum(1),
        "code_grpo_advantage": advantages(code, rollout, eps=1e-6)[:, 0],
        "paper_gamma": gamma,
        "paper_reward": one_channel(paper, rollout).sum(1),
    }


def atom_searcher(inputs, hyper):
    """Alpha is the schedule's."""
    start, total = hyper.get("alpha0", 0.5), inputs["total_steps"]
    alpha = float(schedules.linear(start, 0, total)(inputs["step"]))
    rest = float(schedules.linear(1 - start, 1, total)(inputs["step"]))
    signals = {
        "thinking": inputs["atr"],
        "correct": inputs["f1"],
        "format": inputs["format_ok"],
    }
    signals = {k: np.asarray(v, float) for k, v in signals.items()}
    text = before("atom_searcher", "center_by_group")
    text = text.replace("linear(0.5, 0, steps)", repr(alpha))
    text = text.replace("linear(0.5, 1, steps)", repr(rest))
    text = text.replace("otherwise=-1", f"otherwise={hyper.get('format_penalty', -1)}")
    rollout = rollout_of(per_row(inputs["f1"]), **signals)
    return {"alpha": alpha, "reward": one_channel(text, rollout)[:, 0]}


def video_mtr(inputs, hyper):
    """Turns that retrieve, and the one that answers."""
    iou, acc = np.asarray(inputs["iou"], float), float(inputs["accuracy"])
    shape = np.asarray(inputs["format_ok"], float)
    count = len(iou) + 1
    rollout = one_row(
        count,
        iou=iou[None],
        correct=[acc],
        format=shape[None, :-1],
        final=shape[-1:],
    )
    record = (
        f"new_best('iou', gain={hyper.get('frame_max', 0.5)}, "
        f"penalty={inputs['penalty_coefficient']}, start={inputs['best_iou_start']})"
    )
    frame = one_channel(record, rollout)[0][:-1]
    form = hyper.get("format", 0.1)
    total = (
        f"{record} | process('format') | outcome('correct') | outcome('final')"
        " | gated_accumulation('iou', 'format', correct=0, strict=True)"
        f" | weighted_sum(iou=1, format={form}, correct=1, final={form})"
    )
    gamma = hyper.get("gamma_turn", 0.95)
    turns = (
        f"{record} | outcome('correct')"
        f" | on('correct', return_from_step(discount={gamma}))"
        " | weighted_sum(iou=1, correct=1)"
    )
    return {
        "frame_reward": frame,
        "trajectory_reward": one_channel(total, rollout).sum(),
        "turn_boundary_reward": one_channel(turns, rollout)[0],
    }


def capo(inputs, hyper):
    """One group; a step is wrong if as many critics say so as the vote asks for."""
    critics = [np.asarray(c, float) for c in inputs["critiques_wrong"]]
    steps, width = max(c.shape[1] for c in critics), len(inputs["mask"][0])
    asked = {len(c) for c in critics}.pop()
    vote = inputs.get("vote", hyper.get("vote", "intersection"))
    votes = {"intersection": asked, "majority": asked // 2 + 1}.get(vote, 1)
    flaws = np.array([np.pad(c.sum(0), (0, steps - c.shape[1])) for c in critics])
    step = [[*s, *[-1] * (width - len(s))] for s in inputs["token_step_index"]]
    correct = np.asarray(inputs["correct"], float)
    rollout = rollout_of(inputs["mask"], step=step, flaws=flaws, correct=correct)
    right, wrong = (inputs.get(k, d) for k, d in (("C", 2.0), ("P", 1.0)))
    hp = {"votes": votes, "right": right, "wrong": -wrong, "eps": 1e-6}
    text = sentence("capo")
    reward = text[: text.index(" | center_by_group")]
    hp_reward = {k: v for k, v in hp.items() if k != "eps"}
    marks = one_channel("process('flaws') | indicator_ge(votes)", rollout, votes=votes)
    ends = one_channel("process('flaws') | shift(1)", rollout) > 0
    return {
        "wrong_step": [m[e] for m, e in zip(marks, ends, strict=True)],
        "token_reward": one_channel(reward, rollout, **hp_reward),
        "advantage_token_znorm_ddof0": advantages(text, rollout, **hp),
    }


def generic_schedules(inputs, hyper):
    """Progress is the iteration of a schedule of one step."""
    now = as_array(inputs["progress"])
    rise_then_hold = schedules.piecewise_linear((0, 0), (0.5, 1))
    return {
        "constant": jnp.ones_like(now),
        "linear_up": schedules.linear(0, 1, 1)(now),
        "linear_down": schedules.linear(1, 0, 1)(now),
        "cosine_down": schedules.cosine(1, 0, 1)(now),
        "exp_down_k5": schedules.exponential(1, 1 / 5)(now),
        "step_at_0.5": schedules.switch(0, 1, 0.5)(now),
        "piecewise_peak0.5_up_then_hold": rise_then_hold(now),
    }


ADAPTERS = {
    "ppr_renorm": ppr,
    "p_grpo": p_grpo,
    "pav": pav,
    "trust_grpo": trust_grpo,
    "atom_searcher": atom_searcher,
    "video_mtr": video_mtr,
    "capo": capo,
    "schedules": generic_schedules,
}
LOOSE_64 = {"trust_grpo": (1e-6, "rewards are float32 in the authors' code")}
