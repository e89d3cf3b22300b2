"""Which completions are learned from, and how much groups without contrast matter."""

from rewardlab.methods.method import SOUND, Method

BY_ORDER = tuple(law for law in SOUND if law != "permutation")  # of equals the first

SELECTION: dict[str, Method] = {
    "rapo": Method(
        "outcome('correct') | center_by_group() | scale_by_group_std(eps=0, ddof=0)"
        " | scale_by_active_groups() | broadcast_to_tokens()",
        "Fathom-DeepResearch",
        "2509.24107",
        laws=(*SOUND, "shift", "scale"),
        verified="paper",
        believes="outcomes; groups that agree leave their share",
        differs="guess: G is the number of groups; `selection.replay` has the buffer",
    ),
    "pf_ppo": Method(
        "outcome('score') | keep_best_and_worst() | center_by_group()"
        " | broadcast_to_tokens()",
        "Policy Filtration for RLHF",
        "2409.06957",
        laws=(*SOUND, "shift", "homogeneous"),
        verified="code",
        believes="the best and the worst, where scores are reliable",
        differs="the paper draws such rows with replacement and has a critic; here the "
        "baseline is their mean, and all that share an extreme stay",
    ),
    "prof": Method(
        "outcome('correct') | process('prm')"
        " | keep_consistent('correct', steps='prm', share=share)"
        " | weighted_sum(correct=1) | center_by_group() | scale_by_group_std(eps=eps)"
        " | broadcast_to_tokens()",
        "Beyond Correctness: Harmonizing Process and Outcome Rewards",
        "2509.03403",
        laws=BY_ORDER,
        verified="code",
        hp={"share": 0.5, "eps": 1e-6},
        believes="right answers by good steps, wrong ones by bad",
        aggregation="sequence_mean",
        differs="half of any group goes, as 4 of 8 there; what is left is not cut to a "
        "multiple of the devices",
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
        aggregation="sequence_mean",
        differs="guess: the ranking adds to the outcome, and its constants; replayed "
        "rows of `selection.replay.opposite` join their group before",
    ),
    "prs": Method(
        "outcome('format') | outcome('parsed') | outcome('correct')"
        " | gated_accumulation('correct', format=1, parsed=1)"
        " | weighted_sum(format=0.1, parsed=0.1, correct=1) | center_by_group()"
        " | scale_by_group_std(eps=1e-6) | broadcast_to_tokens()",
        "Progressive Reward Shaping and Value-based Sampling",
        "2512.07478",
        laws=SOUND,
        verified="abstract",
        believes="first the format, then the call, then the answer",
        aggregation="sequence_mean",
        differs="guess: the weights of the stages; prompts for groups that agree come "
        "from `selection.curriculum.replace_flat`",
    ),
    "spear": Method(
        "outcome('correct') | outcome('calls') | on('calls', weighted_sum(calls=0.1)"
        " | cap(1)) | weighted_sum(correct=1, calls=cosine(1, 0, steps))"
        " | center_by_group() | scale_by_group_std(eps=1e-6) | broadcast_to_tokens()",
        "Learn the Ropes, Then Trust the Wins (SPEAR)",
        "2509.22601",
        laws=SOUND,
        verified="code",
        hp={"steps": 100},
        believes="calling tools early in training; later only answers",
        aggregation="sequence_mean",
        differs="without the replayed rows: their advantage is `replay.recalibrated`, "
        "weighted by cosine(0, coef, steps)",
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
