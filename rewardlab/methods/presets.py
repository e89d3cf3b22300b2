"""The advantages of other libraries, to the last digit.

They differ in the divisor of the variance (ddof), in the epsilon, and in what a group
of one gets: for rewards (1, 0, 0, 0) the winner's advantage is 1.500 in verl and Tunix,
1.4997 in TRL and 1.7317 in EasyDeL.
"""

from rewardlab.methods.method import SOUND, Method

GRPO = ("DeepSeekMath", "2402.03300")
GPG = ("GPG: A Simple and Strong Reinforcement Learning Baseline", "2504.02546")
RLOO = ("Back to Basics: Revisiting REINFORCE Style Optimization", "2402.14740")

PRESETS: dict[str, Method] = {
    "grpo_like_trl": Method(
        "outcome('correct') | center_by_group() | scale_by_group_std(eps=1e-4)"
        " | broadcast_to_tokens()",
        *GRPO,
        laws=(*SOUND, "shift"),
        verified="code",
        believes="completions better than their group's mean, in its spread",
        aggregation="sequence_mean",
        differs="scale_rewards='group'; a group of one gets 0",
    ),
    "grpo_like_trl_batch": Method(
        "outcome('correct') | scale_by_batch_std(eps=1e-4) | center_by_group()"
        " | broadcast_to_tokens()",
        *GRPO,
        laws=SOUND,
        verified="code",
        believes="better than the group's mean, in the batch's spread",
        aggregation="sequence_mean",
        differs="scale_rewards='batch': group mean, standard deviation of the batch",
    ),
    "rloo_like_trl": Method(
        "outcome('correct') | center_by_group(leave_one_out=True)"
        " | scale_by_batch_std(eps=1e-4) | broadcast_to_tokens()",
        *RLOO,
        laws=(*SOUND, "shift"),
        verified="code",
        believes="better than the others, in the batch's spread",
        differs="normalize_advantages=True; without it TRL's RLOO is `rloo`",
    ),
    "grpo_like_verl": Method(
        "outcome('correct') | center_by_group(keep_singletons=True)"
        " | scale_by_group_std(eps=1e-6) | broadcast_to_tokens()",
        *GRPO,
        laws=SOUND,
        verified="code",
        believes="better than the group's mean; a lone reward as is",
        options={"dual_clip": 3.0},
        differs="a group of one keeps its reward",
    ),
    "grpo_like_verl_vectorized": Method(
        "outcome('correct') | center_by_group(keep_singletons=True)"
        " | scale_by_group_std(eps=1e-6, var_floor=1e-6) | broadcast_to_tokens()",
        *GRPO,
        laws=SOUND,
        verified="code",
        believes="better than the group's mean; tiny spreads count less",
        differs="the variance is at least 1e-6; a group of one keeps its reward",
    ),
    "dr_grpo_like_verl": Method(
        "outcome('correct') | center_by_group(keep_singletons=True)"
        " | broadcast_to_tokens()",
        *GRPO,
        laws=(*SOUND, "homogeneous", "stopping"),
        verified="code",
        believes="better than the group's mean; a lone reward as is",
        differs="norm_adv_by_std_in_grpo=False; a group of one keeps its reward",
    ),
    "rloo_like_verl": Method(
        "outcome('correct') | center_by_group(leave_one_out=True, keep_singletons=True)"
        " | broadcast_to_tokens()",
        *RLOO,
        laws=(*SOUND, "homogeneous", "stopping"),
        verified="code",
        believes="better than the others; a lone reward as is",
        differs="a group of one keeps its reward; `rloo_vectorized` is `rloo`",
    ),
    "grpo_like_tunix": Method(
        "outcome('correct') | center_by_group() | scale_by_group_std(eps=1e-6)"
        " | broadcast_to_tokens()",
        *GRPO,
        laws=(*SOUND, "shift", "scale"),
        verified="code",
        believes="completions better than their group's mean, in its spread",
        aggregation="sequence_mean",
        differs="a group of one gets 0, where Tunix has NaN",
    ),
    "grpo_like_easydel": Method(
        "outcome('correct') | center_by_group() | scale_by_group_std(eps=1e-4, ddof=0)"
        " | broadcast_to_tokens()",
        *GRPO,
        laws=(*SOUND, "shift"),
        verified="secondary",
        believes="better than the group's mean, in its spread over n",
        aggregation="sequence_mean",
        differs="the variance divides by n",
    ),
    "gpg_like_verl": Method(
        "outcome('correct') | scale_by_active_rows()"
        " | center_by_group(keep_singletons=True) | broadcast_to_tokens()",
        *GPG,
        laws=(*SOUND, "homogeneous"),
        verified="code",
        believes="better than the mean, made up for rewards of 0",
        surrogate="reinforce",
        differs="counts rows whose reward is not 0; a group of one keeps its reward",
    ),
    "passk_like_verl": Method(
        "outcome('correct') | center_by_group() | scale_by_group_std(eps=1e-6)"
        " | best_minus_second() | broadcast_to_tokens()",
        "Optimizing Language Models for Inference Time Objectives",
        "2503.19595",
        laws=(*SOUND, "shift", "scale"),
        verified="code",
        believes="only the best completion, by its lead in the group's spread",
        differs="norm_adv_by_std_in_grpo=True; without it verl's is `passk`",
    ),
}
