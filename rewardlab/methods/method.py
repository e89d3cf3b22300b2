"""What is known of a method: its sentence, its paper, the laws that it keeps."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from rewardlab.core.types import RewardTransform
from rewardlab.methods.sentence import build, reads
from rewardlab.selection import signals_of

LAWS = {
    "permutation": "permuting rows permutes advantages",
    "mask": "0 outside the mask, and what lies there is not read",
    "jit": "compiled equals eager",
    "scan": "`lax.scan` carries the state",
    "orbax": "a checkpoint restores the state",
    "devices": "one device equals eight",
    "padding": "more columns, prompts or empty rows change nothing",
    "shift": "adding a constant to a prompt's outcomes changes nothing",
    "scale": "multiplying every reward by c > 0 changes nothing",
    "homogeneous": "multiplying every reward by c > 0 multiplies advantages by c",
    "telescoping": "step rewards add up to a sum in which the middle steps cancel",
    "bounded": "step rewards from any token on add up to at most the greatest score",
    "policy_invariance": "another potential leaves the expected policy gradient",
    "stopping": "undiscounted, the expected policy gradient is c > 0 times that of the "
    "return, also where the policy chooses when to stop",
}
ALWAYS = ("permutation", "mask", "jit", "scan", "orbax", "devices")
SOUND = (*ALWAYS, "padding")


@dataclasses.dataclass(frozen=True)
class Method:
    """A published method: its sentence, what goes with it, and what is known of it.

    The loss is `surrogate`, a policy loss of `objectives.SURROGATES`, with `options`,
    what the paper sets of it beyond its defaults; `beta` times the KL estimate `kl` to
    the reference (`kl_correct_bias`: weighted by the ratio), less `entropy` times the
    entropy; averaged by `aggregation`. `select` says which rows are learned from, in
    the words of `selection.SELECTORS`; `laws` are those of the sentence on the rows
    that it keeps. `believes` says in about eight words what the
    method takes to deserve credit.
    """

    sentence: str
    title: str
    arxiv: str
    laws: tuple[str, ...]
    verified: str  # "code", "paper", "secondary", "abstract" or "guess"
    hp: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    believes: str = ""
    surrogate: str = "clipped"
    aggregation: str = "token_mean"
    options: Mapping[str, float] = dataclasses.field(default_factory=dict)
    beta: float = 0.0
    kl: str = "k3"
    kl_correct_bias: bool = False
    entropy: float = 0.0
    select: str = ""
    differs: str = ""

    def build(self, **hp: Any) -> RewardTransform:
        """The transform, with `hp` in the place of the row's own values."""
        return build(self.sentence, **{**self.hp, **hp})

    @property
    def reads(self) -> tuple[str, ...]:
        """The signals that the sentence and `select` read."""
        return tuple(sorted(reads(self.build()) | signals_of(self.select)))
