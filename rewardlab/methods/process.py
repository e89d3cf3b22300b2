"""Step rewards: each step is paid for what it adds."""

from rewardlab.methods.method import ALWAYS, SOUND, Method

CLIP_DELTA = ("On Designing Effective RL Reward at Training Time", "2410.15115")
PURE = ("Stop Summation: Min-Form Credit Assignment", "2504.15275")
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
        differs="here to be beaten: every step adds reward, so longer is better",
    ),
    "clip": Method(
        "process('prm') | clip_reward(eta=eta) | outcome('correct')"
        " | weighted_sum(prm=alpha, correct=1) | returns_to_go() | center_by_group()",
        *CLIP_DELTA,
        laws=(*SOUND, "shift", "bounded"),
        verified="secondary",
        hp={"eta": 0.9, "alpha": 1.0},
        differs=NO_CRITIC,
    ),
    "delta": Method(
        "process('prm') | delta() | outcome('correct')"
        " | weighted_sum(prm=alpha, correct=1) | returns_to_go() | center_by_group()",
        *CLIP_DELTA,
        laws=(*SOUND, "shift", "homogeneous", "telescoping", "bounded"),
        verified="secondary",
        hp={"alpha": 1.0},
        differs=NO_CRITIC,
    ),
    "clip_delta": Method(
        "process('prm') | clip_reward(eta=eta) | delta() | outcome('correct')"
        " | weighted_sum(prm=alpha, correct=1) | returns_to_go() | center_by_group()",
        *CLIP_DELTA,
        laws=(*SOUND, "shift", "telescoping", "bounded"),
        verified="secondary",
        hp={"eta": 0.9, "alpha": 1.0},
        differs=NO_CRITIC,
    ),
    "pure": Method(
        "process('prm') | softmin_credit(temperature=tau) | outcome('correct')"
        " | weighted_sum(prm=alpha, correct=1) | returns_to_go()"
        " | center_by_group(leave_one_out=True)",
        *PURE,
        laws=(*SOUND, "shift", "bounded"),
        verified="code",
        hp={"tau": 0.1, "alpha": 1.0},
        differs="the verl branch's baseline over tokens, not over the padded width",
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
    ),
    "pure_verl": Method(
        "process('prm') | softmin_credit(temperature=tau) | outcome('correct')"
        " | kl_penalty(beta) | weighted_sum(prm=1, correct=alpha, kl=1)"
        " | returns_to_go() | center_by_group_width() | whiten()",
        *PURE,
        laws=(*ALWAYS, "bounded"),
        verified="code",
        hp={"tau": 0.1, "alpha": 1.0, "beta": 0.001},
        differs="KL is k1 where the code has k3",
    ),
}
