"""What the policy, or its group, knows without being told."""

from rewardlab.methods.method import SOUND, VERL, Method

GRPO = (
    "outcome('correct') | center_by_group() | scale_by_group_std(eps=1e-6)"
    " | broadcast_to_tokens()"
)

LUFFY = "Learning to Reason under Off-Policy Guidance (LUFFY)"
SHAPED = (
    "guided(epsilon=0.2, epsilon_high=99.0, shape='constant', value=0.1) | constant()"
)
EXPERT = (
    "the expert is the task's own solution, the same at every visit; rows are averaged "
    "too, where the code divides by the width alone"
)

BELIEFS: dict[str, Method] = {
    "laser": Method(
        "outcome('correct') | center_by_group() | scale_by_group_std(eps=1e-6)"
        " | outcome('self_score')"
        " | standardize_or_fallback('self_score', 'correct', 'finished', min_std)"
        " | weighted_sum(correct=trust, self_score=tau) | broadcast_to_tokens()",
        "LaSeR: Reinforcement Learning with Last-Token Self-Rewarding",
        "2510.14943",
        laws=(*SOUND, "shift", "scale"),
        verified="code",
        hp={"tau": 0.1, "trust": 0.9, "min_std": 0.1},
        believes="what the verifier and the policy itself call right",
        loss=VERL.replace(" | token", " | self_verdict(weight=0.1) | token"),
        differs="trust is 1 - tau; self_score is held in [0, 1]. The verdict's loss is "
        "a mean over tokens, the code's over rows, in which right and wrong ones may "
        "weigh the same; the code waits 400 iterations before it uses the score",
    ),
    "tw_grpo": Method(
        "outcome('correct') | center_by_group() | scale_by_group_std(eps=1e-4)"
        " | broadcast_to_tokens() | weigh('importance')",
        "Reinforcing Video Reasoning with Focused Thinking",
        "2505.24718",
        laws=(*SOUND, "shift"),
        verified="code",
        believes="tokens at which answers to one prompt diverge",
        differs="importance is that of the sampling policy; the code takes the trained "
        "policy's and lets the gradient flow through it, at a ratio of 1",
    ),
    "rover": Method(
        "outcome('correct') | center_by_group() | broadcast_to_tokens()",
        "Random Policy Valuation is Enough for LLM Reasoning with Verifiable Rewards",
        "2509.24981",
        laws=(*SOUND, "shift", "homogeneous", "stopping"),
        verified="code",
        believes="actions from which a random policy would still succeed",
        loss="rover(rho=1.0, uniform='mean_logp') | token_mean()",
        updates="mini_batches(4)",
        differs="the Math script divides by the std",
    ),
    "guide_grpo": Method(
        GRPO,
        "Adaptive Guidance Accelerates RL of Reasoning Models",
        "2506.13923",
        laws=(*SOUND, "shift", "scale"),
        verified="code",
        believes="right answers, with a hint where none came",
        loss="guided(epsilon=0.2, shape='percentile', value=0.9) | sequence_mean()",
        select="hint_failed('correct') | keep_middling('correct', low=0.001,"
        " high=0.999)",
        differs="the hint is the first step of the task's own solution, where a strong "
        "model writes guidance; every prompt is sampled with it, whether it failed or "
        "not; where no prompt passes the filter the code samples all again",
    ),
    "luffy": Method(
        "outcome('correct') | center_by_group() | broadcast_to_tokens()",
        LUFFY,
        "",
        laws=(*SOUND, "shift", "homogeneous", "stopping"),
        verified="code",
        believes="right answers, an expert's most where the policy would not write it",
        loss=SHAPED,
        select="expert_rows(1)",
        differs=EXPERT,
    ),
    "luffy_split": Method(
        "outcome('correct') | center_by_own_rows() | broadcast_to_tokens()",
        LUFFY,
        "",
        laws=(*SOUND, "homogeneous", "stopping"),
        verified="code",
        believes="right answers against the policy's own mean, an expert's beside them",
        loss=SHAPED,
        select="expert_rows(1)",
        differs=f"{EXPERT}; the code's variant that leaves the expert out of the mean",
    ),
    "expo": Method(
        GRPO,
        "ExPO: Unlocking Hard Reasoning with Self-Explanation-Guided RL",
        "2507.02834",
        laws=(*SOUND, "shift", "scale"),
        verified="secondary",
        hp={"beta": 0.04},
        believes="right answers, and explanations of those that were given away",
        loss="guided(epsilon=0.2, shape='power', value=0.0) | explain(beta, 'correct')"
        " | sequence_mean()",
        select="hint_failed('correct', hint='answer')",
        differs="guess: beta, by token and by row; explanations are written where all "
        "rows failed, and only those that end in the right answer count",
    ),
    "spro": Method(
        f"{GRPO} | kl_penalty(beta) | on('kl', accumulate() | center_by_group_column())"
        " | weighted_sum(correct=1, kl=-1)",
        "Self-Guided Process Reward Optimization",
        "2507.01551",
        laws=(*SOUND, "shift", "scale"),
        verified="secondary",
        hp={"beta": 0.05},
        believes="right answers, and prefixes that the policy came to like",
        loss="clipped(epsilon=0.2) | token_mean()",
        differs="equations 11 to 13 as secondary sources have them: the log-ratio to"
        " the reference summed up to each token, less its mean over the rows that still"
        " write there; the survey and a note call it leave-one-out with and without the"
        " step, which contradicts them. guess: beta, the loss, and every token its own"
        " step",
    ),
}
