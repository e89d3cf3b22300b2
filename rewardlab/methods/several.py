"""Several outcomes a completion, each compared with its group before they are added."""

from rewardlab.methods.method import SOUND, Method

GDPO = ("GDPO: Group reward-Decoupled Normalization Policy Optimization", "2601.05242")
EACH = "outcome('correct') | outcome('format')"

SEVERAL: dict[str, Method] = {
    "gdpo": Method(
        f"{EACH} | center_by_group() | scale_by_group_std(eps=1e-4)"
        " | weighted_sum(correct=correct, format=format) | center_by_batch()"
        " | scale_by_batch_std(eps=1e-4) | broadcast_to_tokens()",
        *GDPO,
        laws=(*SOUND, "shift"),
        verified="code",
        hp={"correct": 1.0, "format": 1.0},
        believes="better than the group's mean in each reward alone",
        loss="clipped(epsilon=0.2) | kl(beta=0.04, kind='k3_unbounded') | token_mean()",
        differs="a reward that nobody else in the group has abstains. The authors' TRL"
        " fork with its defaults (by token, KL 0.04); their verl fork is another row",
    ),
    "gdpo_like_verl": Method(
        f"{EACH} | center_by_group(keep_singletons=True)"
        " | scale_by_group_std(eps=1e-6) | weighted_sum(correct=1.0, format=1.0)"
        " | broadcast_to_tokens() | whiten(eps=1e-8)",
        *GDPO,
        laws=SOUND,
        verified="code",
        believes="better than the group's mean in each reward alone",
        loss="clipped(epsilon=0.2) | entropy_bonus(0.001) | token_mean()",
        differs="no weights; the batch is that of tokens, so long rows count more;"
        " a group of one keeps its rewards",
    ),
    "kimi_length": Method(
        "outcome('correct') | copy_channel(short='correct')"
        " | on('short', group_length_reward()) | weighted_sum(correct=1, short=weight)"
        " | center_by_group() | broadcast_to_tokens()",
        "Kimi k1.5: Scaling Reinforcement Learning with LLMs",
        "2501.12599",
        laws=SOUND,
        verified="secondary",
        hp={"weight": 1.0},
        believes="right answers, the more the shorter they are",
        loss="reinforce() | sequence_sum()",
        differs="guess: weight 1; the paper starts without the length reward. Its loss"
        " adds tau / 2 (log of the row's ratio)^2, which moves nothing in the first"
        " update; guess: the sum over a row's tokens",
    ),
}
