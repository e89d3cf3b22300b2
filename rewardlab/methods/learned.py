"""Rewards that a model learns from outcomes alone, and hands to steps and tokens.

What is learned comes in as a signal: log-probabilities of a reward model [N, T], or
contributions of steps [N, S], by scorers that learn beside the policy.
"""

from rewardlab.methods.method import SOUND, VERL, Method

PRIME = ("Process Reinforcement through Implicit Rewards", "2502.01456")
PRL = ("PRL: Process Reward Learning", "2601.10201")

LEARNED: dict[str, Method] = {
    "implicit_prm": Method(
        "log_ratio('prm_logp') | return_from_step(discount=0) | outcome('correct')"
        " | weighted_sum(prm_logp=beta, correct=1) | returns_to_go()"
        " | center_by_group()",
        "Free Process Rewards without Process Labels",
        "2412.01981",
        laws=(*SOUND, "shift"),
        verified="guess",
        hp={"beta": 0.05},
        believes="a step is worth the log-odds it adds",
        scorers="implicit(beta=0.05, clip=10.0)",
        differs="guess: the estimator; the paper ranks completions by these rewards; "
        "its model was trained before, on eight answers a question",
    ),
    "prime": Method(
        "log_ratio('prm_logp') | scale_by_greatest_return(eps=eps)"
        " | outcome('correct') | center_by_group_steps()"
        " | on('prm_logp', returns_to_go(discount=gamma))"
        " | on('correct', returns_to_go()) | weighted_sum(prm_logp=1, correct=1)"
        " | whiten()",
        *PRIME,
        laws=(*SOUND, "shift"),
        verified="paper",
        hp={"gamma": 1.0, "eps": 1e-6},
        believes="tokens that a model of success finds likelier",
        select="keep_middling('correct') | refill(rounds=4)",
        scorers="implicit(beta=0.05, clip=10.0)",
        differs="scaling and whitening are the code's, its baseline prime_like_verl; "
        "the reward model's learning rate is ours, 1e-6 there",
    ),
    "prime_like_verl": Method(
        "log_ratio('prm_logp') | scale_by_greatest_return(eps=eps)"
        " | outcome('correct') | center_by_group_steps(leave_one_out=False)"
        " | scale_to_leave_one_out()"
        " | on('prm_logp', returns_to_go(discount=gamma))"
        " | on('correct', returns_to_go()) | weighted_sum(prm_logp=1, correct=1)"
        " | whiten()",
        *PRIME,
        laws=(*SOUND, "shift"),
        verified="code",
        hp={"gamma": 1.0, "eps": 1e-6},
        believes="tokens that a model of success finds likelier",
        select="keep_middling('correct') | refill(rounds=4)",
        scorers="implicit(beta=0.05, clip=10.0)",
        loss=VERL,
        differs="verl's recipe but for the last token's reward; the authors' code has "
        "the same advantage and clips once; the reward model's learning rate is ours, "
        "1e-6 there",
    ),
    "oprl": Method(
        "log_ratio('prm_logp', ref='') | return_from_step(discount=0)"
        " | scale_by_greatest(eps=eps) | outcome('correct')"
        " | center_by_first_steps() | scale_to_leave_one_out()"
        " | on('correct', broadcast_to_tokens())"
        " | on('prm_logp', step_returns_to_go(discount=0))"
        " | weighted_sum(correct=1, prm_logp=alpha)",
        "Agentic Reinforcement Learning with Implicit Step Rewards (iStar)",
        "2509.19199",
        laws=(*SOUND, "shift"),
        verified="code",
        hp={"alpha": 1.0, "eps": 2e-5},
        believes="actions that pairs of success and failure favour",
        scorers="implicit_dpo(beta=0.05, clip=10.0, ref='')",
        loss="clipped(epsilon=0.2, dual_clip=3.0)"
        " | entropy_bonus(0.001)"
        " | token_mean()",
        differs="eps is the code's 1e-6 over its beta of 0.05; only first steps make "
        "the baseline there, though its text says all; a group of one gets 0; actions "
        "that the environment cannot read cost 0.1 there; many updates a batch "
        "there, one here, of the reward model as well, whose pairs have the sum over "
        "steps as in the text, the mean in the code",
    ),
    "prl": Method(
        "outcome('correct') | center_by_group() | scale_by_group_std(eps=eps, ddof=0)"
        " | kl_penalty(beta) | weighted_sum(correct=1, kl=1) | returns_to_go()",
        *PRL,
        laws=(*SOUND, "shift", "scale"),
        verified="paper",
        hp={"beta": 0.005, "eps": 1e-6},
        believes="the outcome, less the drift still to come",
        differs="its code, prl_at_step_ends, clips twice",
    ),
    "prl_at_step_ends": Method(
        "outcome('correct') | center_by_group() | scale_by_group_std(eps=eps)"
        " | kl_penalty(beta) | weighted_sum(correct=1, kl=1) | returns_to_go()"
        " | broadcast_step_values()",
        *PRL,
        laws=(*SOUND, "shift", "scale"),
        verified="code",
        hp={"beta": 0.005, "eps": 1e-6},
        believes="the outcome, less the drift after the step",
        loss=VERL,
        differs="the code takes the next step's value where one is exactly 0, and a "
        "group of one keeps its outcome",
    ),
    "spa_rl": Method(
        "process('contribution') | process('grounding') | kl_penalty(beta)"
        " | weighted_sum(contribution=alpha, grounding=ground, kl=1)"
        " | gae('value', discount=1, decay=decay) | whiten()",
        "SPA-RL: Stepwise Progress Attribution",
        "2505.20732",
        laws=SOUND,
        verified="code",
        hp={"alpha": 1.0, "ground": 0.5, "beta": 0.2, "decay": 0.95},
        believes="progress that adds up to the final reward",
        scorers="critic(decay=decay)",
        differs="guess: decay and beta, TRL's, whose config the code leaves out; it "
        "weighs step k of K by K - 1 - k and replaces contributions, and neither is in "
        "the paper. Contributions and values are heads on the policy's states that "
        "learn as it does; there a model of its own learns contributions before and is "
        "frozen",
    ),
    "lare": Method(
        "process('contribution') | returns_to_go(discount=gamma) | center_by_group()",
        "Latent Reward: LLM-Empowered Credit Assignment",
        "2412.11120",
        laws=(*SOUND, "homogeneous"),
        verified="guess",
        hp={"gamma": 1.0},
        believes="steps whose latent factors explain the return",
        scorers="step_facts('prm', 'step_correct') | latent_reward()",
        differs="guess: the estimator; the paper trains actor-critic agents on them. "
        "Factors are facts of the task, there code that a language model wrote; one "
        "update a batch",
    ),
    "brpo": Method(
        "budget_returns('budget_score', prior=(1, 2, 3, 4))"
        " | center_by_budgets('budget_score', prior=(1, 2, 3, 4))"
        " | process('summary') | on('summary', center_within_row('split'))"
        " | weighted_sum(budget_score=1, summary=1) | step_returns_to_go(discount=0)",
        "Optimizing Anytime Reasoning via Budget Relative Policy Optimization",
        "2505.13438",
        laws=(*SOUND, "shift", "homogeneous"),
        verified="code",
        believes="thinking that pays at every budget from here",
        loss="clipped(epsilon=0.2) | constant()",
        updates="mini_batches(2)",
        differs="a group of one and a lone summary get 0; four equally spaced budgets",
    ),
}
