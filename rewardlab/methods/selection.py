"""Which completions are learned from, and how much groups without contrast matter."""

from rewardlab.methods.method import BY_SEQUENCE, SOUND, Method

BY_ORDER = tuple(law for law in SOUND if law != "permutation")  # of equals the first
AGAINST_GROUP = (
    "center_by_group() | scale_by_group_std(eps=1e-6) | broadcast_to_tokens()"
)

SELECTION: dict[str, Method] = {
    "rapo": Method(
        "outcome('correct') | center_by_group(zero_singletons=True)"
        " | scale_by_group_std(eps=0, ddof=0) | scale_by_active_groups()"
        " | broadcast_to_tokens()",
        "Fathom-DeepResearch",
        "2509.24107",
        laws=(*SOUND, "shift", "scale"),
        verified="paper",
        believes="outcomes; groups that agree leave their share",
        select="leave_solved('correct', at=0.9) | replay_solved('correct')",
        differs="guess: G is the number of groups, the average by token. Solved "
        "prompts are passed over one by one, not dropped at the end of an epoch: a "
        "batch is taken from twice as many",
    ),
    "pf_ppo": Method(
        "outcome('score') | center_by_group() | broadcast_to_tokens()",
        "Policy Filtration for RLHF",
        "2409.06957",
        laws=(*SOUND, "shift", "homogeneous"),
        verified="code",
        believes="the best and the worst, where scores are reliable",
        loss=BY_SEQUENCE,
        select="keep_best_and_worst('score')",
        updates="mini_batches(4)",
        differs="the paper draws such rows with replacement and has a critic and a KL "
        "of 0.01 in the reward; here the baseline is the mean of what is kept, and all "
        "that share an extreme stay",
    ),
    "prof": Method(
        "outcome('correct') | center_by_group() | scale_by_group_std(eps=eps)"
        " | broadcast_to_tokens()",
        "Beyond Correctness: Harmonizing Process and Outcome Rewards",
        "2509.03403",
        laws=(*SOUND, "shift", "scale"),
        verified="code",
        hp={"eps": 1e-6},
        believes="right answers by good steps, wrong ones by bad",
        loss="clipped(epsilon=0.2, dual_clip=3.0)"
        " | kl(beta=0.001, kind='k3')"
        " | entropy_bonus(0.001)"
        " | token_mean()",
        select="keep_consistent('correct', steps='prm', share=0.5)",
        updates="mini_batches(4)",
        differs="half of any group goes, as 4 of 8 there; what is left is not cut to a "
        "multiple of the devices; the entropy bonus is the default of its verl",
    ),
    "r3": Method(
        "outcome('correct') | entropy_ranking('entropy', share=share, best=best)"
        " | weighted_sum(correct=1, entropy=1) | center_by_group()"
        " | scale_by_group_std(eps=1e-6, ddof=0) | broadcast_to_tokens()",
        "R^3: Replay, Reflection and Ranking Rewards",
        "2601.19620",
        laws=BY_ORDER,
        verified="guess",
        hp={"share": 0.2, "best": 0.5},
        believes="answers that fork sharply and are calm otherwise",
        loss=BY_SEQUENCE,
        select="replay_opposite('correct', rows=1)",
        differs="guess: the ranking adds to the outcome, and its constants; one row is "
        "replayed, in the place of one of the group, which there grows by it. Its "
        "entropies are those that it was sampled with",
    ),
    "prs": Method(
        "outcome('format') | outcome('parsed') | outcome('correct')"
        " | gated_accumulation('correct', format=1, parsed=1)"
        f" | weighted_sum(format=0.1, parsed=0.1, correct=1) | {AGAINST_GROUP}",
        "Progressive Reward Shaping and Value-based Sampling",
        "2512.07478",
        laws=SOUND,
        verified="abstract",
        believes="first the format, then the call, then the answer",
        loss=BY_SEQUENCE,
        select="replace_flat('correct')",
        differs="guess: the weights of the stages. A prompt whose rows agree becomes a "
        "copy of another of the batch, rows and all, without the clip for prompts that "
        "come twice",
    ),
    "spear": Method(
        "outcome('correct') | outcome('calls') | on('calls', weighted_sum(calls=0.1)"
        " | cap(1)) | weighted_sum(correct=1, calls=cosine(1, 0, steps))"
        " | center_by_group() | broadcast_to_tokens()"
        " | recalled(cosine(0, 1, replay_steps))",
        "Learn the Ropes, Then Trust the Wins (SPEAR)",
        "2509.22601",
        laws=SOUND,
        verified="code",
        hp={"steps": 200, "replay_steps": 200},
        believes="calling tools early in training; later only answers",
        loss="clip_cov(epsilon=0.2, epsilon_high=0.28, cov_share=2e-4, cov_low=1.0,"
        " cov_high=5.0) | constant()",
        select="keep_varied('correct', share=0.75) | recall(groups=256, most=10)",
        updates="mini_batches(2)",
        differs="the script for 32B, without its filters of overlong, unfinished and "
        "unreadable rows; its norm of token sums is not divided by rows. Replayed rows "
        "stand in the places of dropped prompts, under one norm with the others, where "
        "the second loss has its own; guess: the ramp is as long as that of the tools",
    ),
    "score": Method(
        "process('attempt') | improvement_bonus(alpha) | kl_penalty(beta)"
        " | weighted_sum(attempt=1, kl=1) | returns_to_go() | center_by_group()",
        "Training Language Models to Self-Correct via RL (SCoRe)",
        "2409.12917",
        laws=SOUND,
        verified="secondary",
        hp={"alpha": 10.0, "beta": 0.01},
        believes="attempts, and far more a mended answer",
        differs="stage II; the baseline is the group's mean return to go",
    ),
    "score_stage_1": Method(
        "process('attempt') | only_step(1) | kl_penalty(beta) | on('kl', only_step(0))"
        " | weighted_sum(attempt=1, kl=1) | returns_to_go() | center_by_group()",
        "Training Language Models to Self-Correct via RL (SCoRe)",
        "2409.12917",
        laws=SOUND,
        verified="secondary",
        hp={"beta": 0.1},
        believes="the second answer, if the first stays as it was",
        differs="stage I; the baseline is the group's mean return to go",
    ),
}
