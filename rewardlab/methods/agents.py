"""Several agents in one episode: a reward is compared with those of who spoke."""

from rewardlab.methods.method import SOUND, VERL, Method

BY_AGENT = "center_by_state('agent') | scale_by_state_std('agent', eps=eps)"
ROLES = "agents are roles of one policy that take turns"
BOTH_LEARN = f"{ROLES} and learn together, there two models by turns of 10 steps"
HALVES = "verdicts are 0 and 1, there -1 and 1, so weights are half as large"
GSPO = "clipped_turns(epsilon=0.0003, epsilon_high=0.0004) | sequence_mean()"

AGENTS: dict[str, Method] = {
    "dr_mas": Method(
        "outcome('correct') | episode_return(every_step=True)"
        f" | {BY_AGENT} | step_returns_to_go(discount=0)",
        "Dr. MAS: Stable Reinforcement Learning for Multi-Agent LLM Systems",
        "2602.08847",
        laws=(*SOUND, "shift", "scale"),
        verified="code",
        hp={"eps": 1e-6},
        believes="an agent's turns against the same agent's in other rows",
        loss=VERL,
        differs=f"{ROLES}; an agent alone gets 0, its raw score there; an invalid "
        "action costs 0.1 there",
    ),
    "hierarchical_grpo": Method(
        "process('prm') | center_by_state('peers') | step_returns_to_go(discount=0)",
        "prime-rl, hierarchical GRPO for proposers and solvers",
        "",
        laws=(*SOUND, "homogeneous"),
        verified="code",
        believes="a solver's answers in its episode, a proposer's in the group",
        scorers="peers(scoped=(1,))",
        differs=f"{ROLES}, turns are its traces, paid by `prm`; guess: the loss",
    ),
    "m_grpo": Method(
        "outcome('correct') | episode_return(every_step=True)"
        " | process('trajectory_format') | process('subtask_flaws')"
        " | weighted_sum(trajectory_format=alpha1, correct=alpha2,"
        " subtask_flaws=per_flaw)"
        " | center_by_state('agent', weight='trajectory_weight')"
        " | scale_by_state_std('agent', eps=eps, weight='trajectory_weight')"
        " | step_returns_to_go(discount=0)",
        "Multi-Agent Deep Research: Training Multi-Agent Systems with M-GRPO",
        "2511.13288",
        laws=(*SOUND, "scale"),
        verified="secondary",
        hp={"alpha1": 0.1, "alpha2": 0.9, "per_flaw": -0.5, "eps": 1e-6},
        believes="a main agent against itself, each call of a sub-agent against calls",
        loss="clipped(epsilon=0.2, epsilon_high=0.28) | sequence_mean()",
        scorers="critics(draws=1, frozen=True) | trajectories(main=1)",
        differs=f"{ROLES}, there a model each on servers apart: the solver leads, each "
        "message of the thinker is a call; rows hold all calls, there these are copied "
        "or dropped to a fixed number, and copies count in means, deviations and the "
        "loss; the paper gives no alphas: 0.1 and 0.9 are those of the released code, "
        "which pays an outcome only where the form is kept, and a sub-agent the same "
        "without a judge of its task; guess: per_flaw, that a sub-agent has the main "
        "one's alphas, and the mean over rows, there over an agent's trajectories",
    ),
    "rae": Method(
        "outcome('correct') | episode_return(every_step=True)"
        " | center_by_role_history('agent', decay=decay)"
        " | step_returns_to_go(discount=0)",
        "SPIRAL: Self-Play on Zero-Sum Games Incentivizes Reasoning",
        "2506.24119",
        laws=("mask", "jit", "scan", "orbax", "devices", "padding", "homogeneous"),
        verified="code",
        hp={"decay": 0.95},
        believes="what a role got, against the same role's past",
        loss="reinforce() | sequence_sum()",
        differs=f"{ROLES}, and both are paid the outcome; one baseline a role, there "
        "for each game too; guess: the average",
    ),
    "mappa": Method(
        "process('flaws') | kl_penalty(beta=beta)"
        " | weighted_sum(flaws=per_flaw, kl=1) | returns_within_steps(discount=gamma)"
        " | whiten(eps=0.0, ddof=0, var_floor=1e-8)",
        "Scaling Multiagent Systems with Process Rewards",
        "2601.23228",
        laws=SOUND,
        verified="code",
        hp={"gamma": 1.0, "beta": 0.01, "per_flaw": -2.5},
        believes="actions that a coach scores higher than others",
        scorers="critics(draws=4)",
        differs="the coach's 0 to 10 is 10 less 2.5 for each of four critics that find "
        "the action wrong, and one that nobody could score has none, 5 there; agents "
        "are whitened together; guess: beta, and the loss",
    ),
    "marti": Method(
        "process('attempt') | shape_by_turn_history(how='quality', alpha=alpha)"
        f" | {BY_AGENT} | step_returns_to_go(discount=0)",
        "MAPPA's code base: Scaling Multiagent Systems with Process Rewards",
        "2601.23228",
        laws=SOUND,
        verified="code",
        hp={"alpha": 0.5, "eps": 1e-6},
        believes="turns that keep what was right, or mend what was not",
        differs=f"{ROLES}; the shaping alone is checked; guess: standard units of an "
        "agent in its group, and the loss",
    ),
    "ccpo": Method(
        "outcome('correct') | episode_return(every_step=True)"
        " | event_bonus('solo', weight=lam)"
        " | center_by_state('agent') | step_returns_to_go(discount=0)",
        "Counterfactual Credit Policy Optimization for Multi-Agent Collaboration",
        "2603.21563",
        laws=SOUND,
        verified="code",
        hp={"lam": 0.1},
        believes="a thinker whose solver alone fails more often than not",
        loss=GSPO,
        differs=f"{BOTH_LEARN}; {HALVES}; of the authors' code, whose b is the mean of "
        "the group's solo outcomes: with the row's own it is `ccpo_own_solo`",
    ),
    "ccpo_own_solo": Method(
        "outcome('correct') | episode_return(every_step=True)"
        " | event_bonus('solo', weight=lam, own=True, graded=True)"
        " | center_by_state('agent') | step_returns_to_go(discount=0)",
        "Counterfactual Credit Policy Optimization for Multi-Agent Collaboration",
        "2603.21563",
        laws=(*SOUND, "shift", "homogeneous"),
        verified="secondary",
        hp={"lam": 0.1},
        believes="a thinker by the outcome less that of the solver alone",
        loss=GSPO,
        differs=f"{BOTH_LEARN}; {HALVES}; the paper's difference with the row's own "
        "solo outcome, of which the code has other defaults: `ccpo`",
    ),
    "sepo": Method(
        "outcome('correct') | episode_return(every_step=True)"
        " | rated_share('self_rating', 'peer_rating', eta=eta)"
        " | on('share', center_by_state('agent'))"
        " | credit_or_blame('correct', by='share', credit=lam, blame=blame)"
        " | center_by_state('agent') | step_returns_to_go(discount=0)",
        "SEPO, with CCPO: Counterfactual Credit Policy Optimization",
        "2603.21563",
        laws=SOUND,
        verified="code",
        hp={"eta": 0.3, "lam": 0.1, "blame": 0.1},
        believes="the agent that both agents say deserves it",
        scorers="ratings()",
        loss=GSPO,
        differs=f"{BOTH_LEARN}; {HALVES}; ratings are those of a small rater asked as "
        "either agent, which learns from each turn's `attempt`: there each agent "
        "writes one of nine pairs",
    ),
    "sharp": Method(
        "outcome('correct') | episode_return(every_step=True)"
        " | process('marginal') | process('grounding')"
        " | weighted_sum(correct=1, marginal=lam, grounding=tool)"
        f" | {BY_AGENT} | step_returns_to_go(discount=0)",
        "Who Deserves the Reward? SHARP: Shapley Credit-based Optimization",
        "2602.08335",
        laws=(*SOUND, "scale"),
        verified="secondary",
        hp={"lam": 0.5, "tool": 0.5, "eps": 1e-6},
        believes="an agent by the outcome, its loss without it, and its tools",
        differs=f"{ROLES}, whose calls are their turns: `grounding` says which could "
        "be read; an agent alone gets 0; guess: lam and tool, and the loss",
    ),
}
