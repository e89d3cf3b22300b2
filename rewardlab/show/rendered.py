"""Files of HTML from templates with one head: each needs no other file.

A template escapes whatever is not markup of ours, and characters that nobody sees are
shown as Python writes them.
"""

import functools
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from rewardlab.system.printable import one_line

HERE = Path(__file__).parent


def rendered(template: str, content: dict[str, Any], more: str = "") -> str:
    """The text of the file, from what the template names; `more` is a second style."""
    files = [HERE / name for name in ("page.css", more) if name]
    style = "".join(file.read_text(encoding="utf-8") for file in files)
    return _templates().get_template(template).render(content, style=Markup(style))


@functools.cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _printable(value: Any) -> Any:
    """Text whose control characters are seen and not obeyed; newlines stay."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return "\n".join(map(one_line, value.split("\n")))
