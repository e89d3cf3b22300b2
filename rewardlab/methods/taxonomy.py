"""The columns of the survey of credit assignment (arXiv 2604.09459), row by row.

What a sentence tells is read from it; what it cannot tell, the family of its method and
whether it redistributes a reward at all, is written by hand below.
"""

from typing import NamedTuple

from rewardlab.core import sentence
from rewardlab.core.signals import SIGNALS
from rewardlab.core.signals.draws import flag, flags
from rewardlab.core.tree import Tree
from rewardlab.core.types import RewardTransform
from rewardlab.methods import IDEAS, METHODS, method_of
from rewardlab.methods.columns import (
    ADJACENT,
    CORE,
    CORE_IDEAS,
    FAMILIES,
    FAMILY,
    KIND,
    MONTE_CARLO,
    OF_AGENTS,
    OF_EPISODES,
    READS,
    SETTING,
)
from rewardlab.methods.method import Method
from rewardlab.methods.sentence import reads
from rewardlab.methods.units import ROW, TOKEN, TURN, UNITS, Unit, arguments, unit_of
from rewardlab.objectives import loss_tree
from rewardlab.transforms import SHAPERS, SOURCES, WEIGHTS

__all__ = ["FAMILIES", "UNITS", "Place", "granularity", "methodology", "place_of"]

_MATCHING = {"center_by_state", "center_by_role_history"}  # by turn, agent or role
# Losses that pay units apart which the reward's sentence does not.
_LOSSES = {"step_dpo": TURN, "t_reg": TOKEN, "tgdpo": TOKEN}


class Place(NamedTuple):
    """Where a row or a sentence stands in the taxonomy; "" where it is not known."""

    granularity: str  # of UNITS
    methodology: str  # of FAMILIES
    setting: str  # reasoning, agentic, multi-agent
    kind: str  # core or adjacent; "" of a sentence that is no row
    tier: str  # restored, matched, counterfactual, proxy; "-" of whole rows
    state: str  # observed, matched, restored, latent
    source: str  # real rerun, decoder restore, environment restore, log match, ...
    enters: str  # reward, advantage, mask, loss weight


def granularity(text: str, loss: str = "") -> str:
    """The finest unit that a method, by its name, or a sentence pays apart.

    One of `UNITS`, from the last word that makes it so; "" where a word of yours
    decides. `loss` is the run's loss, the row's own untold.

    granularity("gigpo") -> "turn"
    """
    method = method_of(text)
    unit = _unit(method.build(), loss or method.loss)
    return unit.name if unit else ""


def methodology(text: str) -> str:
    """The family of a method, by its name, or of a sentence: one of `FAMILIES`.

    By hand where the survey or the method says so, else by what the reward reads.

    methodology("igpo") -> "information"
    """
    method = method_of(text)
    return _family(text, _reads(method, method.build(), method.loss))


def place_of(text: str, loss: str = "") -> Place:
    """Where a method, by its name, or a sentence stands in the taxonomy."""
    method = method_of(text)
    made = method.build()
    loss = loss or method.loss
    unit, found = _unit(made, loss), _reads(method, made, loss)
    tier, state, source = _evidence(made, found)
    whole = unit is not None and unit.name == ROW
    return Place(
        unit.name if unit else "",
        _family(text, found),
        _setting(text, found),
        _kind(text),
        "-" if whole else tier,
        "-" if whole else state,
        "-" if whole else source,
        _enters(unit) if unit else "",
    )


def _unit(made: RewardTransform, loss: str) -> Unit | None:
    unit = unit_of(part.tree for part in made.parts or (made,))
    words = _apart(loss)
    if unit is None or not words:
        return unit
    last = Unit(_LOSSES[words[-1].word], words[-1])
    return max(unit, last, key=lambda u: UNITS.index(u.name))


def _apart(loss: str) -> list[Tree]:
    """The words of a loss that pay units apart."""
    return [word for word in loss_tree(loss).words if word.word in _LOSSES]


def _reads(method: Method, made: RewardTransform, loss: str) -> set[str]:
    """What the credit reads, and `value` where its own critic makes another name."""
    found = reads(made).union(*(sentence.reads(word) for word in _apart(loss)))
    return found | ({"value"} if "critic(" in method.scorers else set())


def _family(text: str, found: set[str]) -> str:
    told = (family for family, names in READS if names & found)
    return FAMILY.get(text) or next(told, MONTE_CARLO)


def _kind(text: str) -> str:
    if text not in METHODS:
        return ""
    idea = next(idea for idea, rows in IDEAS.items() if text in rows)
    return KIND.get(text, CORE if idea in CORE_IDEAS else ADJACENT)


def _setting(text: str, found: set[str]) -> str:
    """By what is read: who speaks, or what only an episode of turns has."""
    if found & OF_AGENTS:
        said = "multi-agent"
    else:
        said = "agentic" if found & OF_EPISODES else "reasoning"
    return SETTING.get(text, said)


def _evidence(made: RewardTransform, found: set[str]) -> tuple[str, str, str]:
    """The tier, the effective state and the source of the intervention (survey, v3).

    A turn that was taken anew from a kept state is the strongest evidence; equal states
    that the log happens to hold come next; then what a model says of another input, and
    last a number that goes along with success.
    """
    rerun = {"step_value", "success"} if "value" not in found else {"success"}
    if found & (rerun | {"solo", "marginal"}):  # these from the beginning
        return "restored", "restored", "real rerun"
    if "segment_value" in found:
        return "restored", "restored", "decoder restore"
    if "node" in found and "turn_score" not in found:  # siblings, by a critic's word
        return "restored", "restored", "environment restore"
    if found & {
        "anchor",
        "goal_nearness",
        "graph_value",
        "prefix_value",
        "state_value",
    }:
        return "matched", "matched", "log match"
    trees = (part.tree for part in made.parts or (made,))
    if any(w.word in _MATCHING for tree in trees if tree for w in tree.words):
        return "matched", "observed", "log match"
    state = "latent" if "flow" in found else "observed"
    if found & {"hindsight_logp", "shapley"}:
        return "counterfactual", state, "model proxy"
    a_model = any(told & found for _, told in READS)
    return "proxy", state, "model proxy" if a_model else "-"


def _enters(unit: Unit) -> str:
    """Through which kind of word the credit comes in."""
    word = unit.word
    if word is None or word.word in SOURCES or word.word in SHAPERS:
        return "reward"
    if word.word in _LOSSES:
        return "loss"
    if word.word not in WEIGHTS or word.word == "amplify":
        return "advantage"
    return "mask" if _keeps(word) else "loss weight"


def _keeps(word: Tree) -> bool:
    """Whether a weight is 0 or 1."""
    name = arguments(word).get("name")
    known = name in SIGNALS and SIGNALS[name].draw in (flag, flags)
    return known or word.word == "keep_high_entropy"
