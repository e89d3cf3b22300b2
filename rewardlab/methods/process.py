"""Rewards of the process: steps are paid for what they add, thinking for its worth."""

from rewardlab.methods.method import ALWAYS, BY_SEQUENCE, SOUND, Method

CLIP_DELTA = ("On Designing Effective RL Reward at Training Time", "2410.15115")
PURE = ("Stop Summation: Min-Form Credit Assignment", "2504.15275")
TRUST = ("SophiaVL-R1: Reinforcing MLLMs Reasoning with Thinking Reward", "2505.17018")
THOUGHT = "judge('thinking', truth='step_correct', frozen=True)"
STAND_IN = (
    "the judge is a small verifier model that is warmed up on the steps that are "
    "right, where the paper asks a large one"
)
NO_CRITIC = "the paper has a critic; here the baseline is the group's mean return"

PROCESS: dict[str, Method] = {
    "process_sum": Method(
        "process('prm') | outcome('correct') | weighted_sum(prm=alpha, correct=1)"
        " | returns_to_go() | center_by_group()",
        "the naive sum of process rewards",
        "",
        laws=(*SOUND, "shift", "homogeneous"),
        verified="",
        hp={"alpha": 1.0},
        believes="every step adds to the sum, useful or not",
        differs="here to be beaten: every step adds reward, so longer is better",
    ),
    "clip": Method(
        "process('prm') | clip_reward(eta=eta) | outcome('correct')"
        " | weighted_sum(prm=alpha, correct=1) | returns_to_go() | center_by_group()",
        *CLIP_DELTA,
        laws=(*SOUND, "shift", "bounded"),
        verified="secondary",
        hp={"eta": 0.9, "alpha": 1.0},
        believes="a step costs what it lacks to be good",
        differs=NO_CRITIC,
    ),
    "delta": Method(
        "process('prm') | delta() | outcome('correct')"
        " | weighted_sum(prm=alpha, correct=1) | returns_to_go() | center_by_group()",
        *CLIP_DELTA,
        laws=(*SOUND, "shift", "homogeneous", "telescoping", "bounded"),
        verified="secondary",
        hp={"alpha": 1.0},
        believes="a step is paid for being above the next",
        differs=NO_CRITIC,
    ),
    "clip_delta": Method(
        "process('prm') | clip_reward(eta=eta) | delta() | outcome('correct')"
        " | weighted_sum(prm=alpha, correct=1) | returns_to_go() | center_by_group()",
        *CLIP_DELTA,
        laws=(*SOUND, "shift", "telescoping", "bounded"),
        verified="secondary",
        hp={"eta": 0.9, "alpha": 1.0},
        believes="falling scores cost; more good steps pay nothing",
        differs=NO_CRITIC,
    ),
    "ppr": Method(
        "process('prm') | outcome('correct')"
        " | on('correct', episode_return(every_step=True)) | shift(-0.5)"
        " | weighted_sum(prm=1, correct=1) | returns_to_go(discount=gamma)"
        " | center_by_group()",
        "Hybrid Reward Normalization for Process-supervised Agentic Tasks",
        "2509.25598",
        laws=SOUND,
        verified="guess",
        hp={"gamma": 1.0},
        believes="good steps of right answers, bad steps of wrong ones",
        differs="guess: both rewards minus 1/2, so no step of a wrong answer gains; "
        + NO_CRITIC,
    ),
    "pav": Method(
        "progress('success', attempts=attempts) | on('success', step_returns_to_go(0))"
        " | outcome('correct')"
        " | on('correct', center_by_group() | broadcast_to_tokens())"
        " | weighted_sum(success=alpha, correct=1)",
        "Rewarding Progress: Scaling Automated Process Verifiers",
        "2410.08146",
        laws=(*SOUND, "shift"),
        verified="secondary",
        hp={"attempts": 4, "alpha": 3.0},
        believes="steps after which a weaker prover succeeds more often",
        differs="the baseline is the group's mean outcome; alpha is from memory",
    ),
    "p_grpo": Method(
        "outcome('format') | outcome('correct') | outcome('thinking')"
        " | gated_accumulation('thinking', correct=1)"
        " | weighted_sum(format=1, correct=1, thinking=1) | center_by_group()"
        " | scale_by_group_std(eps=eps) | broadcast_to_tokens()",
        "Posterior-GRPO",
        "2508.05170",
        laws=SOUND,
        verified="secondary",
        hp={"eps": 1e-6},
        scorers=THOUGHT,
        believes="good thinking, once the answer is right",
        loss=BY_SEQUENCE,
        differs=f"{STAND_IN}; guess: eps, and a standard deviation over n - 1",
    ),
    "trust_grpo": Method(
        "outcome('correct') | outcome('thinking') | trust('thinking', by='correct')"
        " | weighted_sum(correct=1, thinking=exponential(alpha, steps))"
        " | center_by_group() | scale_by_group_std(eps=eps) | broadcast_to_tokens()",
        *TRUST,
        laws=SOUND,
        verified="code",
        hp={"alpha": 0.3, "steps": 12000, "eps": 1e-6},
        believes="thinking, if right answers have the better, and early",
        loss="clipped(epsilon=0.2)"
        " | kl(beta=0.04, kind='k3_unbounded')"
        " | entropy_bonus(0.001)"
        " | token_mean()",
        scorers=THOUGHT,
        differs="the paper's reward, the script's loss and `steps`, where the paper "
        f"fades over all of training; `trust_grpo_released` is the code's; {STAND_IN}",
    ),
    "trust_grpo_released": Method(
        "outcome('correct') | outcome('thinking')"
        " | gated_accumulation('thinking', correct=0.2)"
        " | zero_if_group_unanimous('thinking', by='correct')"
        " | trust('thinking', by='correct')"
        " | weighted_sum(correct=1, thinking=exponential(alpha, steps))"
        " | center_by_group() | scale_by_group_std(eps=eps) | broadcast_to_tokens()",
        *TRUST,
        laws=SOUND,
        verified="code",
        hp={"alpha": 0.3, "steps": 12000, "eps": 1e-6},
        believes="thinking of answers that are not quite wrong",
        loss="clipped(epsilon=0.2)"
        " | kl(beta=0.04, kind='k3_unbounded')"
        " | entropy_bonus(0.001)"
        " | token_mean()",
        scorers=THOUGHT,
        differs="a group of one gets 0; the wrong are not asked, so trust acts only on "
        f"outcomes between 0.2 and 0.5; {STAND_IN}",
    ),
    "atom_searcher": Method(
        "outcome('thinking') | outcome('correct')"
        " | weighted_sum(thinking=linear(0.5, 0, steps), correct=linear(0.5, 1, steps))"
        " | require('format', otherwise=-1) | center_by_group()"
        " | scale_by_group_std(eps=eps) | broadcast_to_tokens()",
        "Atom-Searcher: Fine-Grained Atomic Thought Reward",
        "2508.12800",
        laws=SOUND,
        verified="abstract",
        hp={"steps": 500, "eps": 1e-6},
        believes="good thoughts early in training, answers at its end",
        loss=BY_SEQUENCE,
        scorers=THOUGHT,
        differs="guess: the loss, the numbers of the schedule; `correct` is the F1 of "
        f"the answer; {STAND_IN}",
    ),
    "capo": Method(
        "process('flaws') | on('flaws', indicator_ge(votes))"
        " | on('flaws', step_returns_to_go(discount=0))"
        " | outcome('correct') | on('correct', broadcast_to_tokens())"
        " | weighted_sum(correct=right, flaws=wrong) | center_by_group()"
        " | scale_by_group_std(eps=eps, ddof=0)",
        "CAPO: Generative Credit Assignment for LLM Reasoning",
        "2508.02298",
        laws=(*SOUND, "shift"),
        verified="secondary",
        hp={"votes": 4, "right": 2.0, "wrong": -1.0, "eps": 1e-6},
        believes="tokens of right answers outside of faulty steps",
        scorers="critics(draws=4)",
        differs="`flaws` counts the critiques that call a step wrong: 4 of 4 is the "
        "intersection; the paper's critic is a large model that writes what is wrong, "
        "here a small one of verdicts, warmed up on the steps that are right; guess: "
        "the loss, eps, and statistics over tokens that divide by n",
    ),
    "pure": Method(
        "process('prm') | softmin_credit(temperature=tau) | outcome('correct')"
        " | weighted_sum(prm=alpha, correct=1) | returns_to_go()"
        " | center_by_group(leave_one_out=True)",
        *PURE,
        laws=(*SOUND, "shift", "bounded"),
        verified="code",
        hp={"tau": 0.1, "alpha": 1.0},
        believes="a chain of steps is worth its worst step",
        loss=BY_SEQUENCE,
        differs="the verl branch's baseline over tokens, not over the padded width; "
        "both codes take 0.001 of KL from the reward",
    ),
    "pure_openrlhf": Method(
        "process('prm') | softmin_credit(temperature=tau) | center_by_group_tokens()"
        " | outcome('correct') | on('correct', center_by_group(leave_one_out=True))"
        " | kl_penalty(beta) | weighted_sum(prm=1, correct=alpha, kl=1)"
        " | returns_to_go() | zero_step_ends()",
        *PURE,
        laws=(*SOUND, "shift"),
        verified="code",
        hp={"tau": 0.1, "alpha": 1.0, "beta": 0.001},
        believes="a chain of steps is worth its worst step",
        loss=BY_SEQUENCE,
        updates="mini_batches(2)",
        differs="its trainer then whitens over tokens that no step ends on, and makes"
        " no update where the mean ratio is over 10",
    ),
    "pure_verl": Method(
        "process('prm') | softmin_credit(temperature=tau) | outcome('correct')"
        " | kl_penalty(beta, kind='k3') | weighted_sum(prm=1, correct=alpha, kl=1)"
        " | returns_to_go() | center_by_group_width() | whiten()",
        *PURE,
        laws=(*ALWAYS, "bounded"),
        verified="code",
        hp={"tau": 0.1, "alpha": 1.0, "beta": 0.001},
        believes="a chain of steps is worth its worst step",
    ),
    "finepo": Method(
        "outcome('correct') | center_by_group() | broadcast_to_tokens()"
        " | redistribute_within_row('prm', strength=strength, most=most)",
        "SketchVL: Policy Optimization via Fine-Grained Credit Assignment (FinePO)",
        "2601.05688",
        laws=(*SOUND, "shift", "homogeneous"),
        verified="paper",
        hp={"strength": 0.5, "most": 2.0},
        believes="a row's credit, on its better steps more, sign kept",
        differs="scores of the task's own rule, or of a step model, where the paper"
        " trains a scorer with levels 4 to 1; an offset for kinds of actions that the"
        " policy overuses is `offset_common_kinds`; guess: strength, cut off in"
        " the copy read, and the loss. In its own table random scores do better once",
    ),
}
