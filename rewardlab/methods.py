"""Papers as sentences: `METHODS[name].build()` is the paper's transform.

Each row says what it reads, which laws it keeps (the tests prove every one of them,
and that `shift`, `scale`, `homogeneous` and `bounded` fail where they are not claimed),
what it was checked against, and where it differs from its source.
"""

import difflib
from typing import Any

from rewardlab.method import ALWAYS, LAWS, SOUND, Method
from rewardlab.presets import PRESETS
from rewardlab.sentence import build, reads
from rewardlab.types import RewardTransform

__all__ = ["LAWS", "METHODS", "Method", "reads", "resolve"]

GRPO = ("DeepSeekMath", "2402.03300")
RLOO = ("Back to Basics: Revisiting REINFORCE Style Optimization", "2402.14740")
REINFORCE_PP = ("REINFORCE++", "2501.03262")
CLIP_DELTA = ("On Designing Effective RL Reward at Training Time", "2410.15115")
PAR = ("Reward Shaping to Mitigate Reward Hacking in RLHF", "2502.18770")
IGPO = ("Information Gain-based Policy Optimization", "2510.14967")
PURE = ("Stop Summation: Min-Form Credit Assignment", "2504.15275")
NO_CRITIC = "the paper has a critic; here the baseline is the group's mean return"

METHODS: dict[str, Method] = {
    "grpo": Method(
        "outcome('correct') | center_by_group() | scale_by_group_std(eps=eps)"
        " | broadcast_to_tokens()",
        *GRPO,
        laws=(*SOUND, "shift", "scale"),
        verified="code",
        hp={"eps": 1e-6},
        aggregation="sequence_mean",
        differs="a group of one gets 0",
    ),
    "dr_grpo": Method(
        "outcome('correct') | center_by_group() | broadcast_to_tokens()",
        "Understanding R1-Zero-Like Training",
        "2503.20783",
        laws=(*SOUND, "shift", "homogeneous"),
        verified="code",
        aggregation="constant",
    ),
    "rloo": Method(
        "outcome('correct') | center_by_group(leave_one_out=True)"
        " | broadcast_to_tokens()",
        *RLOO,
        laws=(*SOUND, "shift", "homogeneous"),
        verified="code",
        differs="a group of one gets 0",
    ),
    "reinforce_pp": Method(
        "outcome('correct') | returns_to_go(discount=gamma) | whiten()",
        *REINFORCE_PP,
        laws=(*SOUND, "scale"),
        verified="code",
        hp={"gamma": 1.0},
        differs="environment tokens do not cut the return; KL is one more channel",
    ),
    "reinforce_pp_baseline": Method(
        "outcome('correct') | center_by_group(keep_singletons=keep_singletons)"
        " | broadcast_to_tokens() | whiten()",
        *REINFORCE_PP,
        laws=(*SOUND, "shift", "scale"),
        verified="code",
        hp={"keep_singletons": False},
        differs="a group of one gets 0; verl keeps its reward",
    ),
    "process_sum": Method(
        "process('prm') | outcome('correct') | weighted_sum(prm=alpha, correct=1)"
        " | returns_to_go() | center_by_group()",
        "the naive sum of process rewards",
        "",
        laws=(*SOUND, "shift", "homogeneous"),
        verified="",
        hp={"alpha": 1.0},
        differs="here to be beaten: every step adds reward, so longer is better",
    ),
    "clip": Method(
        "process('prm') | clip_reward(eta=eta) | outcome('correct')"
        " | weighted_sum(prm=alpha, correct=1) | returns_to_go() | center_by_group()",
        *CLIP_DELTA,
        laws=(*SOUND, "shift", "bounded"),
        verified="secondary",
        hp={"eta": 0.9, "alpha": 1.0},
        differs=NO_CRITIC,
    ),
    "delta": Method(
        "process('prm') | delta() | outcome('correct')"
        " | weighted_sum(prm=alpha, correct=1) | returns_to_go() | center_by_group()",
        *CLIP_DELTA,
        laws=(*SOUND, "shift", "homogeneous", "telescoping", "bounded"),
        verified="secondary",
        hp={"alpha": 1.0},
        differs=NO_CRITIC,
    ),
    "clip_delta": Method(
        "process('prm') | clip_reward(eta=eta) | delta() | outcome('correct')"
        " | weighted_sum(prm=alpha, correct=1) | returns_to_go() | center_by_group()",
        *CLIP_DELTA,
        laws=(*SOUND, "shift", "telescoping", "bounded"),
        verified="secondary",
        hp={"eta": 0.9, "alpha": 1.0},
        differs=NO_CRITIC,
    ),
    "par": Method(
        "outcome('score') | length_penalty(after=after, rate=rate)"
        " | par(ref='ref_score', k=k) | center_by_group()"
        " | scale_by_group_std(eps=1e-8) | broadcast_to_tokens()",
        *PAR,
        laws=SOUND,
        verified="code",
        hp={"k": 1.0, "after": 300, "rate": 0.01},
        aggregation="sequence_mean",
        differs="the code's GRPO form; reference scores come length-penalised",
    ),
    "running_clip": Method(
        "outcome('score') | length_penalty(after=after, rate=rate) | clip_by_history()"
        " | center_by_group() | scale_by_group_std(eps=1e-8) | broadcast_to_tokens()",
        *PAR,
        laws=SOUND,
        verified="code",
        hp={"after": 300, "rate": 0.01},
        aggregation="sequence_mean",
        differs="a baseline of the paper; statistics are those of the global batch",
    ),
    "lsc": Method(
        "outcome('score') | minus_reference_quantile(ref='ref_score', quantile=q)"
        " | log_sigmoid() | center_by_group() | broadcast_to_tokens()",
        "Transforming and Combining Rewards for Aligning LLMs",
        "2402.00742",
        laws=SOUND,
        verified="paper",
        hp={"q": 0.85},
        differs="the paper has PPO; PAR's code has a normal quantile",
    ),
    "g_ra": Method(
        "outcome('correct') | process('prm')"
        " | gated_accumulation('prm', correct=threshold)"
        " | weighted_sum(correct=1, prm=1) | episode_return() | center_by_group()"
        " | scale_by_group_std() | broadcast_to_tokens()",
        "Stabilizing Long-term Multi-turn RL with Gated Rewards",
        "2508.10548",
        laws=SOUND,
        verified="secondary",
        hp={"threshold": 0.5},
        differs="the estimator after the gate is GRPO's",
    ),
    "igpo": Method(
        "information_gain('belief') | outcome('correct')"
        " | weighted_sum(belief=alpha, correct=1) | center_by_group()"
        " | scale_by_group_std(eps=1e-6, ddof=0, var_eps=1e-8)"
        " | step_returns_to_go(discount=gamma)",
        *IGPO,
        laws=(*SOUND, "scale", "telescoping", "bounded"),
        verified="secondary",
        hp={"gamma": 1.0, "alpha": 1.0},
        differs="joint normalisation; a turn with reward 0 stays a turn",
    ),
    "igpo_separate": Method(
        "information_gain('belief') | outcome('correct') | center_by_group()"
        " | scale_by_group_std(eps=1e-6, ddof=0, var_eps=1e-8)"
        " | weighted_sum(belief=alpha, correct=1) | step_returns_to_go(discount=gamma)",
        *IGPO,
        laws=(*SOUND, "shift", "scale"),
        verified="secondary",
        hp={"gamma": 1.0, "alpha": 1.0},
        differs="gains and outcomes normalised apart; a turn with reward 0 stays one",
    ),
    "igpo_first_release": Method(
        "information_gain('belief') | outcome('correct')"
        " | weighted_sum(belief=1, correct=1) | returns_to_go()"
        " | center_by_group_position()",
        *IGPO,
        laws=(*SOUND, "homogeneous", "telescoping", "bounded"),
        verified="code",
        differs="not the paper: the baseline is the mean of the same token column",
    ),
    "pure": Method(
        "process('prm') | softmin_credit(temperature=tau) | outcome('correct')"
        " | weighted_sum(prm=alpha, correct=1) | returns_to_go()"
        " | center_by_group(leave_one_out=True)",
        *PURE,
        laws=(*SOUND, "shift", "bounded"),
        verified="code",
        hp={"tau": 0.1, "alpha": 1.0},
        differs="the verl branch's baseline over tokens, not over the padded width",
    ),
    "pure_openrlhf": Method(
        "process('prm') | softmin_credit(temperature=tau) | center_by_group_tokens()"
        " | outcome('correct') | on('correct', center_by_group(leave_one_out=True))"
        " | kl_penalty(beta) | weighted_sum(prm=1, correct=alpha, kl=1)"
        " | returns_to_go() | zero_step_ends()",
        *PURE,
        laws=(*SOUND, "shift"),
        verified="code",
        hp={"tau": 0.1, "alpha": 1.0, "beta": 0.001},
    ),
    "pure_verl": Method(
        "process('prm') | softmin_credit(temperature=tau) | outcome('correct')"
        " | kl_penalty(beta) | weighted_sum(prm=1, correct=alpha, kl=1)"
        " | returns_to_go() | center_by_group_width() | whiten()",
        *PURE,
        laws=(*ALWAYS, "bounded"),
        verified="code",
        hp={"tau": 0.1, "alpha": 1.0, "beta": 0.001},
        differs="KL is k1 where the code has k3",
    ),
    **PRESETS,
}


def resolve(text: str, **hp: Any) -> RewardTransform:
    """The transform of a method's name or of a sentence; `ValueError` for neither."""
    if text in METHODS:
        return METHODS[text].build(**hp)
    if text.strip().isidentifier():
        near = difflib.get_close_matches(text, METHODS, n=1)
        hint = f"did you mean {near[0]!r}" if near else f"have {', '.join(METHODS)}"
        raise ValueError(f"no method {text!r}; {hint}, or write a sentence")
    return build(text, **hp)
