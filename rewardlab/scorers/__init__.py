"""Who makes signals: verifiers, text rewards, forward passes and others."""

from collections.abc import Callable
from typing import Any

from rewardlab.scorers.critic import critic
from rewardlab.scorers.distributions import blind, certainty, sum_pi_squared
from rewardlab.scorers.facts import column, finished
from rewardlab.scorers.implicit import (
    implicit,
    implicit_detached,
    implicit_dpo,
    implicit_kto,
)
from rewardlab.scorers.passes import entropy, reference, states, states_after
from rewardlab.scorers.second import moving_reference, strong, teacher, weak
from rewardlab.scorers.verifiers import VERIFIERS

# The words of `scorers`: each gives a function of the `Setting` that gives a `Scorer`.
SCORERS: dict[str, Callable[..., Any]] = {
    "blind": blind,
    "certainty": certainty,
    "column": column,
    "critic": critic,
    "entropy": entropy,
    "finished": finished,
    "implicit": implicit,
    "implicit_detached": implicit_detached,
    "implicit_dpo": implicit_dpo,
    "implicit_kto": implicit_kto,
    "moving_reference": moving_reference,
    "reference": reference,
    "states": states,
    "states_after": states_after,
    "strong": strong,
    "sum_pi_squared": sum_pi_squared,
    "teacher": teacher,
    "weak": weak,
    **VERIFIERS,
}

# Who makes what a sentence implies, where nobody says so.
USUAL = {
    "blind_logp": "blind()",
    "certainty": "certainty()",
    "entropy": "entropy()",
    "finished": "finished()",
    "hidden": "states()",
    "hidden_after": "states_after()",
    "prm_logp": "implicit()",
    "ref_logp": "reference()",
    "sum_pi_squared": "sum_pi_squared()",
    "strong_logp": "strong()",
    "teacher_logp": "teacher()",
    "value": "critic()",
    "weak_logp": "weak()",
}
