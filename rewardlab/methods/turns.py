"""Agents: rewards that belong to turns."""

from rewardlab.methods.method import SOUND, Method

GRPO = ("DeepSeekMath", "2402.03300")
IGPO = ("Information Gain-based Policy Optimization", "2510.14967")

TURNS: dict[str, Method] = {
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
}
