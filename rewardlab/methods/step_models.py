"""Process reward models that learn beside the policy, from labels of steps."""

from rewardlab.methods.method import SOUND, Method

HEAD = "a head on the policy's states learns with it, there a model of its own before"

STEP_MODELS: dict[str, Method] = {
    "math_shepherd": Method(
        "process('prm') | returns_to_go() | center_by_group()",
        "Math-Shepherd: Verify and Reinforce LLMs Step-by-step",
        "2312.08935",
        laws=(*SOUND, "homogeneous"),
        verified="secondary",
        believes="steps from which some continuation still ends right",
        scorers="step_labels('hard') | step_model()",
        differs=f"{HEAD}; it has PPO with a critic, here the baseline is the group's "
        "mean return; set `rollout.continuations` (8 there)",
    ),
    "fover": Method(
        "process('prm') | softmin_credit(temperature=tau) | outcome('correct')"
        " | weighted_sum(prm=alpha, correct=1) | returns_to_go()"
        " | center_by_group(leave_one_out=True)",
        "Generalizable Process Reward Models via Formally Verified Training Data",
        "2505.15960",
        laws=(*SOUND, "shift", "bounded"),
        verified="guess",
        hp={"tau": 0.1, "alpha": 1.0},
        believes="steps that a model of a formal checker calls right",
        scorers="step_labels('formal') | step_model()",
        differs=f"guess: the estimator, PURE's; the paper ranks completions; {HEAD}",
    ),
    "scan": Method(
        "process('prm') | delta() | outcome('correct')"
        " | weighted_sum(prm=alpha, correct=1) | returns_to_go() | center_by_group()",
        "SCAN: Self-Denoising Monte Carlo Annotation for Robust Process Rewards",
        "2509.16548",
        laws=(*SOUND, "shift", "homogeneous", "telescoping", "bounded"),
        verified="guess",
        hp={"alpha": 1.0},
        believes="steps before which no sampled error comes, with some tolerance",
        scorers="step_labels('tolerant') | step_model()",
        differs=f"guess: the estimator, tolerance, least confidence; the paper ranks "
        f"completions; {HEAD}; set `rollout.continuations`",
    ),
    "glore": Method(
        "process('prm') | delta() | outcome('correct')"
        " | weighted_sum(prm=alpha, correct=1) | returns_to_go() | center_by_group()",
        "GLoRe: When, Where, and How to Improve LLM Reasoning",
        "2402.10963",
        laws=(*SOUND, "shift", "homogeneous", "telescoping", "bounded"),
        verified="guess",
        hp={"alpha": 1.0},
        believes="steps from which the policy can still succeed",
        scorers="step_labels('reachable') | step_model()",
        differs=f"guess: the estimator; the paper refines completions by these scores; "
        f"{HEAD}; set `rollout.continuations` (8 to 32 there)",
    ),
    "agent_prm": Method(
        "outcome('correct') | process('turn_progress')"
        " | on('correct', center_by_group() | scale_by_group_std(eps=eps)"
        " | broadcast_to_tokens())"
        " | on('turn_progress', step_returns_to_go(discount=0))"
        " | weighted_sum(correct=1, turn_progress=alpha)",
        "AgentPRM: Process Reward Models for LLM Agents via Promise and Progress",
        "2511.08325",
        laws=(*SOUND, "shift"),
        verified="secondary",
        hp={
            "discount": 1.0,
            "decay": 0.95,
            "beta": 1.0,
            "alpha": 1.0,
            "eps": 1e-6,
        },
        believes="turns after which more is to be expected than before",
        scorers="promise_model(discount=discount, decay=decay, beta=beta, warmup=20)",
        differs=f"{HEAD}; it ranks candidates at each turn, or pays PPO, here the "
        "progress of a turn is its advantage beside the outcome's in its group; a "
        "first turn is compared with the prompt's first turns, there none is before. "
        "guess: all numbers, the labels of differences, which are those of the labels' "
        "own, and the estimator. The AgentPRM of 2502.10325 is another: it learns of "
        "Monte Carlo returns",
    ),
}
