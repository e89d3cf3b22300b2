"""Agents whose rows meet in equal states, which the group then knows more of."""

from rewardlab.methods.method import SOUND, VERL, Method

Z = "center_by_group() | scale_by_group_std(eps=eps)"
ON_ROW = f"{Z} | broadcast_to_tokens()"

STATES: dict[str, Method] = {
    "mt_grpo": Method(
        "outcome('correct') | outcome('tool_reward') | either('tool_used',"
        f" on('correct', {ON_ROW})"
        f" | on('tool_reward', {ON_ROW} | weigh('before_result'))"
        " | weighted_sum(correct=1, tool_reward=turn_coef),"
        f" formula('correct + tool_reward') | {ON_ROW})",
        "Reinforcing Multi-Turn Reasoning in LLM Agents via Turn-Level Reward Design",
        "2505.11821",
        laws=(*SOUND, "shift"),
        verified="code",
        hp={"turn_coef": 1.0, "eps": 1e-4},
        believes="the first tool turn, by a reward of its own",
        scorers="first_result()",
        loss="clipped(epsilon=0.2) | kl(beta=0.01, kind='k3') | token_mean()",
        differs="the tool turn is paid by the task's `productive`; a row without a "
        "tool's answer is compared by the sum of both rewards, as in the code; a group "
        "of one gets 0; KL in the loss by the k3 estimate, as TRL",
    ),
    "gagpo": Method(
        "outcome('correct') | step_gae('state_value', discount=gamma, decay=lam)"
        f" | only_step_ends() | {Z} | step_returns_to_go(discount=0)",
        "GAGPO: Generalized Advantage Grouped Policy Optimization",
        "2605.13217",
        laws=(*SOUND, "scale"),
        verified="secondary",
        hp={"gamma": 0.95, "lam": 0.9, "eps": 1e-6},
        believes="turns that lead to states from which the group's rows got more",
        scorers="state_values(discount=gamma)",
        loss="clipped_turns(epsilon=0.2) | token_mean()",
        differs="guess: gamma, lam, standard units over all turns of the group, the "
        "mean of a turn's log-ratios as the ratio of the action; where rows share no "
        "state there is no signal at all",
    ),
    "graphgpo": Method(
        "outcome('correct') | process('goal_nearness')"
        f" | on('correct', {ON_ROW})"
        " | on('goal_nearness', center_by_state('anchor')"
        " | scale_by_state_std('anchor', eps=eps) | step_returns_to_go(discount=0))"
        " | weighted_sum(correct=beta_graph, goal_nearness=beta_edge)",
        "GraphGPO: Graph-based Group Policy Optimization for LLM Agents",
        "2605.26684",
        laws=(*SOUND, "shift", "scale"),
        verified="secondary",
        hp={
            "omega": 0.9,
            "c": 1.0,
            "beta_graph": 1.0,
            "beta_edge": 1.0,
            "eps": 1e-6,
        },
        believes="turns after which success is fewer turns away",
        scorers="goal_nearness(omega=omega, shift=c)",
        loss=VERL,
        differs="guess: omega, both weights, no signal of turns without a right row; a "
        "wrong row ends in a state of its own, right rows in one",
    ),
    "g2po": Method(
        "progress('graph_value') | process('grounding')"
        " | weighted_sum(graph_value=success_reward, grounding=penalty)"
        " | center_by_state('anchor') | progress('graph_value')"
        " | on('graph_value', center_by_group()) | outcome('correct')"
        " | on('correct', episode_return(every_step=True) | center_by_group())"
        " | weighted_sum(reward=w, graph_value=step_gain, correct=success_reward)"
        " | step_returns_to_go(discount=0)",
        "G2PO: Group-Graph Policy Optimization",
        "2606.22995",
        laws=(*SOUND, "shift", "homogeneous"),
        verified="code",
        hp={
            "gamma": 0.95,
            "success_reward": 10.0,
            "penalty": 0.1,
            "w": 1.0,
            "step_gain": 10.0,
        },
        believes="turns by where they lead, and by how far that is better",
        scorers="graph_values(discount=gamma)",
        loss="clipped(epsilon=0.2, dual_clip=3.0)"
        " | kl(beta=0.01, kind='k3')"
        " | token_mean()",
        differs="`correct` is 0 or 1 and is paid as 10 and 0 are there: step_gain is w "
        "times success_reward; an action is invalid where `grounding` is 0; its "
        "mean_std_norm divides each of three parts by its std; a state that is seen "
        "once adds nothing, a row counts as often as it has turns, both as the code",
    ),
}
