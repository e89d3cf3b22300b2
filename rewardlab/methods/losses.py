"""The same advantages under other policy losses.

What differs is the loss: how far a token or a row may move, and what is done with those
that another policy sampled. The sentence is mostly GRPO's.
"""

from rewardlab.methods.method import SOUND, VERL, Method

GRPO = (
    "outcome('correct') | center_by_group() | scale_by_group_std(eps=eps)"
    " | broadcast_to_tokens()"
)
KEEPS = (*SOUND, "shift", "scale")
ENTROPY = ("The Entropy Mechanism of Reinforcement Learning", "2505.22617")
GSPO = ("Group Sequence Policy Optimization", "2507.18071")
IN_PARTS = (
    "at most 3 samplings a batch, there up to 10. Shares and means are those of a"
    " device's micro-batch"
)

LOSSES: dict[str, Method] = {
    "gspo": Method(
        GRPO,
        *GSPO,
        laws=KEEPS,
        verified="code",
        hp={"eps": 1e-6, "epsilon": 3e-4, "epsilon_high": 4e-4},
        believes="whole answers, as long as their likelihood stays near",
        loss="gspo(epsilon, epsilon_high) | sequence_mean()",
        updates="mini_batches(4)",
    ),
    "gspo_token": Method(
        GRPO,
        *GSPO,
        laws=KEEPS,
        verified="code",
        hp={"eps": 1e-6, "epsilon": 3e-4, "epsilon_high": 4e-4},
        believes="tokens by their own advantage, clipped by their answer's ratio",
        loss="gspo_token(epsilon, epsilon_high) | sequence_mean()",
        updates="mini_batches(4)",
    ),
    "cispo": Method(
        GRPO,
        "MiniMax-M1: Scaling Test-Time Compute with Lightning Attention",
        "2506.13585",
        laws=KEEPS,
        verified="code",
        hp={"eps": 1e-6, "epsilon": 1.0, "epsilon_high": 4.0},
        believes="every token of a better answer, weighted but never dropped",
        loss="cispo(epsilon, epsilon_high) | token_mean()",
        updates="mini_batches(16)",
        differs="no lower bound, as in the paper; guess: the cap of 5 is TRL's advice."
        " The paper also has DAPO's sampling and price on length; guess: its 16"
        " mini-batches, from memory",
    ),
    "sapo": Method(
        GRPO,
        "Soft Adaptive Policy Optimization",
        "2511.20347",
        laws=KEEPS,
        verified="code",
        hp={"eps": 1e-6, "tau_pos": 1.0, "tau_neg": 1.05},
        believes="tokens near the old policy most, others smoothly less",
        loss="sapo(tau_pos, tau_neg) | sequence_mean()",
        updates="mini_batches(4)",
        differs="guess: 4 mini-batches, where the paper has several",
    ),
    "gmpo": Method(
        GRPO,
        "Geometric-Mean Policy Optimization",
        "2507.20673",
        laws=KEEPS,
        verified="code",
        hp={"eps": 1e-6, "epsilon": 0.4},
        believes="whole answers, with no single token's ratio deciding",
        loss="gmpo(epsilon) | sequence_mean_all()",
        updates="mini_batches(8)",
        differs="the epsilon of the std is verl's, 1e-8 in the authors' code; guess: 8"
        " mini-batches, from memory",
    ),
    "clip_cov": Method(
        GRPO,
        *ENTROPY,
        laws=KEEPS,
        verified="code",
        hp={"eps": 1e-6, "cov_share": 2e-4, "cov_low": 1.0, "cov_high": 5.0},
        believes="better answers, save a few tokens that cost entropy",
        loss="clip_cov(1.0, 1.0, cov_share, cov_low, cov_high) | token_mean()",
        select="drop_uniform('correct') | refill(rounds=3)",
        updates="mini_batches(8)",
        differs=IN_PARTS,
    ),
    "kl_cov": Method(
        GRPO,
        *ENTROPY,
        laws=KEEPS,
        verified="code",
        hp={"eps": 1e-6, "cov_share": 2e-3, "cov_kl": 1.0},
        believes="better answers, slower where tokens cost entropy",
        loss="kl_cov(cov_share, cov_kl) | token_mean()",
        select="drop_uniform('correct') | refill(rounds=3)",
        updates="mini_batches(8)",
        differs=f"{IN_PARTS}. The share is that of its 7B script, 2e-4 for 32B",
    ),
    "reinforce": Method(
        "outcome('correct') | center_by_group() | broadcast_to_tokens()",
        "Simple statistical gradient-following algorithms (Williams, 1992)",
        "",
        laws=(*SOUND, "shift", "homogeneous", "stopping"),
        verified="",
        believes="every token of an answer, by how much it beats the mean",
        loss="reinforce() | sequence_sum()",
        differs="the group's mean is the baseline, where the original has any",
    ),
    "vespo": Method(
        GRPO,
        "VESPO: Variational Sequence-Level Soft Policy Optimization",
        "2602.10693",
        laws=KEEPS,
        verified="code",
        hp={
            "eps": 1e-6,
            "k_pos": 2.0,
            "lambda_pos": 3.0,
            "k_neg": 3.0,
            "lambda_neg": 2.0,
        },
        believes="answers that the policy would still give, smoothly less beyond",
        loss="vespo(k_pos, lambda_pos, k_neg, lambda_neg) | token_mean()",
        updates="mini_batches(4)",
        differs="TRL's form: it bounds the log-ratios. The paper tries from 4 to 64"
        " mini-batches",
    ),
    "luspo": Method(
        GRPO,
        "LUSPO: Length-Unbiased Sequence Policy Optimization",
        "2602.05261",
        laws=KEEPS,
        verified="code",
        hp={"eps": 1e-6, "epsilon": 2e-3, "epsilon_high": 2.5e-3},
        believes="whole answers, in proportion to their length",
        loss="gspo(epsilon, epsilon_high) | sequence_sum_all()",
        updates="mini_batches(4)",
        differs="TRL's form: GSPO times a row's length, with the paper's widths; guess:"
        " the mini-batches of GSPO",
    ),
    "deepseek_v3_2": Method(
        "outcome('correct') | center_by_group() | broadcast_to_tokens()",
        "DeepSeek-V3.2",
        "2512.02556",
        laws=(*SOUND, "shift", "homogeneous", "stopping"),
        verified="code",
        hp={"epsilon": 0.2, "delta": 0.5, "beta": 1e-3},
        believes="better answers, and worse ones that are still likely",
        loss="mask_off_policy(epsilon, off_policy_delta=delta)"
        " | kl(beta, kind='k3_unbounded', correct_bias=True) | sequence_mean()",
        differs="guess: delta and the KL's coefficient, that of DeepSeek-R1; the report"
        " gives neither and leaves the KL out for mathematics",
    ),
    "grpo_tis": Method(
        f"{GRPO} | truncated_importance(max_weight=max_weight)",
        "Truncated importance weights (IMPALA)",
        "1802.01561",
        laws=KEEPS,
        verified="code",
        hp={"eps": 1e-6, "max_weight": 2.0},
        believes="better answers, by how likely the trainer finds each token",
        loss=VERL,
        differs="verl's rollout correction by token, without batch normalisation",
    ),
    "grpo_mis": Method(
        f"{GRPO} | masked_importance(min_weight=min_weight, max_weight=max_weight)",
        "Every Step Evolves (Ring-1T: IcePop)",
        "2510.18855",
        laws=KEEPS,
        verified="code",
        hp={"eps": 1e-6, "min_weight": 0.5, "max_weight": 5.0},
        believes="tokens on which sampler and trainer agree",
        differs="TRL's token_mask; guess: the paper's bounds, from secondary sources",
    ),
    "gui_g1": Method(
        "outcome('hit') | outcome('overlap') | outcome('corners')"
        " | weighted_sum(hit=1, overlap=alpha, corners=beta) | center_by_group()"
        " | broadcast_to_tokens() | weigh('difficulty')",
        "GUI-G1: Understanding R1-Zero-Like Training for Visual Grounding",
        "2505.15810",
        laws=(*SOUND, "shift", "homogeneous"),
        verified="code",
        hp={"alpha": 0.25, "beta": 0.125},
        scorers="boxes('box', width=1000, height=1000) | column('difficulty')",
        believes="a click inside the box, small boxes most",
        loss="clipped(epsilon=0.2) | constant()",
        differs="the token sum is over the generation limit; the code has 64",
    ),
    "dppo": Method(
        "outcome('correct') | center_by_group() | broadcast_to_tokens()",
        "Rethinking the Trust Region in LLM Reinforcement Learning (DPPO)",
        "2602.04879",
        laws=(*SOUND, "shift", "homogeneous", "stopping"),
        verified="code",
        hp={"low": 0.15, "high": 0.15, "cap": 10.0},
        believes="better answers, until a token's probability has moved enough",
        loss="dppo(low, high, divergence='tv', cap=cap) | token_mean()",
        updates="mini_batches(4)",
        differs="guess: both bounds, 4 mini-batches, and no std, as in its examples",
    ),
    "dppo_top_k": Method(
        "outcome('correct') | center_by_group() | broadcast_to_tokens()",
        "Rethinking the Trust Region in LLM Reinforcement Learning (DPPO, top-k)",
        "2602.04879",
        laws=(*SOUND, "shift", "homogeneous", "stopping"),
        verified="code",
        hp={"low": 0.15, "high": 0.15, "cap": 10.0},
        believes="better answers, until the likeliest tokens have moved enough",
        loss="dppo_top_k(low, high, k=20, divergence='tv', cap=cap) | token_mean()",
        updates="mini_batches(4)",
        differs="a sampled token that is none of the k likeliest takes the place of the"
        " last of them, as in the code. guess: both bounds, k, 4 mini-batches, and no"
        " std, as in its examples",
    ),
    "kpop": Method(
        f"{GRPO} | mask_binary_kl(upper)",
        "AReaL: A Large-Scale Asynchronous Reinforcement Learning System (KPop)",
        "2505.24298",
        laws=KEEPS,
        verified="code",
        hp={"eps": 1e-6, "upper": 2.0},
        believes="better answers, where sampler and trainer agree on the token",
        differs="its mask by token; guess: the loss and the baseline, which its library"
        " leaves to the config",
    ),
    "echo": Method(
        "outcome('correct') | center_by_group() | broadcast_to_tokens()",
        "ECHO and the default loss of prime-rl",
        "",
        laws=(*SOUND, "shift", "homogeneous", "stopping"),
        verified="code",
        hp={"low": 0.2, "high": 0.2, "drift": 1e-3, "alpha": 0.1},
        believes="better answers, and what the environment will say",
        loss="dppo_ratio(low, high, drift) | token_mean() | predict_environment(alpha)",
        differs="all that the environment writes is predicted, where the code marks the"
        " bodies of tool responses of later turns, so that no template is learned; on a"
        " task without an environment the term is 0. guess: the baseline, the group's"
        " mean",
    ),
}
