"""Rewards from the policy, other models or the crowd, where nobody can verify."""

from rewardlab.methods.method import BY_SEQUENCE, SOUND, Method

AGAINST_GROUP = (
    "center_by_group() | scale_by_group_std(eps=1e-6) | broadcast_to_tokens()"
)
NOISE = ("The Climb Carves Wisdom Deeper Than the Summit", "2505.22653")
CRITIC = "the scripts have PPO with a critic (GAE, lambda 1); here GRPO's baseline"

INTRINSIC: dict[str, Method] = {
    "ttrl": Method(
        f"majority_vote('answer_id') | {AGAINST_GROUP}",
        "TTRL: Test-Time Reinforcement Learning",
        "2504.16084",
        laws=SOUND,
        verified="code",
        believes="the answer that most samples agree on",
        loss="clipped(epsilon=0.2, dual_clip=3.0)"
        " | kl(beta=0.001, kind='k3')"
        " | token_mean()",
        select="keep_first(share=0.5)",
        updates="mini_batches(8)",
        differs="equal numbers are equal answers, where the code has a math verifier; "
        "it has 64 votes and trains on 32 of them, here half of any number",
    ),
    "co_reward": Method(
        f"majority_vote('answer_id', of='partner') | {AGAINST_GROUP}",
        "Co-Reward: Self-supervised RL via Contrastive Agreement",
        "2508.00410",
        laws=SOUND,
        verified="code",
        believes="what most answers to the same question, rewritten, say",
        loss="clipped(epsilon=0.2, dual_clip=3.0)"
        " | kl(beta=0.005, kind='k3')"
        " | token_mean()",
        scorers="partner()",
        differs="equal numbers are equal answers, where the code compares texts; the "
        "rewriting is a sum's terms from the last to the first",
    ),
    "self_aligned": Method(
        "outcome('correct') | perplexity() | perplexity('blind_logp')"
        " | relative_drop('logp', base='blind_logp')"
        " | weighted_sum(correct=1, logp=alpha) | center_by_group()"
        " | broadcast_to_tokens()",
        "Self-Aligned Reward: Towards Effective and Efficient Reasoners",
        "2509.05489",
        laws=SOUND,
        verified="code",
        hp={"alpha": 0.2},
        believes="answers that the question, not habit, makes likely",
        loss="clipped(epsilon=0.2, dual_clip=3.0)"
        " | kl(beta=0.001, kind='k3')"
        " | constant()",
        updates="mini_batches(2)",
        differs="alpha does not change; give a schedule for the code's. Its norm of "
        "token sums is not divided by rows",
    ),
    "flr": Method(
        "average('praise_logp') | average('blame_logp')"
        " | weighted_sum(praise_logp=1, blame_logp=-1)"
        " | center_by_group() | broadcast_to_tokens()",
        "Aligning Language Models Using Follow-up Likelihood as Reward Signal",
        "2409.13948",
        laws=(*SOUND, "shift", "homogeneous"),
        verified="paper",
        believes="answers after which people would be pleased",
        differs="the code averages raw logits at one position; the baseline is ours. No"
        " people here: a model learns to say y after right rows and n after wrong ones",
    ),
    "oni": Method(
        "outcome('correct') | process('insight')"
        " | on('insight', standardize_by_history(prior=1e-4, ddof=1)"
        " | keep_above(threshold) | divide_by_count('message', size=4096, power=beta))"
        " | weighted_sum(correct=outside, insight=inside)"
        " | returns_to_go(discount=gamma) | center_by_group()",
        "Online Intrinsic Rewards for Decision Making Agents from LLM Feedback",
        "2410.23022",
        laws=SOUND,
        verified="code",
        hp={
            "threshold": -0.5,
            "beta": 3.0,
            "outside": 0.1,
            "inside": 0.4,
            "gamma": 0.99,
        },
        believes="events that a language model finds notable, while new",
        scorers="insight()",
        differs="messages are steps, and what a large model would find notable is a "
        "step that leads on, which a small model learns; the code has APPO with a "
        "critic and counts exact messages, here hashes; guess: gamma, and that a batch "
        "is counted before it is divided",
    ),
    "cdr": Method(
        "dense('strong_logp') | dense('weak_logp')"
        " | weighted_sum(strong_logp=1, weak_logp=-1) | episode_return()"
        " | center_by_group() | broadcast_to_tokens()",
        "CDR: Customizable Density Ratios of Strong-over-weak LLMs",
        "2411.02481",
        laws=(*SOUND, "homogeneous"),
        verified="abstract",
        believes="text that an aligned model likes more than its base",
        differs="guess: the sum over tokens, which favours length, and the baseline",
    ),
    "noisy_grpo": Method(
        f"outcome('correct') | flip_groups(noise) | {AGAINST_GROUP}",
        *NOISE,
        laws=(*SOUND, "shift", "scale"),
        verified="code",
        hp={"noise": 0.4},
        believes="correct answers, with some prompts' verdicts turned round",
        loss="clipped(epsilon=0.2) | entropy_bonus(0.001) | token_mean()",
        differs=CRITIC,
    ),
    "pattern_for_wrong": Method(
        "outcome('correct') | flip_groups(noise) | outcome('pattern')"
        " | add_where_below('correct', by='pattern', rate=1, below=0.5)"
        f" | {AGAINST_GROUP}",
        *NOISE,
        laws=SOUND,
        verified="code",
        hp={"noise": 0.0},
        scorers="reasoning_phrases()",
        believes="right answers, and in wrong ones the phrases of thought",
        loss="clipped(epsilon=0.2) | entropy_bonus(0.001) | token_mean()",
        differs=CRITIC,
    ),
    "pattern_calibration": Method(
        "outcome('score') | outcome('pattern')"
        " | add_where_below('score', by='pattern', rate=0.1, below=0.5)"
        f" | {AGAINST_GROUP}",
        *NOISE,
        laws=SOUND,
        verified="code",
        scorers="reasoning_phrases() | outcome_model()",
        believes="a judge's score, lifted where thinking shows",
        loss="clipped(epsilon=0.2) | entropy_bonus(0.001) | token_mean()",
        differs=f"{CRITIC}; a text of the wrong form should come with a pattern reward "
        "of 0; the score is the chance to be right, of a model of outcomes",
    ),
    "rlpt": Method(
        f"outcome('continues') | {AGAINST_GROUP}",
        "Reinforcement Learning on Pre-Training Data",
        "2509.19249",
        laws=(*SOUND, "shift", "scale"),
        verified="abstract",
        believes="predicting the next passage of a text",
        loss=BY_SEQUENCE,
        scorers="judge('continues', frozen=True)",
        differs="the passage is a task's answer, and the judge a small verifier model "
        "that does not see the true one; guess: GRPO after its verdict",
    ),
    "ssl4rl": Method(
        "outcome('solved') | outcome('format')"
        f" | weighted_sum(solved=1, format=weight) | {AGAINST_GROUP}",
        "SSL4RL: Self-supervised Learning as Intrinsic Reward",
        "2510.16416",
        laws=(*SOUND, "scale"),
        verified="abstract",
        hp={"weight": 0.1},
        believes="undoing a rotation, jigsaw or other known change",
        loss=BY_SEQUENCE,
        scorers="puzzle('turn')",
        differs="guess: the weight of the format; the puzzles are of letters, the "
        "paper's of images",
    ),
}
