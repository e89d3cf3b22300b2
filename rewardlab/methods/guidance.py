"""Rewards on the way to a goal: what a step is paid before the end is known."""

from rewardlab.methods.method import SOUND, Method

NG = ("Policy Invariance Under Reward Transformations (ICML 1999)", "")
EXACT = (
    "exact for rows that end by themselves, with aggregation `constant`: a mean over "
    "tokens, or a group mean that counts the row itself, is no baseline"
)

GUIDANCE: dict[str, Method] = {
    "pbrs": Method(
        "process('potential') | potential_shaping(discount=gamma) | outcome('correct')"
        " | weighted_sum(potential=1, correct=1) | step_returns_to_go(discount=gamma)"
        " | center_by_group(leave_one_out=True)",
        *NG,
        laws=(*SOUND, "shift", "homogeneous", "telescoping", "bounded")
        + ("policy_invariance", "stopping"),
        verified="code",
        hp={"gamma": 1.0},
        believes="steps get what they add to a potential",
        loss="clipped(epsilon=0.2) | constant()",
        differs=EXACT,
    ),
    "mira": Method(
        "process('milestones') | potential_shaping(discount=gamma) | outcome('correct')"
        " | weighted_sum(milestones=1, correct=1) | step_returns_to_go(discount=gamma)"
        " | center_by_group(leave_one_out=True)",
        "MiRA: milestone potentials",
        "",
        laws=(*SOUND, "shift", "homogeneous", "telescoping", "bounded")
        + ("policy_invariance", "stopping"),
        verified="abstract",
        hp={"gamma": 1.0},
        believes="steps towards the next milestone, without moving the goal",
        loss="clipped(epsilon=0.2) | constant()",
        differs="guess: the potential is (milestones + part of the next) / all; "
        "the paper learns it as a critic",
    ),
    "calm": Method(
        "process('subgoals') | outcome('correct')"
        " | weighted_sum(subgoals=bonus, correct=1) | step_returns_to_go()"
        " | center_by_group(leave_one_out=True)",
        "CALM: subgoals with termination tests",
        "",
        laws=(*SOUND, "shift", "homogeneous", "stopping"),
        verified="abstract",
        hp={"bonus": 1.0},
        believes="a subgoal reached is worth something in itself",
        loss="clipped(epsilon=0.2) | constant()",
        differs="guess: size of the bonus; it can change which policy is best, unlike "
        "`mira`",
    ),
    "robo_dopamine": Method(
        "process('progress')"
        " | potential_shaping(discount=gamma, final='progress_end')"
        " | outcome('progress_end') | on('progress_end', indicator_ge(reached))"
        " | weighted_sum(progress=1, progress_end=1)"
        " | step_returns_to_go(discount=gamma) | center_by_group(leave_one_out=True)",
        "Robo-Dopamine: General Process Reward Modeling",
        "2512.23703",
        laws=(*SOUND, "telescoping", "bounded"),
        verified="paper",
        hp={"gamma": 1.0, "reached": 0.95},
        believes="steps get the progress they make to the goal",
        loss="clipped(epsilon=0.2) | constant()",
        differs="success is paid at the end of the row; the last state keeps its "
        "potential, as in the formula, so a row without success is paid its progress; "
        "guess: gamma",
    ),
}
