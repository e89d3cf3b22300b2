"""A value that fails when it is read, as a file or a service may."""

from collections.abc import Callable
from typing import Any

ERRORS = (TimeoutError("no answer in time"), RuntimeError("the service is down"))
_READ = (
    "str repr format bool int float index complex bytes len iter next contains getitem "
    "eq ne lt le gt ge hash add radd sub rsub mul rmul truediv rtruediv mod rmod pow "
    "rpow floordiv rfloordiv neg abs round call enter array fspath"
).split()


class Failing:
    """Raises its error whatever is asked of it, and knows that it was asked."""

    def __init__(self, error: Exception) -> None:
        """`asked` counts how often it was."""
        self.__dict__.update(_error=error, asked=0)

    def __getattr__(self, name: str) -> Any:
        _fail(self)


def _fail(value: Failing, *_: Any, **__: Any) -> Any:
    value.__dict__["asked"] += 1
    raise value.__dict__["_error"]


def _reading() -> dict[str, Callable[..., Any]]:
    return {f"__{name}__": _fail for name in _READ}


for _name, _method in _reading().items():
    setattr(Failing, _name, _method)
