"""Agents: rewards that belong to turns."""

from rewardlab.methods.method import SOUND, Method

GRPO = ("DeepSeekMath", "2402.03300")
GIGPO = ("Group-in-Group Policy Optimization for LLM Agent Training", "2505.10978")
IGPO = ("Information Gain-based Policy Optimization", "2510.14967")
Z = "center_by_group() | scale_by_group_std(eps=eps)"
INVALID = "unreadable actions cost 0.1 there; many updates a batch there, one here"

TURNS: dict[str, Method] = {
    "g_ra": Method(
        "outcome('correct') | process('prm')"
        " | gated_accumulation('prm', correct=threshold)"
        " | weighted_sum(correct=1, prm=1) | episode_return() | center_by_group()"
        " | scale_by_group_std() | broadcast_to_tokens()",
        "Stabilizing Long-term Multi-turn RL with Gated Rewards",
        "2508.10548",
        laws=SOUND,
        verified="secondary",
        hp={"threshold": 0.5},
        believes="steps, but only of runs that reach the goal",
        differs="the estimator after the gate is GRPO's",
    ),
    "video_mtr": Method(
        "new_best('iou', gain=0.5, penalty=penalty) | outcome('correct')"
        " | gated_accumulation('iou', correct=0, strict=True)"
        " | on('correct', return_from_step(discount=gamma))"
        " | weighted_sum(iou=1, correct=1) | center_by_group()"
        " | step_returns_to_go(discount=0)",
        "Video-MTR: Reinforced Multi-Turn Reasoning for Long Video Understanding",
        "2508.20478",
        laws=SOUND,
        verified="paper",
        hp={"penalty": 1.0, "gamma": 0.95},
        believes="turns that find better frames than before, if right",
        differs="guess: the penalty's rate, and a best overlap of 0 at first; turns "
        "are gated as the episode is; the baseline is the group's mean over turns; its "
        "bonus for retrieving is the word `bonus_while_rare`",
    ),
    "igpo": Method(
        "information_gain('belief') | outcome('correct')"
        " | weighted_sum(belief=alpha, correct=1) | center_by_group()"
        " | scale_by_group_std(eps=1e-6, ddof=0, var_eps=1e-8)"
        " | step_returns_to_go(discount=gamma)",
        *IGPO,
        laws=(*SOUND, "scale", "telescoping", "bounded"),
        verified="code",
        hp={"gamma": 1.0, "alpha": 1.0},
        believes="turns that raise the belief in the true answer",
        loss="clipped(epsilon=0.2, dual_clip=3.0)"
        " | kl(beta=0.001, kind='k3')"
        " | entropy_bonus(0.001)"
        " | token_mean()",
        differs="joint normalisation; a turn with reward 0 stays a turn; by token, as "
        "the code, where the paper's objective is a mean over sequences",
    ),
    "igpo_separate": Method(
        "information_gain('belief') | outcome('correct') | center_by_group()"
        " | scale_by_group_std(eps=1e-6, ddof=0, var_eps=1e-8)"
        " | weighted_sum(belief=alpha, correct=1) | step_returns_to_go(discount=gamma)",
        *IGPO,
        laws=(*SOUND, "shift", "scale"),
        verified="code",
        hp={"gamma": 1.0, "alpha": 1.0},
        believes="turns that raise that belief more than other turns",
        loss="clipped(epsilon=0.2, dual_clip=3.0)"
        " | kl(beta=0.001, kind='k3')"
        " | entropy_bonus(0.001)"
        " | token_mean()",
        differs="gains and outcomes normalised apart, as the script does; a turn with "
        "reward 0 stays one; by token, as the code, where the paper's objective is a "
        "mean over sequences",
    ),
    "igpo_first_release": Method(
        "information_gain('belief') | outcome('correct')"
        " | weighted_sum(belief=1, correct=1) | returns_to_go()"
        " | center_by_group_position()",
        *IGPO,
        laws=(*SOUND, "homogeneous", "telescoping", "bounded", "stopping"),
        verified="code",
        believes="tokens followed by more gain than their column's mean",
        loss="clipped(epsilon=0.2, dual_clip=3.0)"
        " | kl(beta=0.001, kind='k3')"
        " | entropy_bonus(0.001)"
        " | token_mean()",
        differs="not the paper: the baseline is the mean of the same token column; the "
        "code pays a gain after what the tool said, not before",
    ),
    "critic_search": Method(
        "outcome('correct') | process('flaws')"
        f" | on('correct', {Z} | broadcast_to_tokens())"
        f" | on('flaws', {Z} | step_returns_to_go(discount=0))"
        " | weighted_sum(correct=1, flaws=bad)",
        "CriticSearch: Fine-Grained Credit Assignment for Search Agents",
        "2511.12159",
        laws=(*SOUND, "shift", "scale"),
        verified="secondary",
        hp={"bad": -0.25, "eps": 1e-6},
        believes="turns that a critic with the answer calls good, afterwards",
        loss="clipped(epsilon=0.2) | kl(beta=0.001, kind='k3') | token_mean()",
        scorers="critics(draws=1, truth='useful', frozen=True, privileged=True)",
        differs="the critic is a small model that is warmed up on the turns that are "
        "useful and frozen then, there a large one that was never trained for it; "
        "`flaws` is 1 for Bad and 0 for Good, a turn that it says nothing of has none; "
        "z(R) + alpha z(Good), with alpha 0.25: where (1 - alpha) z(R) + alpha z(Good) "
        "is meant, `bad` is -alpha / (1 - alpha). guess: standard units over all turns "
        "of the group, and the loss",
    ),
    "gigpo": Method(
        "process('prm') | copy_channel(episode='prm')"
        " | on('episode', episode_return() | center_by_group()"
        " | scale_by_group_std(eps=eps) | broadcast_to_tokens())"
        " | on('prm', return_from_step(discount=gamma) | center_by_state('anchor')"
        " | scale_by_state_std('anchor', eps=eps) | step_returns_to_go(discount=0))"
        " | weighted_sum(episode=1, prm=w)",
        *GIGPO,
        laws=(*SOUND, "scale"),
        verified="code",
        hp={"gamma": 0.95, "w": 1.0, "eps": 1e-6},
        believes="actions better than others taken in the same state",
        loss="clipped(epsilon=0.2, dual_clip=3.0)"
        " | kl(beta=0.01, kind='k3')"
        " | entropy_bonus(0.001)"
        " | token_mean()",
        differs="each episode counts once, as in the paper; a group of one gets 0; "
        + INVALID,
    ),
    "gigpo_like_verl_agent": Method(
        "process('prm') | copy_channel(episode='prm')"
        " | on('episode', episode_return(every_step=True)"
        " | center_by_group(keep_singletons=True) | scale_by_group_std(eps=eps))"
        " | on('prm', return_from_step(discount=gamma) | center_by_state('anchor')"
        " | scale_by_state_std('anchor', eps=eps))"
        " | weighted_sum(episode=1, prm=w) | step_returns_to_go(discount=0)",
        *GIGPO,
        laws=SOUND,
        verified="code",
        hp={"gamma": 0.95, "w": 1.0, "eps": 1e-6},
        believes="as gigpo, with long episodes counted more often",
        loss="clipped(epsilon=0.2, dual_clip=3.0)"
        " | kl(beta=0.01, kind='k3')"
        " | entropy_bonus(0.001)"
        " | token_mean()",
        differs="an episode counts as often as it has steps; alone it keeps its return;"
        f" {INVALID}",
    ),
    "ui_s1": Method(
        "process('prm') | copy_channel(step='prm')"
        " | on('step', return_from_step(discount=gamma, match='match')"
        " | center_by_state() | scale_by_state_std(eps=eps))"
        " | on('prm', center_by_group(keep_singletons=keep_singletons)"
        " | scale_by_group_std(eps=eps))"
        " | weighted_sum(prm=w_episode, step=w_step) | step_returns_to_go(discount=0)",
        "UI-S1: Advancing GUI Automation via Semi-online RL",
        "2509.11543",
        laws=(*SOUND, "scale"),
        verified="code",
        hp={
            "gamma": 0.5,
            "w_episode": 1.0,
            "w_step": 1.0,
            "eps": 1e-6,
            "keep_singletons": False,
        },
        believes="steps that other runs took worse at that turn",
        loss="clipped(epsilon=0.2, dual_clip=3.0)"
        " | kl(beta=0.0001, kind='k3')"
        " | token_mean()",
        updates="mini_batches(4)",
        differs="a group of one gets 0; the code keeps its reward, and samples anew "
        "where returns spread by 0.3 or less",
    ),
    "toolpo": Method(
        "outcome('correct') | outcome('action') | center_by_group()"
        " | on('correct', broadcast_to_tokens())"
        " | on('action', broadcast_to_tokens() | weigh('is_call'))"
        " | weighted_sum(correct=1, action=1)",
        "DeepAgent: A General Reasoning Agent with Scalable Toolsets",
        "2510.21618",
        laws=(*SOUND, "shift", "homogeneous"),
        verified="paper",
        scorers="deepagent('productive')",
        believes="tool calls, paid apart from the answer",
        loss="clipped(epsilon=0.2) | sequence_sum()",
    ),
    "arpo_hard": Method(
        "outcome('correct') | center_by_group() | scale_by_group_std(eps=eps)"
        " | broadcast_to_tokens() | share_prefixes('node')",
        "Agentic Reinforced Policy Optimization",
        "2507.19849",
        laws=(*SOUND, "shift", "scale"),
        verified="secondary",
        hp={"eps": 1e-6},
        believes="a shared prefix, by all that came of it",
        differs="the released code has the soft form, which is grpo on branched rows;"
        " guess: the loss, and the standard deviation is verl's",
    ),
    "portool": Method(
        "process('prm') | outcome('correct') | weighted_sum(prm=1, correct=1)"
        " | copy_channel(fork='reward')"
        " | on('reward', episode_return() | center_by_group() | broadcast_to_tokens())"
        " | on('fork', return_from_step(discount=gamma) | center_by_fork('node')"
        " | step_returns_to_go(discount=0))"
        " | weighted_sum(reward=w_row, fork=w_fork)",
        "PORTool: Tool-Use LLM Training with Rewarded Tree",
        "2510.26020",
        laws=(*SOUND, "shift", "homogeneous"),
        verified="guess",
        hp={"gamma": 1.0, "w_row": 1.0, "w_fork": 1.0},
        believes="steps better than their siblings under the same fork",
        differs="guess: the loss, both advantages without std, weighted 1 and 1; a "
        "node is worth the mean return from it on",
    ),
}
