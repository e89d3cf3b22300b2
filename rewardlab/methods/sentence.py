"""Sentences: a method written as transforms joined by `|`.

    build("outcome('correct') | center_by_group() | broadcast_to_tokens()")

The language is calls, names, literals and `|`, read with `ast` and never evaluated. A
quoted name is a signal or a channel; a bare name is a hyperparameter. A coefficient may
be a schedule: `weighted_sum(correct=1, prm=linear(1, 0, 500))`.
"""

import ast
import difflib
import inspect
import re
from collections.abc import Callable
from typing import Any

from rewardlab.core.compose import chain, only
from rewardlab.core.grammar import parse, pipe, shown
from rewardlab.core.schedules import SCHEDULES
from rewardlab.core.types import SIGNAL, Reward, RewardTransform, Rollout
from rewardlab.transforms import BASELINES, CREDIT, TRANSFORMS, WEIGHTS


def build(text: str, **hp: Any) -> RewardTransform:
    """The transform that a sentence says, with the values of its bare names in `hp`.

    Raises `ValueError`, in one sentence, for text that is not a sentence, an unknown
    transform or hyperparameter, an unused hyperparameter, or wrong arguments.
    """
    used: set[str] = set()
    transform = _transform(parse(text), hp, used)
    if unused := sorted(set(hp) - used):
        raise ValueError(
            f"hyperparameters {unused} are not used by {shown(text)}; drop them or "
            "write them into the sentence"
        )
    return transform


def describe(transform: RewardTransform) -> str:
    """The sentence of a transform: `build(describe(t))` behaves as `t` does."""
    return transform.sentence


def hyperparameters(text: str) -> set[str]:
    """The bare names that a sentence needs values for; `ValueError` if it is none."""
    tree = parse(text)
    calls = {id(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
    names = (
        n for n in ast.walk(tree) if isinstance(n, ast.Name) and id(n) not in calls
    )
    return {n.id for n in names}


def reads(transform: RewardTransform) -> set[str]:
    """The names of the signals that a transform reads, from its sentence.

    They are the arguments that a word annotates as `SignalName`; `name_valid` is read
    too where it exists.
    """
    found: set[str] = set()
    for node in ast.walk(parse(transform.sentence)):
        word = getattr(getattr(node, "func", None), "id", "")
        if isinstance(node, ast.Call) and word in TRANSFORMS:
            signature = inspect.signature(TRANSFORMS[word])
            words = {str(k.arg): k.value for k in node.keywords}
            bound = signature.bind_partial(*node.args, **words)
            bound.apply_defaults()
            for role, value in bound.arguments.items():
                if _names_signals(signature.parameters[role]):
                    several = value if isinstance(value, tuple) else (value,)
                    texts = [getattr(v, "value", v) for v in several]
                    found |= {text for text in texts if isinstance(text, str) and text}
    return found


def _names_signals(parameter: inspect.Parameter) -> bool:
    return getattr(parameter.annotation, "__metadata__", ()) == SIGNAL


def shaped_reward(transform: RewardTransform) -> Callable[[Any, Rollout], Reward]:
    """The reward that a sentence trains on: it without baselines, credit and weights.

    A part in which one of these stands, as in `on('prm', whiten())`, is left out. A
    word that joins channels stays, without what it does to each of them first.
    """
    parts = [_shaping(part) for part in transform.parts or (transform,)]

    def reward(state: Any, rollout: Rollout) -> Reward:
        rewards: Any = {}
        states = state if transform.parts else (state,)
        for part, own in zip(parts, states, strict=True):
            if part is not None:
                rewards, _ = part.update(rewards, own, rollout)
        return only(rewards)

    return reward


_LATER = {*BASELINES, *CREDIT, *WEIGHTS}
_ON_ONE = {"on", "gate"}  # they act where they are told and join nothing


def _shaping(part: RewardTransform) -> RewardTransform | None:
    """A part without the words of `_LATER`; None if nothing is left of it."""
    if _LATER.isdisjoint(_words(part.sentence)):
        return part
    call = ast.parse(part.sentence, mode="eval").body
    if _words(part.sentence)[0] in _LATER | _ON_ONE or not isinstance(call, ast.Call):
        return None
    nothing = ast.parse("shift(0)", mode="eval").body  # whatever state it is handed
    for given in (arg for arg in call.args if not _LATER.isdisjoint(_words(arg))):
        call.args[call.args.index(given)] = nothing
    return build(ast.unparse(call))


def _words(text: str | ast.expr) -> list[str]:
    text = text if isinstance(text, str) else ast.unparse(text)
    return re.findall(r"(\w+)\(", text)


def _transform(node: ast.expr, hp: dict[str, Any], used: set[str]) -> RewardTransform:
    parts = pipe(node)
    if len(parts) > 1:
        return chain(*(_transform(part, hp, used) for part in parts))
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        raise ValueError(
            f"{_written(node)} is not a transform; a sentence is calls joined by |"
        )
    word = node.func.id
    if word not in TRANSFORMS:
        raise ValueError(f"unknown transform {shown(word)}{_hint(word)}")
    made = _call(TRANSFORMS[word], node, hp, used)
    return made._replace(sentence=ast.unparse(_Fill(hp).visit(node)))


def _call(
    make: Callable[..., Any], node: ast.Call, hp: dict[str, Any], used: set[str]
) -> Any:
    names = [k.arg for k in node.keywords]
    if None in names or len(set(names)) < len(names):
        raise ValueError(f"{_written(node)}: write each argument once, as name=value")
    args = [_value(a, hp, used) for a in node.args]
    kwargs = {str(k.arg): _value(k.value, hp, used) for k in node.keywords}
    try:
        return make(*args, **kwargs)
    except TypeError as error:
        raise ValueError(f"{_written(node)}: {error}") from None


def _value(node: ast.expr, hp: dict[str, Any], used: set[str]) -> Any:
    if isinstance(node, ast.Name):
        if node.id not in hp:
            raise ValueError(
                f"no value for the hyperparameter {node.id!r}; have {sorted(hp)} (a "
                "signal or channel is written in quotes)"
            )
        used.add(node.id)
        return hp[node.id]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id in SCHEDULES:
            return _call(SCHEDULES[node.func.id], node, hp, used)
    if isinstance(node, (ast.Call, ast.BinOp)):
        return _transform(node, hp, used)
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):
        raise ValueError(
            f"{_written(node)} is not a name, a literal or a transform"
        ) from None


class _Fill(ast.NodeTransformer):
    """Writes numbers in the place of the bare names that stand for them."""

    def __init__(self, hp: dict[str, Any]) -> None:
        self.hp = hp

    def visit_Call(self, node: ast.Call) -> ast.Call:
        node.args = [self.visit(a) for a in node.args]
        node.keywords = [self.visit(k) for k in node.keywords]
        return node

    def visit_Name(self, node: ast.Name) -> ast.expr:
        value = self.hp.get(node.id)
        plain = isinstance(value, (bool, int, float, str))
        return ast.Constant(value) if plain else node


def _written(node: ast.expr) -> str:
    return shown(ast.unparse(node))


def _hint(name: str) -> str:
    near = difflib.get_close_matches(name, TRANSFORMS, n=1)
    if near:
        return f", did you mean {near[0]!r}?"
    return f"; have {', '.join(sorted(TRANSFORMS))}"
