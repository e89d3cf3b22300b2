"""One outcome a completion, compared with its group or its batch."""

from rewardlab.methods.method import ALWAYS, BY_SEQUENCE, SOUND, VERL, Method

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
        hp={"eps": 1e-6, "epsilon": 0.2, "beta": 0.04},
        believes="completions better than their group's mean, in its spread",
        loss="clipped(epsilon) | kl(beta, kind='k3_unbounded') | sequence_mean()",
        differs="a group of one gets 0; guess: epsilon, which the paper does not give",
    ),
    "dr_grpo": Method(
        "outcome('correct') | center_by_group() | broadcast_to_tokens()",
        "Understanding R1-Zero-Like Training",
        "2503.20783",
        laws=(*SOUND, "shift", "homogeneous", "stopping"),
        verified="code",
        hp={"epsilon": 0.2},
        believes="completions better than their group's mean, spread ignored",
        loss="clipped(epsilon) | constant()",
    ),
    "rloo": Method(
        "outcome('correct') | center_by_group(leave_one_out=True)"
        " | broadcast_to_tokens()",
        *RLOO,
        laws=(*SOUND, "shift", "homogeneous", "stopping"),
        verified="code",
        believes="completions better than the others of their group",
        loss="clipped_row(epsilon=0.2) | sequence_mean()",
        differs="a group of one gets 0; no KL, which the paper takes off the reward;"
        " the clip of the row's ratio is TRL's, at 1 it is the paper's gradient",
    ),
    "maxrl": Method(
        "outcome('correct') | scale_by_group_mean(eps=eps) | center_by_group()"
        " | broadcast_to_tokens()",
        "Maximum Likelihood Reinforcement Learning (MaxRL)",
        "2602.02710",
        laws=(*SOUND, "scale"),
        verified="code",
        hp={"eps": 1e-6},
        believes="right answers, the more so the rarer they are",
        loss=VERL,
        differs="a group of one gets 0, the code r / eps; where a group's mean is not"
        " above 0 all get 0, as in prime-rl: the code turns signs over. guess: the"
        " loss, that of the library which it stands in",
    ),
    "remax": Method(
        "outcome('correct') | center_by_signal('greedy') | broadcast_to_tokens()",
        "ReMax",
        "2310.10505",
        laws=(*SOUND, "shift", "homogeneous"),
        verified="code",
        believes="completions better than the greedy one",
        loss="reinforce() | token_mean()",
        differs="the scores are not held within +-5; no KL, where its scripts take 0.05"
        " (log pi - log ref) off each token's advantage",
    ),
    "opo": Method(
        "outcome('correct') | broadcast_to_tokens() | center_by_group()",
        "On-Policy RL with Optimal Reward Baseline",
        "2505.23585",
        laws=(*SOUND, "shift", "homogeneous"),
        verified="code",
        believes="completions better than their group's average token",
        differs="a group of one gets 0; the code keeps its reward. Meant for one update"
        " a batch, where no ratio leaves 1",
    ),
    "gpg": Method(
        "outcome('correct') | center_by_group(zero_singletons=True)"
        " | scale_by_active_groups()"
        " | broadcast_to_tokens()",
        "GPG: A Simple and Strong Reinforcement Learning Baseline",
        "2504.02546",
        laws=(*SOUND, "shift", "homogeneous"),
        verified="code",
        believes="better than the mean, groups without differences made up for",
        loss="reinforce() | sequence_mean()",
        differs="groups without differences are not sampled again while they are more"
        " than 60 %; the code for text only means over tokens",
    ),
    "passk": Method(
        "outcome('correct') | best_minus_second() | broadcast_to_tokens()",
        "Optimizing Language Models for Inference Time Objectives",
        "2503.19595",
        laws=(*SOUND, "shift", "homogeneous"),
        verified="code",
        believes="only the best completion, by its lead over the second",
        differs="a group of one gets 0; the code raises",
    ),
    "dapo": Method(
        "outcome('correct') | weighted_sum(correct=2) | shift(-1)"
        " | overlong_penalty(after=after, max_penalty=max_penalty) | center_by_group()"
        " | scale_by_group_std(eps=1e-6) | broadcast_to_tokens()",
        "DAPO: An Open-Source LLM Reinforcement Learning System at Scale",
        "2503.14476",
        laws=(*ALWAYS, "shift"),  # wider is a higher limit, where less is overlong
        verified="code",
        hp={"after": 0.8, "max_penalty": 1.0, "epsilon": 0.2, "epsilon_high": 0.28},
        believes="better than the group's mean, and not overlong",
        loss="clipped(epsilon, epsilon_high, dual_clip=10.0) | token_mean()",
        select="drop_uniform('correct') | refill(rounds=3)",
        updates="mini_batches(16)",
        differs="lengths are shares of the limit: 4096 of 20480 tokens there."
        " At most 3 samplings a batch; there up to 10, of three times as many prompts",
    ),
    "reinforce_pp": Method(
        "outcome('correct') | returns_to_go(discount=gamma)"
        " | whiten(eps=0, ddof=0, var_floor=1e-8)",
        *REINFORCE_PP,
        laws=(*SOUND, "scale"),
        verified="code",
        hp={"gamma": 1.0},
        believes="tokens whose return is above the batch's mean",
        differs="no KL, where the paper takes beta (log pi - log ref) off each token's"
        " reward; environment tokens take no time",
    ),
    "reinforce_pp_baseline": Method(
        "outcome('correct') | center_by_group(keep_singletons=keep_singletons)"
        " | broadcast_to_tokens() | whiten(eps=0, ddof=0, var_floor=1e-8)",
        *REINFORCE_PP,
        laws=(*SOUND, "shift", "scale"),
        verified="code",
        hp={"keep_singletons": False},
        believes="better than the group's mean, in the batch's spread",
        loss="clipped(epsilon=0.2) | kl(beta=1e-05, kind='k2') | token_mean()",
        differs="a group of one gets 0. OpenRLHF's script also drops prompts that all"
        " rows solve or none, and weighs tokens by IcePop",
    ),
    "optimal_token_baseline": Method(
        "outcome('correct') | returns_to_go()"
        " | optimal_token_baseline(square='sum_pi_squared', keep_tail=keep_tail)",
        "The Optimal Token Baseline: Variance Reduction for Long-Horizon LLM-RL",
        "2602.07078",
        laws=(*SOUND, "shift", "homogeneous"),
        verified="code",
        hp={"keep_tail": False},
        believes="tokens that return more than rows which moved as much",
        loss=VERL,
        differs="the divisor has no 1e-8, a group of one gets 0; holes take no time",
    ),
    "unlikeliness": Method(
        "outcome('correct') | unlikeliness(beta=beta, first_rank=first_rank)"
        " | center_by_group() | scale_by_group_std(eps=1e-6) | broadcast_to_tokens()",
        "Rewarding the Unlikely: Lifting GRPO Beyond Distribution Sharpening",
        "2506.02355",
        laws=(*SOUND, "scale"),
        verified="code",
        hp={"beta": 0.25, "first_rank": 0},
        believes="right answers, the more so if they were unlikely",
        loss="clipped(epsilon=0.2) | kl(beta=0.1, kind='k3') | token_mean()",
        updates="epochs(2)",
        differs="ranks as in the code; first_rank=1 is the paper's. Ties share a rank;"
        " a group of one gets 0",
    ),
    "grpo_care": Method(
        "outcome('correct') | consistency_bonus(answer='is_answer', ref='ref_logp',"
        " coef=coef, margin=margin, max_confidence=max_confidence) | center_by_group()"
        " | scale_by_group_std(eps=1e-4) | broadcast_to_tokens()",
        "GRPO-CARE: Consistency-Aware Reinforcement Learning",
        "2506.16141",
        laws=SOUND,
        verified="code",
        hp={"coef": 0.5, "margin": 0.01, "max_confidence": 0.95},
        believes="right answers that their own reasoning makes likely",
        loss=BY_SEQUENCE,
        scorers="moving_reference(0.995, every=10)",
        differs="compared in its group, where the code compares in the local batch;"
        " the mean log-prob has no 1e-6; no clip there, for it updates once a batch",
    ),
    "dr_irl": Method(
        "outcome('score') | center_by_group() | scale_by_group_std(eps=0.0)"
        " | broadcast_to_tokens() | weigh_by_unlikeness('similarity')"
        " | weigh_by_gap('gap', tau=tau)",
        "DR-IRL: Dynamic Reward Scaling for Safety Alignment",
        "2503.18991",
        laws=(*SOUND, "shift"),
        verified="guess",
        hp={"tau": 1.0},
        scorers="statements('reference') | reference_ids('reference')"
        " | demonstration_model()",
        believes="better than the mean, more where the data are hard",
        differs="guess: std over n - 1 without epsilon; the kept gaps' plain mean, and"
        " all gaps if none is kept; tau; the loss, PPO's by token. Equal rewards give"
        " 0, where 0/0 is written. One reward model of all demonstrations, where there"
        " is one a category of harm",
    ),
    "duration_aware": Method(
        "outcome('correct') | center_by_group() | broadcast_to_tokens()"
        " | weigh_by_duration('duration')",
        "Reinforcement Learning for Machine Learning Engineering Agents",
        "2509.01684",
        laws=(*SOUND, "shift", "homogeneous"),
        verified="guess",
        believes="actions by how long they ran, of better completions",
        differs="guess: the advantage that is weighted, and the loss, PPO's by token; "
        "the calculator's clock is simulated, 1 s a turn and 1 s a character that its "
        "tool writes",
    ),
}
