"""Agents: what a turn is worth by its siblings, its critic, its gain or hindsight."""

from rewardlab.methods.method import SOUND, Method

Z = "center_by_group() | scale_by_group_std(eps=eps)"

TURN_VALUES: dict[str, Method] = {
    "at2po": Method(
        "outcome('correct') | center_by_group() | scale_by_group_std(eps=eps, ddof=0)"
        " | node_values('node', how='softmax', entropy='turn_entropy')"
        " | step_returns_to_go(discount=0)",
        "AT2PO: Agentic Turn-based Policy Optimization via Tree Search",
        "2601.04767",
        laws=(*SOUND, "shift", "scale"),
        verified="code",
        hp={"eps": 1e-6},
        believes="turns by the leaves under them, unsure children the more",
        loss="clipped_turns_token(epsilon=0.003, epsilon_high=0.004) | sequence_mean()",
        differs="branches as `rollout.branching` says, 10 roots and 12 expansions by "
        "entropy less 0.05 a sibling there; many updates a batch there, one here",
    ),
    "critical_actions": Method(
        "outcome('correct') | node_values('node', how='children', over='parent')"
        " | step_returns_to_go(discount=0)",
        "CARL: Critical Action Focused Reinforcement Learning for Multi-Step Agent",
        "2512.04949",
        laws=(*SOUND, "shift", "homogeneous"),
        verified="paper",
        believes="actions at which the policy's samples part, by their outcomes",
        loss="clipped(epsilon=0.2) | mask_only_children('node') | token_mean()",
        differs="forks as `rollout.branching` says: with rule='least_dense' and a round"
        " for each branch as the paper, at the state with fewest actions for its"
        " uncertainty; actions of a state count together (equation 12), where Algorithm"
        " 1 lists the prompt once a root. `num_generations` counts all leaves, N0 roots"
        " among them: N0 + N of Algorithm 1 (N is 16, N0 1 or 8), where the text calls"
        " N the total. The roots' actions are trained on if they have siblings, as"
        " equation 15 counts them; its appendix says that they are not. Actions without"
        " a sibling leave the loss and its mean, as in the paper",
    ),
    "c3": Method(
        "outcome('correct') | return_from_step()"
        " | center_by_fork('node', leave_one_out=True)"
        " | step_returns_to_go(discount=0)",
        "C3: Contextual Counterfactual Credit for Multi-Agent Collaboration",
        "2603.06859",
        laws=(*SOUND, "shift", "homogeneous"),
        verified="secondary",
        believes="messages better than others in the same context",
        differs="contexts are the forks of a tree of episodes, a row that goes on from "
        "one its own alternative; 4 for each there; guess: no std",
    ),
    "turn_ppo": Method(
        "outcome('correct') | step_gae('step_value', discount=discount, decay=decay)",
        "Turn-PPO: Turn-Level Advantage Estimation with PPO",
        "2512.17008",
        laws=(*SOUND, "homogeneous"),
        verified="secondary",
        hp={"discount": 0.99, "decay": 0.95},
        believes="turns after which the critic expects more",
        scorers="step_critic(discount=discount, decay=decay)",
        loss="clipped_turns(epsilon=0.2) | kl(beta=0.001, kind='k3') | token_mean()",
        differs="guess: discount, decay, the estimate of KL, the mean of a turn's "
        "log-ratios as its ratio, the critic, a head on the policy's states",
    ),
    "a2tgpo": Method(
        "information_gain('belief') | outcome('correct') | on('belief',"
        " center_by_state(zero_singletons=True) | scale_by_state_std(eps=eps)"
        " | sqrt_step_returns_to_go(discount=gamma))"
        f" | on('correct', {Z} | broadcast_to_tokens())"
        " | weighted_sum(correct=1, belief=alpha)",
        "A2TGPO: Adaptive Agentic Turn-level Group Policy Optimization",
        "2605.06200",
        laws=(*SOUND, "shift", "scale"),
        verified="secondary",
        hp={"alpha": 0.3, "gamma": 1.0, "kappa": 0.3, "eps": 1e-6},
        believes="turns that told more than the same turn of siblings",
        scorers="adaptive_clip(kappa=kappa, eps=eps)",
        loss="clipped_turns(epsilon=0.2, width='clip_scale') | token_mean()",
        differs="the gain in the sigmoid of the clip is in standard units, as in the "
        "quoted code; a turn that no other row has counts as a gain of 0; guess: the "
        "width of the clip and its mean by token",
    ),
    "itpo": Method(
        "log_ratio('prm_logp') | outcome('correct')"
        " | share_by_softmax('correct', by='prm_logp', temperature=temperature)"
        " | center_by_group_steps(leave_one_out=False) | scale_to_leave_one_out()"
        " | weighted_sum(reward=coef) | returns_to_go() | whiten()",
        "ITPO: Implicit Turn-wise Policy Optimization",
        "2603.23550",
        laws=(*SOUND, "scale"),
        verified="code",
        hp={"temperature": 0.7, "coef": 5.0},
        believes="turns that a model of success finds likelier, to the outcome's sum",
        scorers="implicit(beta=0.05, clip=10.0)",
        differs="its normalised form; the other pays each turn its sum of log-ratios; "
        "the baseline counts turns as the code does and is no leave-one-out; guess: "
        "the reward model's beta and learning rate, PPO's one clip",
    ),
    "hcapo": Method(
        "outcome('correct') | copy_channel(hindsight='correct')"
        f" | on('correct', {Z} | broadcast_to_tokens())"
        " | on('hindsight', return_from_step(discount=gamma)"
        " | hindsight_ratio('hindsight_logp', temperature=temperature, low=low,"
        f" high=high) | {Z} | gate('correct', floor(0))"
        " | step_returns_to_go(discount=0))"
        " | weighted_sum(correct=1, hindsight=omega)",
        "HCAPO: Hindsight Credit Assignment for Long-Horizon LLM Agents",
        "2603.08754",
        laws=(*SOUND, "scale"),
        verified="paper",
        hp={
            "gamma": 0.95,
            "omega": 1.0,
            "temperature": 5.0,
            "low": 0.8,
            "high": 1.2,
            "eps": 1e-6,
        },
        believes="turns that are likely once one knows how the episode ended",
        scorers="hindsight()",
        loss="clipped(epsilon=0.2) | kl(beta=0.01, kind='k3') | sequence_mean()",
        differs="the end is the last tokens of the row, put before its prompt; without "
        "the optional smoothing; a row that is right loses nothing by the second term; "
        "guess: ddof, eps, the estimate of KL",
    ),
}
