"""Papers as sentences: `METHODS[name].build()` is the paper's transform.

Each row says what it reads, which laws it keeps (the tests prove every one of them,
and that `shift`, `scale`, `homogeneous` and `bounded` fail where they are not claimed),
what it was checked against, and where it differs from its source.
"""

import difflib
from typing import Any

from rewardlab.core.lookup import imported, place_of
from rewardlab.core.types import RewardTransform
from rewardlab.methods.agents import AGENTS
from rewardlab.methods.beliefs import BELIEFS
from rewardlab.methods.combination import COMBINATION
from rewardlab.methods.critic import CRITIC
from rewardlab.methods.ensembles import ENSEMBLE
from rewardlab.methods.guidance import GUIDANCE
from rewardlab.methods.intrinsic import INTRINSIC
from rewardlab.methods.learned import LEARNED
from rewardlab.methods.losses import LOSSES
from rewardlab.methods.method import LAWS, Method
from rewardlab.methods.outcome import OUTCOME
from rewardlab.methods.pairs import PAIRS
from rewardlab.methods.presets import PRESETS
from rewardlab.methods.process import PROCESS
from rewardlab.methods.relative import RELATIVE
from rewardlab.methods.rules import RULES
from rewardlab.methods.segments import SEGMENTS
from rewardlab.methods.selection import SELECTION
from rewardlab.methods.sentence import build, reads
from rewardlab.methods.several import SEVERAL
from rewardlab.methods.shaping import SHAPING
from rewardlab.methods.states import STATES
from rewardlab.methods.step_models import STEP_MODELS
from rewardlab.methods.turn_trees import TURN_VALUES
from rewardlab.methods.turns import TURNS
from rewardlab.methods.weights import WEIGHTED

__all__ = ["IDEAS", "LAWS", "METHODS", "Method", "method_of", "reads", "resolve"]

IDEAS: dict[str, dict[str, Method]] = {
    "An outcome against its group": OUTCOME,
    "Several outcomes at once": SEVERAL,
    "Credit against a critic": CRITIC,
    "Steps paid for what they add": PROCESS,
    "Rewards learned from outcomes": LEARNED,
    "Step scores learned from labels": STEP_MODELS,
    "Segments and prefixes": SEGMENTS,
    "Turns of an agent": TURNS,
    "Turns between states": STATES,
    "Turns by what follows them": TURN_VALUES,
    "Several agents": AGENTS,
    "Which samples to learn from": SELECTION,
    "Tokens that matter more": WEIGHTED,
    "What the policy knows itself": BELIEFS,
    "Scores of a reward model, bent": SHAPING,
    "Other policy losses": LOSSES,
    "Completions against one another": RELATIVE,
    "Learners on pairs": PAIRS,
    "Rewards without a verifier": INTRINSIC,
    "Rewards by rule": RULES,
    "Guidance on the way": GUIDANCE,
    "Several rewards made one": {**COMBINATION, **ENSEMBLE},
    "The same in other libraries": PRESETS,
}
METHODS = {name: row for rows in IDEAS.values() for name, row in rows.items()}


def method_of(text: str) -> Method:
    """The method of a name, or of the path of a `Method`; else one of which nothing is
    known but its reward, a sentence. `ValueError` for a name that there is not."""
    if text in METHODS:
        return METHODS[text]
    place = place_of(text, "method")
    if place is not None and not place.called:
        found = imported(place, "method")
        if isinstance(found, Method):
            return found
    if text.strip().isidentifier():
        near = difflib.get_close_matches(text, METHODS, n=1)
        hint = f"did you mean {near[0]!r}" if near else f"have {', '.join(METHODS)}"
        raise ValueError(f"no method {text!r}; {hint}, or write a sentence")
    return Method(text, title="", arxiv="", laws=(), verified="")


def resolve(text: str, **hp: Any) -> RewardTransform:
    """The transform of a method's name or of a sentence; `ValueError` for neither."""
    method = method_of(text)
    return build(text, **hp) if method.reward == text else method.build(**hp)
