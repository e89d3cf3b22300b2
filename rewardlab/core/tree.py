"""A sentence as a small tree, and how it is spelled."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

PIPE = "|"


@dataclasses.dataclass(frozen=True, eq=False)
class Tree:
    """A word with its arguments; or, where the word is `|`, what it joins.

    An argument is a number, a text, a flag, None, a tuple of these, a `Named` value,
    a tree, or anything that was given in Python. `make` is the function that the word
    stands for, and `made_of` the tree of what it composes, if it says. The text of a
    tree is the sentence.
    """

    word: str
    make: Callable[..., Any]
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    made_of: "Tree | None" = None

    @property
    def values(self) -> tuple[Any, ...]:
        """Its arguments, those by place before those by name."""
        return (*self.args, *self.kwargs.values())

    @property
    def parts(self) -> tuple[Any, ...]:
        """What stands between `|`; the tree itself where there is none."""
        return self.args if self.word == PIPE else (self,)

    @property
    def words(self) -> Iterator["Tree"]:
        """Every word in it, itself too, in the order in which they are written."""
        if self.word != PIPE:
            yield self
        for value in self.values:
            if isinstance(value, Tree):
                yield from value.words

    def __str__(self) -> str:
        if self.word == PIPE:
            return " | ".join(map(spell, self.args))
        given = [spell(a) for a in self.args]
        given += [f"{k}={spell(v)}" for k, v in self.kwargs.items()]
        return f"{self.word}({', '.join(given)})"


def with_values(tree: Tree, values: Iterable[Any]) -> Tree:
    """The same words with other arguments, in the order of `values`."""
    new = list(values)
    args, named = new[: len(tree.args)], new[len(tree.args) :]
    kwargs = dict(zip(tree.kwargs, named, strict=True))
    return dataclasses.replace(tree, args=tuple(args), kwargs=kwargs)


class Missing:
    """In the place of a value that a name does not have yet."""


MISSING = Missing()


@dataclasses.dataclass(frozen=True, eq=False)
class Named:
    """A bare name, and the value that it stands for."""

    name: str
    value: Any = MISSING


def spell(value: Any) -> str:
    """How a value is written in a sentence."""
    if isinstance(value, Named):
        plain = isinstance(value.value, (bool, int, float, str))
        return spell(value.value) if plain else value.name
    if isinstance(value, float) and value in (float("inf"), -float("inf")):
        return "1e999" if value > 0 else "-1e999"
    if isinstance(value, Tree) or hasattr(value, "sentence"):
        return str(getattr(value, "sentence", value))
    if isinstance(value, tuple):
        return f"({', '.join(map(spell, value))}{',' * (len(value) == 1)})"
    if isinstance(value, (bool, int, float, str, type(None), list)):
        return repr(value)
    name = getattr(value, "__name__", "")
    return name if name.isidentifier() else type(value).__name__
