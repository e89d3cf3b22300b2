"""Who makes signals: verifiers, text rewards, forward passes and others."""

from collections.abc import Callable
from typing import Any

from rewardlab.scorers.critic import critic, step_critic
from rewardlab.scorers.critics import criteria, critics
from rewardlab.scorers.distributions import blind, certainty, sum_pi_squared
from rewardlab.scorers.facts import column, finished, positive
from rewardlab.scorers.follow_ups import follow_ups
from rewardlab.scorers.implicit import (
    implicit,
    implicit_detached,
    implicit_dpo,
    implicit_kto,
)
from rewardlab.scorers.insight import insight
from rewardlab.scorers.judge import asked, judge
from rewardlab.scorers.passes import entropy, reference, states, states_after
from rewardlab.scorers.rewarded import class_weight, rewarded
from rewardlab.scorers.second import (
    divergence,
    moving_reference,
    strong,
    teacher,
    weak,
)
from rewardlab.scorers.self_score import self_score
from rewardlab.scorers.verifiers import VERIFIERS
from rewardlab.scorers.versus import versus

# The words of `scorers`: each gives a function of the `Setting` that gives a `Scorer`.
SCORERS: dict[str, Callable[..., Any]] = {
    "asked": asked,
    "blind": blind,
    "certainty": certainty,
    "class_weight": class_weight,
    "column": column,
    "criteria": criteria,
    "critic": critic,
    "critics": critics,
    "divergence": divergence,
    "entropy": entropy,
    "finished": finished,
    "follow_ups": follow_ups,
    "implicit": implicit,
    "implicit_detached": implicit_detached,
    "implicit_dpo": implicit_dpo,
    "implicit_kto": implicit_kto,
    "moving_reference": moving_reference,
    "insight": insight,
    "judge": judge,
    "positive": positive,
    "reference": reference,
    "rewarded": rewarded,
    "self_score": self_score,
    "states": states,
    "step_critic": step_critic,
    "states_after": states_after,
    "strong": strong,
    "sum_pi_squared": sum_pi_squared,
    "teacher": teacher,
    "weak": weak,
    "versus": versus,
    **VERIFIERS,
}

# Who makes what a sentence implies, where nobody says so.
USUAL = {
    "blame_logp": "follow_ups()",
    "blind_logp": "blind()",
    "certainty": "certainty()",
    "class_weight": "class_weight()",
    "entropy": "entropy()",
    "finished": "finished()",
    "hidden": "states()",
    "hidden_after": "states_after()",
    "praise_logp": "follow_ups()",
    "prm_logp": "implicit()",
    "positive": "positive()",
    "ref_logp": "reference()",
    "self_score": "self_score()",
    "sum_pi_squared": "sum_pi_squared()",
    "strong_logp": "strong()",
    "teacher_logp": "teacher()",
    "value": "critic()",
    "weak_logp": "weak()",
}
