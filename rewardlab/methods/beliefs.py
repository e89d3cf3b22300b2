"""What the policy, or its group, knows without being told."""

from rewardlab.methods.method import SOUND, VERL, Method

GRPO = (
    "outcome('correct') | center_by_group() | scale_by_group_std(eps=1e-6)"
    " | broadcast_to_tokens()"
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
        differs="importance is objectives.token_importance of the sampling policy; the "
        "code takes the trained policy's and lets the gradient flow through it, at a "
        "ratio of 1",
    ),
    "rover": Method(
        "outcome('correct') | center_by_group() | broadcast_to_tokens()",
        "Random Policy Valuation is Enough for LLM Reasoning with Verifiable Rewards",
        "2509.24981",
        laws=(*SOUND, "shift", "homogeneous", "stopping"),
        verified="code",
        believes="actions from which a random policy would still succeed",
        loss="rover(rho=1.0) | token_mean()",
        updates="mini_batches(4)",
        differs="the target lacks the next token's value, which needs the whole "
        "vocabulary (objectives.rover); the Math script divides by the std",
    ),
    "guide_grpo": Method(
        GRPO,
        "Adaptive Guidance Accelerates RL of Reasoning Models",
        "2506.13923",
        laws=(*SOUND, "shift", "scale"),
        verified="abstract",
        believes="right answers, with a hint where none came",
        differs="GRPO to the letter: no prompt is sampled again with a hint, since "
        "`selection.hints` is called by no run yet; guess: the estimator is GRPO's",
    ),
}
