"""One advantage a row, spent where it matters."""

from rewardlab.methods.method import SOUND, VERL, Method

GRPO = (
    "outcome('correct') | center_by_group() | scale_by_group_std(eps=1e-6)"
    " | broadcast_to_tokens()"
)
EXCHANGE = ("Decomposing the Entropy-Performance Exchange", "2508.02260")

WEIGHTED: dict[str, Method] = {
    "high_entropy_tokens": Method(
        f"{GRPO} | keep_high_entropy(share=share)",
        "Beyond the 80/20 Rule",
        "2506.01939",
        laws=(*SOUND, "shift", "scale"),
        verified="code",
        hp={"share": 0.2},
        believes="the few tokens at which the policy hesitates",
        loss="clipped(epsilon=0.2, epsilon_high=0.28) | token_mean()",
        differs="TRL's form with the entropies of the policy that sampled; the paper "
        "adds the rest of `dapo`: long answers cost, prompts without differences go",
    ),
    "earl": Method(
        f"{GRPO} | keep_high_entropy(share=share, per_row=True)",
        "EARL: Entropy-Aware RL Alignment of LLMs for Reliable RTL Code Generation",
        "2511.12033",
        laws=(*SOUND, "shift", "scale"),
        verified="abstract",
        hp={"share": 0.2},
        believes="an answer's uncertain tokens, where code is decided",
        differs="guess: the loss, the share, and that it is a quantile of each "
        "response's tokens",
    ),
    "ppl_shaping": Method(
        f"{GRPO} | weigh_by_perplexity(alpha=alpha)",
        *EXCHANGE,
        laws=(*SOUND, "shift", "scale"),
        verified="secondary",
        hp={"alpha": 0.01},
        believes="answers that the policy found likely count more",
        differs="guess: the loss, alpha, and that the std is over n rows of the batch",
    ),
    "position_shaping": Method(
        f"{GRPO} | position_bonus(scale=scale)",
        *EXCHANGE,
        laws=(*SOUND, "shift", "scale"),
        verified="guess",
        hp={"scale": 0.1},
        believes="tokens near the end of an answer count more",
        differs="guess: the loss, and the bonus as a straight line in the relative "
        "position",
    ),
    "velocity_rank": Method(
        f"{GRPO} | capped_bonus('rank_bonus', kappa=kappa)",
        "Beyond the Exploration-Exploitation Trade-off",
        "2509.23808",
        laws=(*SOUND, "shift", "scale"),
        verified="code",
        hp={"kappa": 2.0},
        scorers="rank_bonus(stride=8)",
        believes="answers whose hidden states spread, and spread faster",
        loss="clipped(epsilon=0.2)"
        " | kl(beta=0.001, kind='k3')"
        " | entropy_bonus(0.001)"
        " | token_mean()",
        updates="mini_batches(2)",
        differs="the published script has its bonus switched off, which is GRPO; a "
        "stride of 8 tokens for 40, since answers here have tens of them",
    ),
    "g_opd": Method(
        "log_ratio('teacher_logp') | kl_penalty(1)"
        " | weighted_sum(teacher_logp=scale, kl=1) | returns_to_go(discount=0)",
        "Learning beyond Teacher: Generalized On-Policy Distillation",
        "2602.12125",
        laws=SOUND,
        verified="code",
        hp={"scale": 1.25},
        believes="tokens that the teacher came to like more than its base",
        loss=VERL,
        differs="scale=1 is on-policy distillation, whatever the reference",
    ),
    "rlfr": Method(
        "dense('flow') | minmax_by_row() | keep_top(count, above=above)"
        " | outcome('correct') | on('correct', center_by_group()"
        " | scale_by_group_std(eps=1e-9)) | weighted_sum(flow=coef, correct=1)"
        " | returns_to_go()",
        "RLFR: Extending RL for LLMs with Flow Environment",
        "2510.10201",
        laws=(*SOUND, "shift", "scale"),
        verified="code",
        hp={"count": 15, "above": 0.6, "coef": -0.01},
        scorers="flow(warmup=10)",
        believes="tokens whose hidden states stay near those of experts",
        loss="clipped(epsilon=0.2, dual_clip=3.0) | sequence_mean()",
        updates="mini_batches(8)",
        differs="the flow learns from the run's own right rows, a step an iteration and"
        " 10 before the policy does, where the paper fits it to experts' answers first;"
        " states have mean square 1; the least is that of the row's own tokens, where"
        " the code takes the second least where a row has no padding",
    ),
    "steer": Method(
        GRPO,
        "Rethinking Entropy Interventions in RLVR",
        "2510.10150",
        laws=(*SOUND, "shift", "scale"),
        verified="code",
        believes="tokens whose update leaves the policy's entropy alone",
        loss="steer(w_min=0.8, w_max=1.2, epsilon=0.2, epsilon_high=0.28,"
        " dual_clip=10.0) | token_mean()",
        updates="mini_batches(16)",
        differs="least and greatest change are those of the shard or micro-batch; the "
        "script with weights in a straight line, another has `steer_exponential`",
    ),
    "hicra": Method(
        f"{GRPO} | amplify('is_planning', alpha=alpha)",
        "Emergent Hierarchical Reasoning in LLMs through Reinforcement Learning",
        "2509.03646",
        laws=(*SOUND, "shift", "scale"),
        verified="secondary",
        hp={"alpha": 0.2, "size": 2, "share": 0.8},
        scorers="planning(size=size, share=share)",
        believes="tokens that plan, in right answers more, in wrong less",
        loss=VERL,
        differs="planning tokens are phrases of two tokens that four rows in five of"
        " the batch hold, for characters are tokens here: the paper has phrases of 3 to"
        " 5, found once by their frequency in clusters of meanings; use size=3 and a"
        " smaller share for words. guess: the loss, verl's, and the std over n - 1",
    ),
}
