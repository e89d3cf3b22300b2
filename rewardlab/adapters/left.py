"""What of a method stays behind when its sentence goes into another trainer."""

import warnings

from rewardlab.core.types import RewardTransform
from rewardlab.methods import method_of
from rewardlab.objectives import USUAL


def say_what_stays(sentence: str | RewardTransform, trainer: str) -> None:
    """A warning that names the parts of a row which are the trainer's own to set."""
    if not isinstance(sentence, str):
        return
    method = method_of(sentence)
    parts = {which: method.said(which) for which in ("loss", "select", "updates")}
    parts["scorers"] = method.scorers
    own = [f"{k} = {v}" for k, v in parts.items() if v and v != USUAL]
    if own:
        warnings.warn(
            f"{trainer} takes the advantages of {sentence!r} and nothing else; set "
            f"there what belongs to them: {'; '.join(own)}",
            stacklevel=3,
        )
