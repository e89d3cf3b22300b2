"""Sentences of any kind of words: text becomes a tree, a tree what it says.

    tree = parse("outcome('correct') | clip_reward(eta=0.5)", language)
    transform = build(tree)

The text is calls, names, literals and `|`, read with `ast` and never evaluated. A
quoted name is a signal or a channel; a bare name is a hyperparameter; a coefficient may
be a schedule; a word of yours may be written `package.module:word(...)`.
"""

import ast
import dataclasses
import difflib
import reprlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax

from rewardlab.core import lookup
from rewardlab.core.arguments import check
from rewardlab.core.grammar import parse as parse_text
from rewardlab.core.grammar import pipe, shown
from rewardlab.core.literals import put
from rewardlab.core.schedules import SCHEDULES
from rewardlab.core.signatures import bound_of
from rewardlab.core.tree import MISSING, PIPE, Named, Tree, with_values
from rewardlab.core.types import SIGNAL, RewardTransform


class Language(NamedTuple):
    """Words that may stand in a sentence, and what `|` makes of what they make."""

    noun: str  # what a word makes, as messages call it: "transform"
    words: Mapping[str, Callable[..., Any]]
    join: Callable[..., Any]


def parse(text: str, language: Language) -> Tree:
    """The tree of a sentence; `ValueError`, in one sentence, for what is none.

    Every word is found at once; their arguments are checked when the tree is built.
    """
    return _tree(parse_text(text), language)


def fill(tree: Tree, hp: Mapping[str, Any]) -> Tree:
    """The tree with a value for each bare name; `ValueError` for one without."""

    def value(x: Any) -> Any:
        if isinstance(x, Tree):
            return fill(x, hp)
        if isinstance(x, Named) and x.name in hp:
            return Named(x.name, hp[x.name])
        if isinstance(x, Named) and x.value is MISSING:
            raise ValueError(
                f"no value for the hyperparameter {x.name!r}; have {sorted(hp)} (a "
                "signal or channel is written in quotes)"
            )
        return x

    return with_values(tree, map(value, tree.values))


def hyperparameters(tree: Tree) -> set[str]:
    """The bare names of a sentence."""
    values = (x for word in tree.words for x in word.values)
    return {x.name for x in values if isinstance(x, Named)}


def refuse_unused(hp: Mapping[str, Any], *trees: Tree) -> None:
    """`ValueError` for a value whose name stands in none of the sentences."""
    used = set().union(*map(hyperparameters, trees))
    if unused := sorted(set(hp) - used):
        said = " and ".join(shown(str(tree)) for tree in trees)
        raise ValueError(
            f"hyperparameters {unused} are not used by {said}; drop them or write them "
            "into the sentence"
        )


def build(
    tree: Tree, numbers: Mapping[str, Any] | None = None, prefix: str = ""
) -> Any:
    """What a sentence says, with `numbers` in the place of those of its `literals`.

    `numbers` and `prefix` are those of `literals(tree, prefix)`, or arrays and traced
    values under the same paths.
    """
    return _made(put(tree, numbers or {}, prefix))


def build_each(
    tree: Tree, numbers: Mapping[str, Any] | None = None, prefix: str = ""
) -> tuple[Any, ...]:
    """As `build`, for each thing that stands between `|`, before they are joined."""
    whole = put(tree, numbers or {}, prefix)
    return tuple(map(_made, whole.parts))


def reads(tree: Tree) -> set[str]:
    """The names of the signals that a sentence reads.

    They are the arguments that a word annotates as `SignalName`; `name_valid` is read
    too where it exists.
    """
    found: set[str] = set()
    for word in tree.words:
        found |= reads(word.made_of) if word.made_of else set()
        bound = bound_of(word.make, word.args, word.kwargs)
        bound.apply_defaults()
        for role, value in bound.arguments.items():
            wanted = bound.signature.parameters[role].annotation
            if getattr(wanted, "__metadata__", ()) == SIGNAL:
                value = value.value if isinstance(value, Named) else value
                several = value if isinstance(value, tuple) else (value,)
                found |= {x for x in several if isinstance(x, str) and x}
    return found


def _made(tree: Any) -> Any:
    """What a tree makes; a transform remembers it."""
    if isinstance(tree, Named):
        return _made(tree.value)
    if type(tree) is tuple:
        return tuple(map(_made, tree))
    if not isinstance(tree, Tree):
        return tree
    call = with_values(tree, map(_made, tree.values))
    check(call.make, call.args, call.kwargs)
    try:
        made = call.make(*call.args, **call.kwargs)
    except jax.errors.ConcretizationTypeError as error:
        raise ValueError(
            f"{shown(str(tree))} uses a number as Python does, and in a run numbers "
            "are traced; annotate the argument as Static[float] or Static[int]"
        ) from error
    except TypeError as error:
        raise ValueError(f"{shown(str(tree))}: {error}") from error
    if not isinstance(made, RewardTransform):
        return made
    own = made.tree is not None and made.tree.word == tree.word
    inner = made.tree.made_of if made.tree is not None and own else made.tree
    return made._replace(tree=dataclasses.replace(tree, made_of=inner))


def _tree(node: ast.expr, language: Language) -> Tree:
    parts = pipe(node)
    if len(parts) > 1:
        joined = tuple(_tree(part, language) for part in parts)
        return Tree(PIPE, language.join, joined)
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        raise ValueError(
            f"{_written(node)} is not a {language.noun}; a sentence is calls joined "
            "by |"
        )
    word = node.func.id
    make: Any = lookup.word(word, language.words, language.noun)
    if isinstance(make, RewardTransform):
        make = _giving(make)
    if make is None:
        hint = _hint(word, language.words)
        raise ValueError(f"unknown {language.noun} {shown(word)}{hint}")
    if not callable(make) and not isinstance(make, tuple):  # as records are
        raise ValueError(
            f"{shown(word)} is {reprlib.repr(make)}, which is no {language.noun}; name "
            "a function that makes one"
        )
    return _call(word, make, node, language)


def _giving(transform: RewardTransform) -> Callable[[], RewardTransform]:
    """A word for what is made already."""
    return lambda: transform


def _call(
    word: str, make: Callable[..., Any], node: ast.Call, language: Language
) -> Tree:
    names = [k.arg for k in node.keywords]
    if None in names or len(set(names)) < len(names):
        raise ValueError(f"{_written(node)}: write each argument once, as name=value")
    args = tuple(_value(a, language) for a in node.args)
    kwargs = {str(k.arg): _value(k.value, language) for k in node.keywords}
    return Tree(word, make, args, kwargs)


def _value(node: ast.expr, language: Language) -> Any:
    if isinstance(node, ast.Name):
        return Named(node.id)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id in SCHEDULES:
            return _call(node.func.id, SCHEDULES[node.func.id], node, language)
    if isinstance(node, (ast.Call, ast.BinOp)):
        return _tree(node, language)
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):
        raise ValueError(
            f"{_written(node)} is not a name, a literal or a {language.noun}"
        ) from None


def _written(node: ast.expr) -> str:
    return shown(ast.unparse(node))


def _hint(name: str, words: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(name, words, n=1)
    if near:
        return f", did you mean {near[0]!r}?"
    return f"; have {', '.join(sorted(words))}"
