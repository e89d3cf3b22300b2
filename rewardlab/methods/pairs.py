"""Learners on pairs: which of a prompt's own completions is the better.

The reward is told and nothing is made of it: the loss reads outcomes, and the
log-probs of a reference, itself.
"""

from rewardlab.methods.method import SOUND, Method

OUTCOME = "outcome('correct') | center_by_group() | broadcast_to_tokens()"
KEEPS = (*SOUND, "shift", "homogeneous", "stopping")

PAIRS: dict[str, Method] = {
    "online_dpo": Method(
        OUTCOME,
        "Direct Language Model Alignment from Online AI Feedback",
        "2402.04792",
        laws=KEEPS,
        verified="paper",
        hp={"beta": 0.1},
        believes="right answers, as far as the wrong ones are as likely",
        loss="dpo(beta)",
        differs="a verifier tells the pairs, there a model does; all right and wrong "
        "rows of a prompt are pairs, there are two rows",
    ),
    "ipo": Method(
        OUTCOME,
        "A General Theoretical Paradigm to Understand Learning from Human Preferences",
        "2310.12036",
        laws=KEEPS,
        verified="paper",
        hp={"beta": 0.1},
        believes="right answers, until they lead by a set gap",
        loss="ipo(beta)",
        differs="pairs are sampled anew, there they are a data set; sums over rows, no "
        "means; guess: beta, its tau",
    ),
    "selm": Method(
        OUTCOME,
        "Self-Exploring Language Models (SELM)",
        "2405.19332",
        laws=KEEPS,
        verified="code",
        hp={"beta": 0.01, "push": 1e-5},
        believes="better answers, and answers that were not drawn yet",
        loss="dpo(beta, which='best_worst', ref='') | optimism(push)",
        differs="a verifier ranks, there a reward model does; an iteration is one step "
        "here, a round of a data set there; push is its alpha 0.001 times beta",
    ),
    "tgdpo": Method(
        OUTCOME,
        "TGDPO: Harnessing Token-Level Reward Guidance for DPO",
        "2506.14574",
        laws=KEEPS,
        verified="code",
        hp={"beta": 0.1, "alpha": 0.5},
        believes="tokens of right answers that a model of pairs favours",
        loss="tgdpo(beta, alpha, guide='prm_logp')",
        scorers="implicit_dpo(beta=0.1)",
        differs="the guide learns beside the policy, there it is trained before; pairs "
        "are sampled anew, there they are a data set",
    ),
    "t_reg": Method(
        OUTCOME,
        "T-REG: Preference Optimization with Token-Level Reward Regularization",
        "2412.02685",
        laws=KEEPS,
        verified="secondary",
        hp={"beta": 0.1, "alpha": 0.25},
        believes="tokens that a better self would rather say",
        loss="t_reg(beta, alpha, better='strong_logp', worse='weak_logp')",
        differs="a stronger and a weaker model in the place of the policy under two "
        "prompts; guess: no gradient flows through the weight",
    ),
    "sport": Method(
        OUTCOME,
        "Iterative Tool Usage Exploration via Step-wise Preference Tuning (SPORT)",
        "2504.21561",
        laws=KEEPS,
        verified="abstract",
        hp={"beta": 0.1},
        believes="the step that succeeds more often than its siblings",
        loss="step_dpo(beta)",
        differs="guess: siblings are told apart by how their rows end, there a model "
        "judges them",
    ),
    "sweet_rl": Method(
        OUTCOME,
        "SWEET-RL: Training Multi-Turn LLM Agents on Collaborative Reasoning Tasks",
        "2503.15478",
        laws=KEEPS,
        verified="code",
        hp={"beta": 0.1, "critic_beta": 0.1},
        believes="turns that a critic who knows the answer prefers",
        loss="step_dpo(beta, by='turn_score')",
        scorers="privileged_critic(beta=critic_beta, warmup=50)",
        differs="candidates of a turn are the siblings of a tree that the policy "
        "grows, all pairs of them; there 16 drawn at each turn of a fixed set, of "
        "which a pair is one of the best half and one of the worst; the critic goes on "
        "learning from the policy's own rows, there it is trained before on a data "
        "set; no 0.01 of the chosen turn's NLL. Ranking is the code's, the critic's "
        "loss the paper's text. guess: 50 iterations of warm-up",
    ),
    "cream": Method(
        OUTCOME,
        "CREAM: Consistency Regularized Self-Rewarding Language Models",
        "2410.12735",
        laws=KEEPS,
        verified="code",
        hp={"beta": 0.1},
        believes="answers that the policy and its past prefer",
        loss="cream(beta)",
        scorers="moving_reference(decay=0.0, every=10, signal='previous_logp')",
        differs="a round is ten iterations, there a data set, and in the first the "
        "earlier policy is the reference, so that it ranks at random; the consistency "
        "is each prompt's own, there also the mean of all",
    ),
}
