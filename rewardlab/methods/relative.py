"""Completions are judged against one another, not each by itself."""

from rewardlab.methods.method import SOUND, Method

RELATIVE: dict[str, Method] = {
    "spo": Method(
        "average('preference') | center_by_group() | broadcast_to_tokens()",
        "A Minimaximalist Approach to RL from Human Feedback",
        "2401.04056",
        laws=(*SOUND, "shift", "homogeneous"),
        verified="paper",
        scorers="preference('correct')",
        believes="beating the policy's other answers, whatever their score",
        differs="the paper trains with a critic, here against the group's mean; the "
        "verifier stands in for its preferences, for which a small model judges with "
        "scorers='versus()'",
    ),
    "pref_grpo": Method(
        "average('beats') | center_by_group() | scale_by_group_std(eps=eps)"
        " | broadcast_to_tokens()",
        "Pref-GRPO",
        "2508.20751",
        laws=(*SOUND, "shift", "scale"),
        verified="code",
        hp={"eps": 1e-8},
        scorers="beats('correct')",
        believes="winning comparisons, where scores hardly differ",
        loss="clipped(epsilon=0.0001) | sequence_mean()",
        differs="the code rounds win rates to 3 decimals; see win_rate_of_verdicts. It "
        "trains denoising steps in the place of tokens, and holds advantages within 5, "
        "which groups of up to 26 cannot exceed",
    ),
    "arena_rl": Method(
        "outcome('placement') | center_by_group() | scale_by_group_std(eps=eps)"
        " | broadcast_to_tokens()",
        "ArenaRL",
        "2601.06487",
        laws=(*SOUND, "shift", "scale"),
        verified="code",
        hp={"eps": 1e-6},
        scorers="single_elimination('correct')",
        believes="a high place in a tournament of the group",
        loss="clipped(epsilon=0.2, epsilon_high=0.28) | sequence_mean()",
        differs="the verifier stands in for its judge, which another one of `scorers` "
        "brings back: `single_elimination('package.module:judge')`, or, with a small "
        "model of pairs, `versus() | single_elimination('preference')`; the paper's "
        "anchor is the greedy completion, the code's the first",
    ),
}
