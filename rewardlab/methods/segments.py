"""Segments and prefixes: credit for where a beginning leads."""

from rewardlab.methods.method import SOUND, VERL, Method

SPO = ("Segment Policy Optimization", "2505.23564")
TREE = "outcome('correct') | node_values('node') | center_by_fork('node')"

SEGMENTS: dict[str, Method] = {
    "tempo": Method(
        "outcome('correct') | on('correct', center_by_group() | broadcast_to_tokens())"
        " | prefix_gain('prefix_value', start='prompt_value')"
        " | weighted_sum(correct=1, prefix_value=1)"
        " | scale_by_outcome_std('correct', eps=eps)",
        "Exploiting Tree Structure for Credit Assignment in RL Training of LLMs",
        "2509.18314",
        laws=(*SOUND, "shift"),
        verified="code",
        hp={"eps": 1e-6},
        scorers="prefix_values()",
        believes="tokens after which the group's rows do better",
        loss=VERL,
        differs="padding is no token, where the code lets a row that has ended go on in"
        " a branch whose tokens equal its padding; a group of one gets 0; its discount"
        " and decay are read by nothing there and left out here",
    ),
    "spo_segment": Method(
        "in_segments('segment', progress('segment_value'))"
        " | in_segments('segment', step_returns_to_go(discount=0))"
        " | weigh('uncertain') | whiten()",
        *SPO,
        laws=SOUND,
        verified="code",
        hp={"every": 5, "prob": 0.9, "attempts": 9, "parts": 8},
        scorers="segment_at_uncertain_tokens(every=every, prob=prob, most=parts)"
        " | segment_values(attempts=attempts, most=parts)",
        believes="unsure tokens of segments after which fresh tries succeed more",
        loss="clipped(epsilon=0.2) | token_mean()",
        differs="SPO-chain, for tasks of one turn: episodes begin anew at turns only,"
        " as in `spo_tree`. A row has 8 segments at most, the last takes the rest;"
        " whitened over all tokens, the code over those that count; a segment that ends"
        " with the row has its outcome, where the code puts the cut's value in its"
        " place. guess: the loss, PPO's by token",
    ),
    "spo_tree": Method(
        f"{TREE} | step_returns_to_go(discount=0)",
        *SPO,
        laws=(*SOUND, "shift", "homogeneous"),
        verified="code",
        believes="segments better than their siblings, by what their children became",
        loss="clipped(epsilon=0.2) | token_mean()",
        differs="segments are turns of trees that the sampler grows, where the code"
        " branches 6 times each 600 tokens; edges with an advantage of 0 stay in the"
        " count of the loss's mean. `spo_tree_std` is its option that divides. guess:"
        " the loss, PPO's by token",
    ),
    "spo_tree_std": Method(
        f"{TREE} | scale_by_fork_std('node', eps=eps) | step_returns_to_go(discount=0)",
        *SPO,
        laws=(*SOUND, "shift"),
        verified="code",
        hp={"eps": 1e-8},
        believes="as spo_tree, in the spread of the siblings",
        loss="clipped(epsilon=0.2) | token_mean()",
        differs="the code's option that divides; as in `spo_tree` segments are turns,"
        " and edges of 0 stay in the count. guess: the loss, PPO's by token",
    ),
    "red": Method(
        "prefix_gain('prefix_score', start='prompt_score') | outcome('score')"
        " | kl_penalty(beta) | weighted_sum(prefix_score=mix, score=rest, kl=1)"
        " | gae('value', discount=1, decay=decay) | whiten()",
        "RED: Unleashing Token-Level Rewards from Holistic Feedback",
        "2411.08302",
        laws=SOUND,
        verified="secondary",
        hp={"mix": 0.5, "rest": 0.5, "beta": 0.05, "decay": 0.95},
        scorers="prefix_model() | critic(decay=decay)",
        believes="tokens that raise the reward model's score of the row so far",
        differs="differences of the scores of prefixes, as its first abstract has them;"
        " the survey says a probe on hidden states, another note attention. guess: the"
        " mix (`rest` is 1 - mix), beta, decay, whitening and the loss, PPO's by token;"
        " the reward model is a head on the base, there a model that is trained before",
    ),
    "abc": Method(
        "dense('token_reward') | kl_penalty(beta) | weighted_sum(token_reward=1, kl=1)"
        " | gae('value', discount=1, decay=decay) | whiten()",
        "Dense Reward for Free in Reinforcement Learning from Human Feedback (ABC)",
        "2402.00782",
        laws=SOUND,
        verified="code",
        hp={"mix": 0.8, "beta": 0.05, "decay": 0.95},
        scorers="reward_model() | attention_rewards(beta=mix) | critic(decay=decay)",
        believes="tokens that the reward model looks at when it reads the last",
        differs="the reward model is a head on the frozen base, whose attention it is,"
        " there a model that is trained before; a row's last token is looked from, its"
        " end. guess: mix, beta, decay, whitening and the loss, PPO's by token",
    ),
    "scar": Method(
        "process('shapley') | outcome('score') | kl_penalty(beta)"
        " | weighted_sum(shapley=alpha, score=rest, kl=1)"
        " | gae('value', discount=1, decay=decay) | whiten()",
        "SCAR: Shapley Credit Assignment for More Efficient RLHF",
        "2505.20417",
        laws=SOUND,
        verified="secondary",
        hp={
            "alpha": 0.5,
            "rest": 0.5,
            "beta": 0.05,
            "decay": 0.95,
            "parts": 4,
            "blocks": 1,
            "orders": 0,
        },
        scorers="coalition_model(parts=parts, blocks=blocks, orders=orders)"
        " | critic(decay=decay)",
        believes="parts of a row by what they add to any others",
        differs="parts that are left out are cut out, where the paper blanks them; 4"
        " parts, so that all 16 subsets are read. More are paid by its Owen values"
        " (blocks=2: halves of halves) or by drawn orders (orders=16), which the paper"
        " has not. The sum alone is the score's: the claim that optimal policies stay"
        " holds for no part, for each depends on the whole row. guess: alpha (`rest` is"
        " 1 - alpha), beta, decay, whitening and the loss, PPO's by token",
    ),
}
