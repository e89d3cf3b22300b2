"""The numbers of a sentence, by name, so that other values are no other program."""

import collections
import inspect
import numbers
from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from rewardlab.core.signatures import is_static, signature_of
from rewardlab.core.tree import PIPE, Named, Tree, spell, with_values

Replace = Callable[[str, Any], Any]  # of a path and its number


def literals(tree: Tree, prefix: str) -> dict[str, float]:
    """Every number of a sentence by its path, as `reward.clip_reward.eta`.

    A word that is there again is `clip_reward_2`, a number in a tuple has its place at
    the end, and the value of a bare name is `hp.NAME` wherever that stands. What shapes
    the program (`Static`) and what has no annotation is not among them.
    """
    found: dict[str, float] = {}
    _replaced(tree, prefix, lambda path, x: found.setdefault(path, x))
    return found


def arrays(values: Mapping[str, float]) -> dict[str, Array]:
    """Numbers as arguments of a program: float32, so that none is of another type.

    What is too large for it is infinite, and a step with it not finite.
    """
    with np.errstate(over="ignore"):
        return {path: jnp.asarray(x, jnp.float32) for path, x in values.items()}


def skeleton(tree: Tree, prefix: str) -> str:
    """The sentence with the path of each number in its place: two sentences with equal
    ones are one program.

    clip_reward(0.9) -> clip_reward(reward.clip_reward.eta)
    """
    return str(_replaced(tree, prefix, lambda path, _: Named(path)))


def put(tree: Tree, values: Mapping[str, Any], prefix: str) -> Tree:
    """The tree with `values` in the place of the numbers of these paths.

    Its text stays as it was where a value is traced.
    """

    def one(path: str, x: Any) -> Any:
        return Named(spell(x), values[path]) if path in values else x

    return _replaced(tree, prefix, one)


def _replaced(tree: Tree, prefix: str, replace: Replace) -> Tree:
    seen: collections.Counter[str] = collections.Counter()

    def visit(node: Any) -> Any:
        if not isinstance(node, Tree):
            return node
        if node.word == PIPE:
            return with_values(node, map(visit, node.args))
        word = node.word.rpartition(":")[2]
        seen[word] += 1
        path = f"{prefix}.{word}" + (f"_{seen[word]}" if seen[word] > 1 else "")
        pairs = zip(_roles(node), node.values, strict=True)
        return with_values(node, [value(f"{path}.{r}", p, x) for (r, p), x in pairs])

    def value(path: str, parameter: inspect.Parameter | None, x: Any) -> Any:
        if isinstance(x, Tree):
            return visit(x)
        if parameter is None or is_static(parameter):
            return x
        if isinstance(x, Named):
            new = number(f"hp.{x.name}", x.value)
            return Named(x.name, new.value if isinstance(new, Named) else new)
        return number(path, x)

    def number(path: str, x: Any) -> Any:
        if type(x) is tuple:
            return tuple(number(f"{path}.{i}", one) for i, one in enumerate(x))
        real = isinstance(x, numbers.Real) and not isinstance(x, bool)
        return replace(path, x) if real else x

    return visit(tree)


def _roles(tree: Tree) -> list[tuple[str, inspect.Parameter | None]]:
    """What each argument is called, and its parameter if it has a type."""
    parameters = signature_of(tree.make).parameters
    several = {p.kind: p for p in parameters.values()}
    places = [p for p in parameters.values() if p.kind <= p.POSITIONAL_OR_KEYWORD]
    rest = several.get(inspect.Parameter.VAR_POSITIONAL)
    found: list[tuple[str, inspect.Parameter | None]] = []
    for i in range(len(tree.args)):
        own = places[i] if i < len(places) else rest
        name = own.name if own else str(i)
        found.append((f"{name}.{i - len(places)}" if own is rest else name, own))
    named = several.get(inspect.Parameter.VAR_KEYWORD)
    found += [(name, parameters.get(name, named)) for name in tree.kwargs]
    return [(n, p if p and p.annotation is not p.empty else None) for n, p in found]
