"""What a name stands for: something built in, `package.module:attribute`, an object.

One rule for tasks, models, words, scorers and losses. `handing` makes objects and
words known while a run lasts, so that everything behind the door reads names only.
"""

import ast
import contextlib
import contextvars
import difflib
import importlib
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")
GIVEN = "given"  # as if it were the package of objects that are handed over
_NOTHING: dict[str, Any] = {}
_PATH = re.compile(r"([A-Za-z_][\w.]*):([A-Za-z_][\w.]*)\s*(\(.*)?", re.DOTALL)
_HANDED: contextvars.ContextVar[Mapping[str, Any]] = contextvars.ContextVar("handed")


class Place(NamedTuple):
    """`package.module:attribute(3, steps=7)`, taken apart."""

    module: str
    attribute: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = {}
    called: bool = False  # whether there are brackets

    def __str__(self) -> str:
        return f"{self.module}:{self.attribute}"


def place_of(text: str, kind: str = "name") -> Place | None:
    """The parts of a path; None for what is none, such as a built-in name.

    place_of("judges:short(steps=7)") -> Place("judges", "short", (), {"steps": 7}, ...)

    `ValueError` for brackets that hold anything but literals.
    """
    match = _PATH.fullmatch(text.strip())
    if match is None:
        return None
    module, attribute, call = match.groups()
    if call is None:
        return Place(module, attribute)
    try:
        tree = ast.parse(f"f{call}", mode="eval").body
        if not isinstance(tree, ast.Call) or not isinstance(tree.func, ast.Name):
            return None
        assert None not in [k.arg for k in tree.keywords]
        args = tuple(ast.literal_eval(arg) for arg in tree.args)
        kwargs = {str(k.arg): ast.literal_eval(k.value) for k in tree.keywords}
    except (SyntaxError, ValueError, AssertionError, RecursionError, MemoryError):
        raise ValueError(
            f"{kind} {text!r} is not understood; in the brackets after "
            "package.module:attribute there may be literals, as in (3, steps=7)"
        ) from None
    return Place(module, attribute, args, kwargs, True)


def imported(place: Place, kind: str) -> Any:
    """The attribute of that path; `ValueError` in one sentence where there is none."""
    if place.module == GIVEN:
        if str(place) in (handed := _HANDED.get(_NOTHING)):
            return handed[str(place)]
        raise ValueError(
            f"{kind} {str(place)!r} was handed to rewardlab.train as an object, which "
            "only the program that has it can do again; hand it over anew, or put it "
            "into a module and write package.module:attribute"
        )
    try:
        found: Any = importlib.import_module(place.module)
        for name in place.attribute.split("."):
            found = getattr(found, name)
    except Exception as error:  # whatever importing a user's module raises
        near = _near(error)
        raise ValueError(
            f"{kind} {str(place)!r} cannot be imported ({type(error).__name__}: "
            f"{error}{near}); write package.module:attribute of a module that can be "
            "imported from here"
        ) from None
    return found


def _near(error: Exception) -> str:
    """What the attribute that there is not may have been meant to be."""
    if not isinstance(error, AttributeError) or error.name is None:
        return ""
    near = difflib.get_close_matches(error.name, dir(error.obj), n=2)
    return f", did you mean {' or '.join(map(repr, near))}?" if near else ""


def module_named(name: str, kind: str) -> ModuleType:
    """The module of that name; `ValueError` in one sentence where there is none."""
    try:
        return importlib.import_module(name)
    except Exception as error:  # whatever importing a user's module raises
        raise ValueError(
            f"{kind} {name!r} cannot be imported ({type(error).__name__}: {error}); "
            "write package.module of one that can be imported from here"
        ) from None


def word(name: str, table: Mapping[str, T], kind: str) -> T | Any:
    """What a word of a sentence stands for; None for what is no word.

    It is one of the table, one that is handed over, or the attribute of a path.
    """
    if (place := place_of(name, kind)) is not None:
        return imported(place, kind)
    return table[name] if name in table else _HANDED.get(_NOTHING).get(name)


def words_in(holder: ModuleType | Mapping[str, Any]) -> dict[str, Any]:
    """The words of a module: its own public functions. Of a mapping, all of it."""
    if isinstance(holder, Mapping):
        return dict(holder)
    return {
        name: value
        for name, value in vars(holder).items()
        if not name.startswith("_")
        and inspect.isfunction(value)
        and value.__module__ == holder.__name__
    }


def look_up(given: Any, kind: str, table: Mapping[str, T]) -> T:
    """What `given` stands for: an entry of the table, an attribute, or itself.

    look_up("S", "model", CONFIGS) -> CONFIGS["S"]
    look_up("mine.tasks:capitals(hard=True)", "task", TASKS) -> capitals(hard=True)
    look_up(my_task, "task", TASKS) -> my_task

    `ValueError`, in one sentence that lists near names, for anything else.
    """
    if not isinstance(given, str):
        return given
    if given in table:
        return table[given]
    place = place_of(given, kind)
    if place is None:
        raise ValueError(unknown(given, kind, table))
    found = imported(place, kind)
    return called(found, place, kind) if place.called else found


def called(make: Callable[..., Any], place: Place, kind: str) -> Any:
    """What the attribute gives for the arguments in its brackets."""
    try:
        return make(*place.args, **place.kwargs)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{kind} {str(place)!r}: {error}") from None


def unknown(given: str, kind: str, names: Iterable[str]) -> str:
    """The sentence for a name that stands for nothing."""
    known = sorted(names)
    near = difflib.get_close_matches(given, known, n=2)
    hint = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
    have = f"have {', '.join(known)}" if known else "there is none built in"
    return f"no {kind} {given!r}; {hint}{have}, or write package.module:attribute"


@contextlib.contextmanager
def handing(objects: Mapping[str, Any]) -> Iterator[None]:
    """Meanwhile the names stand for these: `given:NAME` for an object, or a word."""
    token = _HANDED.set({**_HANDED.get(_NOTHING), **objects})
    try:
        yield
    finally:
        _HANDED.reset(token)


def name_of(thing: Any) -> str:
    """`package.module:attribute` where that is this very thing, else "".

    Functions and classes know where they are; of other things the modules that are
    loaded are asked, this program's own last.
    """
    module = getattr(thing, "__module__", None)
    name = getattr(thing, "__qualname__", "")
    if isinstance(module, str) and _attribute(sys.modules.get(module), name) is thing:
        return f"{module}:{name}"
    for known, holder in sorted(sys.modules.items(), key=lambda m: m[0] == "__main__"):
        if known.startswith("_") and known != "__main__":
            continue
        for name, value in dict(getattr(holder, "__dict__", {})).items():
            if value is thing and not name.startswith("_"):
                return f"{known}:{name}"
    return ""


def _attribute(holder: Any, path: str) -> Any:
    for name in path.split("."):
        holder = getattr(holder, name, None)
    return holder
