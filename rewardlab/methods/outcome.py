"""One outcome a completion, compared with its group or its batch."""

from rewardlab.methods.method import SOUND, Method

GRPO = ("DeepSeekMath", "2402.03300")
RLOO = ("Back to Basics: Revisiting REINFORCE Style Optimization", "2402.14740")
REINFORCE_PP = ("REINFORCE++", "2501.03262")

OUTCOME: dict[str, Method] = {
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
}
