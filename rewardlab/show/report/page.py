"""The page of a report: everything is in it, and all that was read is escaped.

The template escapes whatever is not markup of ours, and characters that nobody sees
are shown as Python writes them.
"""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from rewardlab.show.page import STYLE
from rewardlab.system.printable import one_line

HERE = Path(__file__).parent


def render(content: dict[str, Any]) -> str:
    """The text of the file, from what the template names."""
    templates = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    own = HERE.joinpath("report.css").read_text(encoding="utf-8")
    style = Markup(STYLE.read_text(encoding="utf-8") + own)
    return templates.get_template("report.html").render(content, style=style)


def _printable(value: Any) -> Any:
    """Text whose control characters are seen and not obeyed; newlines stay."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return "\n".join(map(one_line, value.split("\n")))
