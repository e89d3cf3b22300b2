"""The advantages of other libraries, to the last digit.

They differ in the divisor of the variance (ddof), in the epsilon, and in what a group
of one gets: for rewards (1, 0, 0, 0) the winner's advantage is 1.500 in verl and Tunix,
1.4997 in TRL and 1.7317 in EasyDeL.
"""

from rewardlab.methods.method import SOUND, VERL, Method

GRPO = ("DeepSeekMath", "2402.03300")
GPG = ("GPG: A Simple and Strong Reinforcement Learning Baseline", "2504.02546")
REINFORCE_PP = ("REINFORCE++", "2501.03262")
RLOO = ("Back to Basics: Revisiting REINFORCE Style Optimization", "2402.14740")

PRESETS: dict[str, Method] = {
    "grpo_like_trl": Method(
        "outcome('correct') | center_by_group() | scale_by_group_std(eps=1e-4)"
        " | broadcast_to_tokens()",
        *GRPO,
        laws=(*SOUND, "shift"),
        verified="code",
        believes="completions better than their group's mean, in its spread",
        differs="TRL 1.10's defaults: scale_rewards='group', loss_type='dapo' (by"
        " token; 'grpo' is sequence_mean_all), no KL",
    ),
    "grpo_like_trl_batch": Method(
        "outcome('correct') | scale_by_batch_std(eps=1e-4) | center_by_group()"
        " | broadcast_to_tokens()",
        *GRPO,
        laws=SOUND,
        verified="code",
        believes="better than the group's mean, in the batch's spread",
        differs="scale_rewards='batch': group mean, standard deviation of the batch;"
        " by token, TRL 1.10's default",
    ),
    "rloo_like_trl": Method(
        "outcome('correct') | kl_penalty(beta) | weighted_sum(correct=1, kl=1)"
        " | episode_return() | center_by_group(leave_one_out=True)"
        " | scale_by_batch_std(eps=1e-4) | broadcast_to_tokens()",
        *RLOO,
        laws=(*SOUND, "shift"),
        verified="code",
        hp={"beta": 0.05},
        believes="better than the others and near the reference, in the batch's spread",
        loss="clipped_row(epsilon=0.2) | sequence_mean_all()",
        differs="normalize_advantages=True; without it and the KL in the reward TRL's"
        " RLOO is `rloo`",
    ),
    "grpo_like_verl": Method(
        "outcome('correct') | center_by_group(keep_singletons=True)"
        " | scale_by_group_std(eps=1e-6) | broadcast_to_tokens()",
        *GRPO,
        laws=SOUND,
        verified="code",
        believes="better than the group's mean; a lone reward as is",
        loss=VERL,
        differs="a group of one keeps its reward",
    ),
    "grpo_like_verl_vectorized": Method(
        "outcome('correct') | center_by_group(keep_singletons=True)"
        " | scale_by_group_std(eps=1e-6, var_floor=1e-6) | broadcast_to_tokens()",
        *GRPO,
        laws=SOUND,
        verified="code",
        believes="better than the group's mean; tiny spreads count less",
        loss=VERL,
        differs="the variance is at least 1e-6; a group of one keeps its reward",
    ),
    "dr_grpo_like_verl": Method(
        "outcome('correct') | center_by_group(keep_singletons=True)"
        " | broadcast_to_tokens()",
        *GRPO,
        laws=(*SOUND, "homogeneous", "stopping"),
        verified="code",
        believes="better than the group's mean; a lone reward as is",
        loss=VERL,
        differs="norm_adv_by_std_in_grpo=False; a group of one keeps its reward. By"
        " token, verl's default; its page on Dr. GRPO sets a constant divisor",
    ),
    "rloo_like_verl": Method(
        "outcome('correct') | center_by_group(leave_one_out=True, keep_singletons=True)"
        " | broadcast_to_tokens()",
        *RLOO,
        laws=(*SOUND, "homogeneous", "stopping"),
        verified="code",
        believes="better than the others; a lone reward as is",
        loss=VERL,
        differs="a group of one keeps its reward; `rloo_vectorized` is `rloo`",
    ),
    "grpo_like_tunix": Method(
        "outcome('correct') | center_by_group() | scale_by_group_std(eps=1e-6)"
        " | broadcast_to_tokens()",
        *GRPO,
        laws=(*SOUND, "shift", "scale"),
        verified="code",
        believes="completions better than their group's mean, in its spread",
        loss="clipped(epsilon=0.2) | kl(beta=0.04, kind='k1') | sequence_mean()",
        differs="a group of one gets 0, where Tunix has NaN; its default KL is k1,"
        " whose gradient is 0 on average",
    ),
    "grpo_like_easydel": Method(
        "outcome('correct') | center_by_group() | scale_by_group_std(eps=1e-4, ddof=0)"
        " | broadcast_to_tokens()",
        *GRPO,
        laws=(*SOUND, "shift"),
        verified="secondary",
        believes="better than the group's mean, in its spread over n",
        loss="clipped(epsilon=0.2) | kl(beta=0.04, kind='k3_unbounded') | token_mean()",
        differs="the variance divides by n; loss_type='dapo' and its KL coefficient are"
        " EasyDeL's defaults; guess: k3",
    ),
    "reinforce_pp_like_verl": Method(
        "outcome('correct') | returns_to_go(discount=gamma, across_gaps=False)"
        " | whiten()",
        *REINFORCE_PP,
        laws=(*SOUND, "scale"),
        verified="code",
        hp={"gamma": 1.0},
        believes="tokens whose return is above the batch's mean",
        loss=VERL,
        differs="environment tokens end the return, as there; no KL in the reward, its"
        " default",
    ),
    "reinforce_pp_baseline_like_verl": Method(
        "outcome('correct') | center_by_group(keep_singletons=True)"
        " | broadcast_to_tokens() | whiten()",
        *REINFORCE_PP,
        laws=(*SOUND, "scale"),
        verified="code",
        believes="better than the group's mean, in the batch's spread",
        loss=VERL,
        differs="a group of one keeps its reward",
    ),
    "gpg_like_verl": Method(
        "outcome('correct') | scale_by_active_rows()"
        " | center_by_group(keep_singletons=True) | broadcast_to_tokens()",
        *GPG,
        laws=(*SOUND, "homogeneous"),
        verified="code",
        believes="better than the mean, made up for rewards of 0",
        loss="reinforce() | token_mean()",
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
        loss=VERL,
        differs="norm_adv_by_std_in_grpo=True; without it verl's is `passk`",
    ),
}
