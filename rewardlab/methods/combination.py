"""Several rewards of one completion become one number."""

from rewardlab.methods.method import ALWAYS, BY_SEQUENCE, SOUND, Method

CONSTRAINED = (
    "Confronting Reward Model Overoptimization with Constrained RLHF",
    "2310.04373",
)
OTC = ("OTC: Optimal Tool Calls via Reinforcement Learning", "2504.14870")
GROUP = " | center_by_group() | broadcast_to_tokens()"
GRPO = " | center_by_group() | scale_by_group_std(eps=1e-6) | broadcast_to_tokens()"
TO_GO = (
    "outcome('correct') | outcome('score') | kl_penalty(beta)"
    " | on('correct', returns_to_go()) | on('score', returns_to_go())"
    " | on('kl', returns_to_go())"
)
STREAM = "scale_by_batch_std(eps=1e-8) | center_by_batch()"
PPO = "the paper has PPO; here the baseline is the group's mean"
NO_CRITICS = (
    "no critics: a stream's baseline is its batch mean; the laws hold for given "
    "multipliers; the score is a chance to be right; guess: the goals, found by search "
    "in the paper"
)

COMBINATION: dict[str, Method] = {
    "lsc_and": Method(
        "outcome('score') | outcome('harmless')"
        " | on('score', minus_reference_quantile('ref_score', quantile=q))"
        " | on('harmless', minus_reference_quantile('ref_harmless', quantile=q))"
        " | log_sigmoid() | weighted_sum(score=1, harmless=1)" + GROUP,
        "Transforming and Combining Rewards for Aligning LLMs",
        "2402.00742",
        laws=SOUND,
        verified="paper",
        hp={"q": 0.85},
        scorers="reward_model(references=drawn(10)) | reward_model("
        "pairs=sampled('format'), references=drawn(10), signal='harmless')",
        believes="good in every property at once: logical AND",
        differs=f"{PPO}; the second property is a sound form, not harmlessness",
    ),
    "mu_ppo": Method(
        TO_GO + " | constrained_sum('kl', " + STREAM + ", correct=correct, score=score,"
        " learning_rate=rate, momentum=0.1, max_norm=0.5)",
        *CONSTRAINED,
        laws=(*SOUND, "scale"),
        verified="code",
        hp={"beta": 0.1, "correct": 0.5, "score": 0.5, "rate": 0.1},
        scorers="outcome_model()",
        believes="rewards short of their goals; met ones nothing",
        updates="epochs(5)",
        differs=NO_CRITICS,
    ),
    "xi_ppo": Method(
        TO_GO + " | constrained_sum('kl', " + STREAM + ", equality=True,"
        " start=start, correct=correct, score=score, learning_rate=rate, momentum=0.1,"
        " max_norm=0.5)",
        *CONSTRAINED,
        laws=(*SOUND, "scale"),
        verified="code",
        hp={"start": 0.01, "beta": 0.1, "correct": 0.5, "score": 0.5, "rate": 0.1},
        scorers="outcome_model()",
        believes="rewards at their goals, neither short nor beyond",
        updates="epochs(5)",
        differs=NO_CRITICS,
    ),
    "slim": Method(
        "outcome('correct') | outcome('score') | whiten()"
        " | weighted_sum(correct=1, score=1) | broadcast_to_tokens()",
        "SLIM: one critic a reward",
        "",
        laws=(*SOUND, "scale"),
        verified="abstract",
        scorers="reward_model(pairs=sampled('format'))",
        believes="every reward has the same say",
        differs="guess: the batch mean in place of each reward's critic; the score is "
        "learned to prefer a sound form",
    ),
    "parrot": Method(
        "outcome('correct') | outcome('score') | keep_pareto_front()"
        " | weighted_sum(correct=1, score=1) | broadcast_to_tokens()",
        "Parrot: Pareto-optimal Multi-Reward RL for Text-to-Image",
        "2401.05675",
        laws=(*SOUND, "homogeneous"),
        verified="paper",
        scorers="reward_model(pairs=sampled('format'))",
        believes="completions that no other beats in everything",
        loss=BY_SEQUENCE,
        differs="no baseline, as in the paper: rewards below 0 push down; the second "
        "reward is learned to prefer a sound form",
    ),
    "krc": Method(
        "process('distance') | process('aligned')"
        " | on('distance', proximity(reach, dispersion=wide, density=flat))"
        " | geometric_mean_of('distance', 'aligned') | returns_to_go(discount=gamma)"
        " | whiten()",
        "Lucy-SKG: Learning to Play Rocket League Efficiently",
        "2305.15801",
        laws=(*SOUND, "scale"),
        verified="secondary",
        hp={"reach": 1.0, "wide": 1.0, "flat": 1.0, "gamma": 1.0},
        believes="being good at all parts at the same time",
        differs="the estimator is REINFORCE++'s; `reach` is 2300 (player to ball) or "
        "6000 (ball to goal) there",
    ),
    "regularized_relevance": Method(
        "outcome('relevance') | outcome('length_share') | outcome('distinct')"
        " | formula('relevance * length_share * distinct')" + GROUP,
        "Preference-free Alignment with Regularized Relevance Reward",
        "2402.03469",
        laws=(*SOUND, "homogeneous"),
        verified="secondary",
        scorers="word_counts()",
        believes="answers on the topic, long and not repetitive",
        differs="open-ended prompts; relevance is a cosine of mean hidden states under "
        "the frozen start, for a retriever's product; " + PPO,
    ),
    "orbit": Method(
        "rubric('met', 'points') | overlong_penalty(after=0.5)" + GRPO,
        "InfiMed-ORBIT",
        "2510.15859",
        laws=ALWAYS,
        verified="code",
        believes="the points of a rubric's criteria that are met",
        loss="clipped(epsilon=0.2, epsilon_high=0.28, dual_clip=3.0) | token_mean()",
        scorers="criteria()",
        differs="four criteria of sums, judged by a small verifier model that is "
        "warmed up on them, where the paper has a large model's of each prompt; its "
        "curriculum over criteria, `rules.mastery`, is called by no run yet; prompts "
        "whose rows agree stay, where there others take their place",
    ),
    "carl": Method(
        "process('route') | process('speed') | process('comfort')"
        " | formula('route * speed * comfort') | outcome('crashed')"
        " | weighted_sum(reward=1, crashed=terminal) | returns_to_go(discount=gamma)"
        " | whiten()",
        "CaRL: Learning Scalable Planning Policies with Simple Rewards",
        "2504.17838",
        laws=(*SOUND, "scale"),
        verified="code",
        hp={"terminal": -1.0, "gamma": 0.99},
        believes="progress along the route, undone by any breach",
        differs="two penalties stand for all; PPO's critic is the batch mean; guess: "
        "gamma, the terminal reward",
    ),
    "derl": Method(
        "outcome('g1') | outcome('g2') | outcome('g3') | outcome('g4')"
        " | formula(expression)" + GRPO,
        "Differentiable Evolutionary Reinforcement Learning",
        "2512.13399",
        laws=(*SOUND, "shift", "scale"),
        verified="code",
        hp={"expression": "g1 + 0.5 * (g2 - 0.5 * (g3 - 0.5 * (g4 + 0.5)))"},
        scorers="derl('answer')",
        believes="what an evolved formula of simple checks says",
        loss="clipped(epsilon=0.2, dual_clip=3.0)"
        " | kl(beta=0.001, kind='k3')"
        " | token_mean()",
        updates="mini_batches(4)",
        differs="a grammar in the place of eval; formulas are not evolved",
    ),
    "barfi": Method(
        "outcome('correct') | outcome('score')"
        " | weighted_sum(correct=primary, score=auxiliary)" + GROUP,
        "Behavior Alignment via Reward Function Optimization",
        "2310.19007",
        laws=(*SOUND, "homogeneous"),
        verified="abstract",
        hp={"primary": 1.0, "auxiliary": 0.5},
        scorers="reward_model(pairs=sampled('prm'))",
        believes="hints as far as they serve the true goal",
        differs="guess: the weights. They are given: `reward_models.bilevel`, which "
        "learns them, is called by no run yet; a constant term cancels. The hint is a "
        "model that prefers rows of more steps that hold",
    ),
    "otc_ppo": Method(
        "outcome('correct') | tool_efficiency('tool_calls', smooth=smooth)"
        " | formula('correct * tool_use') | returns_to_go() | whiten()",
        *OTC,
        laws=(*SOUND, "scale"),
        verified="secondary",
        hp={"smooth": 1.0},
        believes="right answers with few tool calls",
        differs="PPO's critic is the batch mean; alpha scales all and cancels; guess: "
        "smooth",
    ),
    "otc_grpo": Method(
        "outcome('correct')"
        " | tool_efficiency_by_group('tool_calls', 'correct', smooth=smooth)"
        " | formula('correct * tool_use')" + GRPO,
        *OTC,
        laws=(*SOUND, "scale"),
        verified="secondary",
        hp={"smooth": 1.0},
        believes="right answers with the fewest calls that suffice",
        loss=BY_SEQUENCE,
        differs="alpha scales all and cancels; guess: smooth",
    ),
    "harmo": Method(
        "outcome('score') | outcome('correct')"
        " | on('score', overlong_penalty(after=after, max_penalty=max_penalty))"
        " | weighted_sum(score=1, correct=1)" + GRPO,
        "HARMO: hybrid rewards with a length penalty",
        "2510.05283",
        laws=ALWAYS,
        verified="abstract",
        hp={"after": 0.5, "max_penalty": 1.0},
        scorers="outcome_model()",
        believes="a judge and a rule, neither by length",
        loss=BY_SEQUENCE,
        differs="guess: a linear penalty and its numbers, equal weights; the formula "
        "was not found",
    ),
}
