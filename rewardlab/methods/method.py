"""What is known of a method: its sentences, its paper, the laws that it keeps."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from rewardlab.core import sentence
from rewardlab.core.grammar import bare_names
from rewardlab.core.sentence import Language, fill, parse
from rewardlab.core.tree import Tree
from rewardlab.core.types import RewardTransform
from rewardlab.methods.sentence import TRANSFORM, reads
from rewardlab.objectives import LOSS, USUAL, loss_tree
from rewardlab.objectives.updates import UPDATES
from rewardlab.selection import SELECT

SENTENCES = ("reward", "loss", "select", "scorers", "updates")
LANGUAGES: dict[str, Language] = {
    "reward": TRANSFORM,
    "loss": LOSS,
    "select": SELECT,
    "updates": UPDATES,
}
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
BY_SEQUENCE = "clipped(epsilon=0.2) | sequence_mean()"  # of GRPO
VERL = "clipped(epsilon=0.2, dual_clip=3.0) | token_mean()"  # it always clips twice
ALWAYS = ("permutation", "mask", "jit", "scan", "orbax", "devices")
SOUND = (*ALWAYS, "padding")


@dataclasses.dataclass(frozen=True)
class Method:
    """A published method: its sentences, and what is known of it.

    `reward` makes a rollout's signals an advantage; `loss` says what that does to
    parameters (`objectives.LOSSES`), `select` which rows are learned from
    (`selection.SELECTORS`), `scorers` who makes signals that no task makes, `updates`
    how often a rollout is learned from. Bare names in any of them have their values in
    `hp`. `laws` are those of `reward` on the rows that `select` keeps. `believes` says
    in about eight words what the method takes to deserve credit.
    """

    reward: str
    title: str
    arxiv: str
    laws: tuple[str, ...]
    verified: str  # "code", "paper", "secondary", "abstract" or "guess"
    hp: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    believes: str = ""
    loss: str = USUAL
    select: str = ""  # "": all rows
    scorers: str = ""  # "": none besides the task's
    updates: str = ""  # "": one
    differs: str = ""

    def build(self, **hp: Any) -> RewardTransform:
        """The transform, with `hp` in the place of the row's own values."""
        if unknown := sorted(set(hp) - self.names):
            raise ValueError(
                f"hyperparameters {unknown} are not used by the method, which has "
                f"{', '.join(sorted(self.names)) or 'none'}; drop them"
            )
        tree = fill(parse(self.reward, TRANSFORM), {**self.hp, **hp})
        return sentence.build(tree)

    def tree(self, which: str) -> Tree | None:
        """One of its sentences with the values of its bare names; None if it has none.

        `which` is a key of `LANGUAGES`.
        """
        text = getattr(self, which)
        if not text.strip():
            return None
        parsed = loss_tree(text) if which == "loss" else parse(text, LANGUAGES[which])
        return fill(parsed, self.hp)

    def said(self, which: str) -> str:
        """One of its sentences with the values of its bare names written in."""
        return str(self.tree(which) or "")

    @property
    def names(self) -> set[str]:
        """The bare names in all its sentences."""
        texts = (getattr(self, which) for which in SENTENCES)
        return set().union(*map(bare_names, texts))

    @property
    def reads(self) -> tuple[str, ...]:
        """The signals that `reward`, `loss` and `select` read."""
        trees = (self.tree("loss"), self.tree("select"))
        found = (sentence.reads(tree) for tree in trees if tree)
        return tuple(sorted(reads(self.build()).union(*found)))
