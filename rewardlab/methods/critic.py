"""Credit against what a critic expected: the signal is a value, not a group."""

from rewardlab.methods.method import BY_SEQUENCE, SOUND, Method

GAE = ("High-Dimensional Continuous Control Using GAE", "1506.02438")

HEAD = "the critic is a head on the policy's states, there a model of its own"

CRITIC: dict[str, Method] = {
    "gae": Method(
        "outcome('correct') | gae('value', discount=discount, decay=decay) | whiten()",
        *GAE,
        laws=(*SOUND, "scale"),
        verified="code",
        hp={"discount": 1.0, "decay": 0.95},
        believes="tokens after which the critic expects more",
        updates="mini_batches(4)",
        scorers="critic(discount=discount, decay=decay)",
        differs=f"{HEAD}; places outside the mask get 0, where verl leaves the next "
        "whitened value; PPO's one clip, where verl has a second at 3; guess: 4 "
        "mini-batches, those of its examples",
    ),
    "vc_ppo": Method(
        "outcome('correct') | gae('value', discount=1, decay=decay) | whiten()",
        "What's Behind PPO's Collapse in Long-CoT? Value Optimization Holds the Secret",
        "2503.01491",
        laws=(*SOUND, "scale"),
        verified="secondary",
        hp={"decay": 0.95},
        believes="as gae, from a critic that learned whole returns first",
        scorers="critic(decay=1.0, warmup=50)",
        updates="mini_batches(4)",
        differs=f"{HEAD} that begins as the reward model; guess: whitening, PPO's one "
        "clip and 4 mini-batches, as in `gae`",
    ),
    "vapo": Method(
        "outcome('correct') | length_adaptive_gae('value', discount=1, alpha=alpha)"
        " | whiten()",
        "VAPO: Efficient and Reliable RL for Advanced Reasoning Tasks",
        "2504.05118",
        laws=(*SOUND, "scale"),
        verified="secondary",
        hp={"alpha": 0.05, "mu": 0.1},
        believes="as gae, looking a share of the row ahead; right rows twice",
        loss="clipped(epsilon=0.2, epsilon_high=0.28) | positive_nll(weight=mu)"
        " | token_mean()",
        scorers="critic(decay=1.0, warmup=50)",
        updates="mini_batches(4)",
        differs=f"{HEAD}; rows of 20 tokens or fewer get decay 0: use alpha = 20 / "
        "length; right tokens are counted in the rollout, there in the mini-batch; "
        "guess: whitening and 4 mini-batches",
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
        scorers="step_critic(discount=discount, decay=decay)",
        differs="an episode is a row, an action a step; guess: the critic, a head on "
        "the policy's states; by token, so a long action "
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
        scorers="critic(discount=0)",
        differs="environment tokens take no time; the code also takes 0.01 of KL from "
        "the rewards and whitens the advantages; guess: the critic, a head on the "
        "policy's states that learns the return itself",
    ),
    "poad": Method(
        "outcome('correct') | decomposed_gae('value', discount=discount, decay=decay)"
        " | whiten(eps=0, ddof=0, var_floor=1e-8)",
        "Reinforcing LLM Agents via Policy Optimization with Action Decomposition",
        "2405.15821",
        laws=(*SOUND, "scale"),
        verified="code",
        hp={"discount": 0.99, "decay": 0.95},
        believes="tokens after which the critic expects more; only turns cost time",
        scorers="critic(discount=1.0, decay=decay)",
        updates="mini_batches(4)",
        differs=f"{HEAD}, and its goal does not discount turns, which over the few here"
        " is within 5 %; all advantages are whitened, the code leaves those that"
        " are exactly 0 out. guess: 4 mini-batches",
    ),
    "archer": Method(
        "outcome('correct') | step_advantage('turn_advantage')",
        "ArCHer: Training Language Model Agents via Hierarchical Multi-Turn RL",
        "2402.19446",
        laws=(*SOUND, "shift", "homogeneous"),
        verified="code",
        hp={"discount": 0.9, "tau": 0.1},
        believes="turns worth more than their state, by two critics",
        loss="reinforce() | sequence_sum()",
        scorers="double_critic(discount=discount, tau=tau, epochs=3, warmup=20)",
        differs="the critics are heads on the policy's states, there a model of its own"
        " with its own text; V learns from the turns of the rollout, there from turns"
        " that are drawn anew; nothing is replayed, there both learn from a buffer of"
        " the past, the policy from turns drawn anew; its optional baseline by token is"
        " left out; a mean over rows of all turns' log-probs, there over turns. guess:"
        " 3 epochs and 20 iterations of warm-up, those of the code's signature and"
        " config, where its tasks have other numbers",
    ),
}
