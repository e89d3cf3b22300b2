"""What a sentence cannot tell of its place in the taxonomy: said by hand, by row."""

MONTE_CARLO, TD, CRITIC = "Monte Carlo", "TD", "critic"
GAME, INFORMATION = "game", "information"
FAMILIES = {
    MONTE_CARLO: "outcomes of episodes, compared",
    TD: "differences of a value, learned or pooled, or of a model that stands for one",
    CRITIC: "a process reward model or a language model that judges parts",
    GAME: "Shapley values, coalitions, counterfactual messages",
    INFORMATION: "beliefs, entropies, likelihoods of the policy itself",
}

# What a reward reads, and the family that this makes it: the first that it reads.
READS: tuple[tuple[str, frozenset[str]], ...] = (
    (GAME, frozenset({"marginal", "shapley", "solo"})),
    (
        TD,
        frozenset(
            "goal_nearness graph_value milestones potential prefix_score prefix_value"
            " prm_logp progress state_value turn_progress value".split()
        ),
    ),
    (
        INFORMATION,
        frozenset(
            "belief blind_logp entropy importance is_planning rank_bonus".split()
        ),
    ),
    (
        CRITIC,
        frozenset(
            "blame_logp contribution flaws flow hindsight_logp insight peer_rating"
            " praise_logp prm self_rating self_score strong_logp teacher_logp"
            " subtask_flaws thinking turn_score".split()
        ),
    ),
)
# By hand: rows for which `prm` is a turn's own reward, and no model's score.
OWN_REWARD = {
    "g_ra",
    "gigpo",
    "gigpo_like_verl_agent",
    "hierarchical_grpo",
    "portool",
    "ui_s1",
}
# By hand: the family of rows whose signals tell another. The survey has the first five
# in cells of its own, and T-REG.
FAMILY = {
    **dict.fromkeys(OWN_REWARD, MONTE_CARLO),
    "pure": MONTE_CARLO,
    "pure_openrlhf": MONTE_CARLO,
    "pure_verl": MONTE_CARLO,
    "critical_actions": INFORMATION,
    "itpo": INFORMATION,
    "c3": GAME,
    "m_grpo": MONTE_CARLO,
    "sweet_rl": CRITIC,
    "t_reg": TD,
}

CORE, ADJACENT = "core", "adjacent"
# By hand: ideas whose rows redistribute a reward; others shape it or learn from it in
# another way. Then the rows that are not as their idea.
CORE_IDEAS = {
    "Credit against a critic",
    "Steps paid for what they add",
    "Rewards learned from outcomes",
    "Step scores learned from labels",
    "Segments and prefixes",
    "Turns of an agent",
    "Turns between states",
    "Turns by what follows them",
    "Several agents",
    "Tokens that matter more",
}
KIND = {
    "p_grpo": ADJACENT,
    "trust_grpo": ADJACENT,
    "trust_grpo_released": ADJACENT,
    "atom_searcher": ADJACENT,
    "g_ra": ADJACENT,
    "ppl_shaping": ADJACENT,
    "velocity_rank": ADJACENT,
    "steer": ADJACENT,
    "g_opd": ADJACENT,
    "optimal_token_baseline": CORE,
    "duration_aware": CORE,
    "tw_grpo": CORE,
    "spro": CORE,
    "t_reg": CORE,
    "tgdpo": CORE,
    "sport": CORE,
    "sweet_rl": CORE,
}

OF_AGENTS = {"agent", "peers"}
OF_EPISODES = set(
    "action aligned anchor belief before_result calls cost crashed distance duration"
    " goal_nearness graph_value grounding hindsight_logp insight iou is_call match"
    " milestones node progress route state_value step_value subgoals success"
    " tool_calls tool_match tool_used turn_advantage turn_entropy turn_progress"
    " turn_score".split()
)
# By hand: what a method was made for, where what it reads tells another.
SETTING = {
    "c3": "multi-agent",
    "critic_search": "agentic",
    "mappa": "multi-agent",
    "g_ra": "agentic",
    "oprl": "agentic",
    "poad": "agentic",
    "pav": "reasoning",
    "spo_tree": "reasoning",
    "spo_tree_std": "reasoning",
    "vineppo": "reasoning",
}
