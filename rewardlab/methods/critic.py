"""Credit against what a critic expected: the signal is a value, not a group."""

from rewardlab.methods.method import BY_SEQUENCE, SOUND, Method

GAE = ("High-Dimensional Continuous Control Using GAE", "1506.02438")

CRITIC: dict[str, Method] = {
    "gae": Method(
        "outcome('correct') | gae('value', discount=discount, decay=decay) | whiten()",
        *GAE,
        laws=(*SOUND, "scale"),
        verified="code",
        hp={"discount": 1.0, "decay": 0.95},
        believes="tokens after which the critic expects more",
        updates="mini_batches(4)",
        differs="places outside the mask get 0, where verl leaves the whitened next "
        "value; PPO's one clip, where verl has a second at 3; guess: 4 "
        "mini-batches, those of its examples",
    ),
    "vla_rl": Method(
        "outcome('correct') | step_gae('step_value', discount=discount, decay=decay)",
        "VLA-RL: Towards Masterful and General Robotic Manipulation",
        "2505.18719",
        laws=(*SOUND, "homogeneous"),
        verified="code",
        hp={"discount": 0.99, "decay": 0.95},
        believes="actions after which the critic expects more",
        loss="clipped_steps(epsilon=0.2) | token_mean()",
        differs="an episode is a row, an action a step; by token, so a long action "
        "counts more, where all of theirs have 7; many updates a batch there, one here",
    ),
    "vineppo": Method(
        "outcome('correct') | step_gae('step_value', discount=1, decay=0) | whiten()",
        "VinePPO: Refining Credit Assignment in RL Training of LLMs",
        "2410.01679",
        laws=(*SOUND, "scale"),
        verified="code",
        believes="turns after which fresh episodes succeed more often",
        loss="clipped(epsilon=0.2) | kl(beta=0.0001, kind='k3') | token_mean()",
        updates="mini_batches(8) | epochs(2)",
        differs="a step is a turn; set `rollout.continuations` (9 in the code); KL is "
        "a mean over tokens, where the code adds it up over each row",
    ),
    "multi_discount": Method(
        "outcome('correct') | repetition(size=size, penalty=price)"
        " | on('correct', returns_to_go(discount=discount))"
        " | on('repetition', returns_to_go(discount=repetition_discount))"
        " | weighted_sum(correct=1.0, repetition=1.0) | center_by_signal('value')",
        "Demystifying Long Chain-of-Thought Reasoning in LLMs",
        "2502.03373",
        laws=SOUND,
        verified="code",
        hp={"discount": 1.0, "repetition_discount": 0.99, "size": 40, "price": -0.05},
        believes="each reward over its own horizon, beyond the critic's",
        loss=BY_SEQUENCE,
        differs="environment tokens take no time; the code also takes 0.01 of KL from "
        "the rewards and whitens the advantages",
    ),
}
