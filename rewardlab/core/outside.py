"""What a person brings by name: `package.module:attribute`."""

import difflib
import importlib
from types import ModuleType
from typing import Any


def module(name: str) -> ModuleType:
    """The module of that name; `ValueError`, in one sentence, where there is none."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            raise ValueError(
                f"no module {name!r}; it must lie in this folder or be installed"
            ) from None
        raise ValueError(
            f"{name} needs {error.name!r}, which is not installed"
        ) from None


def attribute(path: str) -> Any:
    """The thing at `package.module:attribute`; `ValueError` where there is none."""
    where, _, name = path.partition(":")
    if not where or not name:
        raise ValueError(f"{path!r} must be written as 'package.module:attribute'")
    found = module(where)
    if not hasattr(found, name):
        public = [n for n in vars(found) if not n.startswith("_")]
        near = difflib.get_close_matches(name, public, n=3)
        hint = f"did you mean {', '.join(map(repr, near))}" if near else "have "
        hint += "" if near else ", ".join(sorted(public))
        raise ValueError(f"{where} has no {name!r}; {hint}")
    return getattr(found, name)
