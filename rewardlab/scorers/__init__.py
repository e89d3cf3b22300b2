"""Who makes signals: verifiers, text rewards, forward passes and others."""

from collections.abc import Callable
from typing import Any

from rewardlab.scorers.critic import critic
from rewardlab.scorers.passes import entropy, reference, states
from rewardlab.scorers.verifiers import VERIFIERS

# The words of `scorers`: each gives a function of the `Setting` that gives a `Scorer`.
SCORERS: dict[str, Callable[..., Any]] = {
    "critic": critic,
    "entropy": entropy,
    "reference": reference,
    "states": states,
    **VERIFIERS,
}

# Who makes what a sentence implies, where nobody says so.
USUAL = {
    "entropy": "entropy()",
    "hidden": "states()",
    "ref_logp": "reference()",
    "value": "critic()",
}
