"""What a sentence pays apart: whole rows, agents, turns, segments or tokens.

A sentence is read word by word, without numbers: every channel has a unit, the finest
in which its rewards may differ within a row, and the word that made it so.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from rewardlab.core.schedules import SCHEDULES
from rewardlab.core.signals import SIGNALS
from rewardlab.core.signatures import bound_of
from rewardlab.core.tree import PIPE, Named, Tree
from rewardlab.methods.sentence import WORDS
from rewardlab.transforms import COMBINATORS, SOURCES

ROW, AGENT, TURN, SEGMENT, TOKEN = "trajectory", "agent", "turn", "segment", "token"
UNITS = (ROW, AGENT, TURN, SEGMENT, TOKEN)
_DRIFT = "drift"  # a penalty by token, which tells no turn from another
_ORDER = (ROW, _DRIFT, AGENT, TURN, SEGMENT, TOKEN)


class Unit(NamedTuple):
    """The unit of a channel, and the word that made it so."""

    name: str
    word: Tree | None


Units = dict[str, Unit]

# Signals that stand on other units than their shapes tell.
_STAND = {
    "agent": AGENT,
    "peers": AGENT,
    "before_result": TURN,
    "node": TURN,
    "shapley": SEGMENT,
    "uncertain": SEGMENT,
}
_SHAPES = {"NS": TURN, "NV": TURN, "NT": TOKEN}
_BY_TOKEN = {"dense", "log_ratio", "prefix_gain", "repetition"}
_PENALTIES = {"kl_penalty", "adaptive_kl_penalty"}
_BY_STEP = {"process", "information_gain", "progress", "new_best", "budget_returns"}
_BY_STEP |= {"rated_share"}
_NEW = {"kl_penalty": "kl", "adaptive_kl_penalty": "kl", "repetition": "repetition"}
_NEW |= {"rated_share": "share"}
# Words that make the unit of what was coarser, and of what was finer.
_REFINE = {
    "capped_bonus": TOKEN,  # of a row it stands on the last token
    "center_by_group_column": TOKEN,
    "center_by_group_position": TOKEN,
    "decomposed_gae": TOKEN,
    "gae": TOKEN,
    "keep_high_entropy": TOKEN,
    "length_adaptive_gae": TOKEN,
    "optimal_token_baseline": TOKEN,
    "position_bonus": TOKEN,
    "bonus_while_rare": TURN,
    "center_by_fork": TURN,
    "event_bonus": AGENT,
    "hindsight_ratio": TURN,
    "node_values": TURN,
    "only_step": TURN,
    "share_prefixes": TURN,
    "step_advantage": TURN,
    "step_gae": TURN,
}
_COARSEN = {
    "broadcast_step_values": TURN,
    "center_by_role_history": AGENT,
    "episode_return": ROW,
    "only_step_ends": TURN,
    "return_from_step": TURN,
    "returns_within_steps": TURN,
    "share_by_softmax": TURN,
    "sqrt_step_returns_to_go": TURN,
    "step_advantage": TURN,
    "step_gae": TURN,
    "step_returns_to_go": TURN,
}
_BY_SIGNAL = {"amplify", "center_by_signal", "redistribute_within_row", "weigh"}
_BY_SIGNAL |= {"weigh_by_duration"}
# A critic's estimate spreads what steps are paid, and leaves it theirs.
_CRITICS = {"decomposed_gae", "gae", "length_adaptive_gae"}
_DISCOUNTED = {
    "return_from_step": TURN,
    "returns_to_go": TOKEN,
    "step_returns_to_go": TURN,
}


def unit_of(parts: Iterable[Tree | None]) -> Unit | None:
    """The finest unit that the parts of a sentence pay apart; None where nothing is
    known of a word.

    outcome('correct') | center_by_group() | broadcast_to_tokens() -> trajectory
    """
    units: Units = {}
    for part in parts:
        if part is None or not all(map(_is_known, part.words)):
            return None
        units = _after(part, units)
    found = _finest(units.values())
    return found._replace(name=TOKEN) if found.name == _DRIFT else found


def _is_known(word: Tree) -> bool:
    return word.word in WORDS or word.word in SCHEDULES or word.made_of is not None


def arguments(tree: Tree) -> dict[str, Any]:
    """A word's arguments by name, with the values of bare names; defaults too."""
    bound = bound_of(tree.make, tree.args, tree.kwargs)
    bound.apply_defaults()
    given: dict[str, Any] = {}
    for name, value in bound.arguments.items():
        kind = bound.signature.parameters[name].kind
        given |= value if kind is kind.VAR_KEYWORD else {name: value}
    return {k: v.value if isinstance(v, Named) else v for k, v in given.items()}


def unit_of_signal(name: str) -> str:
    """The unit on which a signal stands: by its shape, unless it is said otherwise."""
    shape = SIGNALS[name].shape if name in SIGNALS else ""
    return _STAND.get(name, _SHAPES.get(shape, ROW))


def _finest(units: Any) -> Unit:
    """The finest of them, the last of equals."""
    best = Unit(ROW, None)
    for unit in units:
        if _ORDER.index(unit.name) >= _ORDER.index(best.name):
            best = unit
    return best


def _after(tree: Tree, units: Units) -> Units:
    if tree.word == PIPE:
        for part in tree.args:
            units = _after(part, units)
        return units
    if tree.word not in WORDS and tree.made_of is not None:
        return _after(tree.made_of, units)
    given = arguments(tree)
    if tree.word in SOURCES or tree.word in _PENALTIES:
        return {**units, **_source(tree, given)}
    inner = [x for x in tree.values if _is_transform(x)]
    if tree.word in COMBINATORS or inner:
        return _combined(tree, given, units, inner)
    return {name: _changed(tree, given, unit) for name, unit in units.items()}


def _source(tree: Tree, given: Mapping[str, Any]) -> Units:
    signal = str(next(iter(given.values()), ""))
    name = _NEW.get(tree.word, str(given.get("name", "") or signal))
    unit = ROW
    if tree.word in _BY_TOKEN:
        unit = TOKEN
    elif tree.word in _BY_STEP:
        unit = max(TURN, _STAND.get(signal, TURN), key=_ORDER.index)
    elif tree.word in _PENALTIES:
        unit = _DRIFT
    return {name: Unit(unit, tree)}


def _is_transform(value: Any) -> bool:
    return isinstance(value, Tree) and value.word not in SCHEDULES


def _combined(
    tree: Tree, given: Mapping[str, Any], units: Units, inner: list[Tree]
) -> Units:
    """After a word that takes channels by name, or transforms."""
    if tree.word == "on":
        one = given["channel"]
        touched = {one: units.get(one, Unit(ROW, None))}
        return {**units, one: _finest(_after(inner[0], touched).values())}
    if tree.word == "in_segments":
        there = _after(inner[0], units)
        return {k: _within_segments(u) for k, u in there.items()}
    if tree.word in ("gate", "either", "relative"):
        ways = [_after(x, units) for x in inner]
        names = dict.fromkeys(name for way in ways for name in way)
        return {n: _finest(way[n] for way in ways if n in way) for n in names}
    if tree.word == "copy_channel":
        return {**units, **{new: units[old] for new, old in given.items()}}
    if tree.word == "share_by_softmax":
        rest = {k: u for k, u in units.items() if k != given["by"]}
        return {**rest, given["channel"]: Unit(TURN, tree)}
    if tree.word in _KEEP:
        return units
    parts = [unit for way in inner for unit in _after(way, units).values()]
    return {"reward": _finest([*units.values(), *parts])}


_KEEP = {"add_where_below", "gated_accumulation", "keep_pareto_front"}
_KEEP |= {
    "relative_drop",
    "standardize_or_fallback",
    "trust",
    "zero_if_group_unanimous",
}


def _within_segments(unit: Unit) -> Unit:
    return unit._replace(name=SEGMENT) if unit.name == TURN else unit


def _changed(tree: Tree, given: Mapping[str, Any], unit: Unit) -> Unit:
    """After a word that acts on every channel alone."""
    at, word = _ORDER.index, tree.word
    coarse = _COARSEN.get(word, TOKEN)
    if at(unit.name) > at(coarse) or (unit.name == _DRIFT and coarse == TURN):
        unit = unit._replace(name=coarse)
    to = _REFINE.get(word, "")
    if word in _BY_SIGNAL:
        to = unit_of_signal(str(next(iter(given.values()))))
    if word == "center_by_state":
        to = _STAND.get(given["anchor"], TURN)
        if to == AGENT:  # whoever else took a turn, an agent is set against itself
            return Unit(AGENT, tree)
    if word == "center_by_role_history":
        return Unit(AGENT, tree)
    if word in _DISCOUNTED and given.get("discount") not in (0, 1):
        to = _DISCOUNTED[word]
        return Unit(to, tree) if unit.name == ROW else unit
    if not to or (word in _CRITICS and at(unit.name) >= at(AGENT)):
        return unit
    finer = at(to) - (word in _BY_SIGNAL) >= at(unit.name)
    return Unit(to, tree) if finer else unit
