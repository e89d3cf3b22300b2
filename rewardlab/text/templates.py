"""Chat templates of a folder: Jinja in a sandbox, as transformers writes them."""

import datetime
import functools
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Rendering = Callable[..., str]


def templates_of(folder: Path, config: Mapping[str, Any]) -> dict[str, str]:
    """The sources of a folder's templates by name; the only one is "default".

    They stand in `chat_template.jinja` and `additional_chat_templates/`, in
    `chat_template.json`, or in `config`, the folder's tokenizer_config.json, as text or
    as a list of named ones.
    """
    found: dict[str, str] = {}
    told = config.get("chat_template")
    if isinstance(told, str):
        found["default"] = told
    elif isinstance(told, list):
        found = {str(x["name"]): str(x["template"]) for x in told if _is_named(x)}
    if (file := folder / "chat_template.json").exists():
        try:
            found["default"] = str(json.loads(file.read_text("utf-8"))["chat_template"])
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise ValueError(f"{file} holds no chat_template: {error!r}") from None
    more = sorted((folder / "additional_chat_templates").glob("*.jinja"))
    files = {"default": folder / "chat_template.jinja", **{x.stem: x for x in more}}
    return found | {k: x.read_text("utf-8") for k, x in files.items() if x.exists()}


def _is_named(template: Any) -> bool:
    return isinstance(template, dict) and {"name", "template"} <= template.keys()


def template_named(templates: Mapping[str, str], name: str, folder: str) -> Rendering:
    """A template as a function of its variables, or else the one called "default".

    `ValueError`, in one sentence, where there is none; the function raises it where the
    template fails.
    """
    source = templates.get(name, templates.get("default"))
    if source is None:
        others = f", only {', '.join(map(repr, templates))}" if templates else ""
        raise ValueError(
            f"cannot be rendered: {folder} has no chat template{others}; put one into "
            "its chat_template.jinja, or choose another data.format"
        )

    def render(**variables: Any) -> str:
        try:
            return _compiled(source).render(**variables)
        except Exception as error:  # a template may do anything that Python can
            reason = " ".join(str(error).split()) or type(error).__name__
            raise ValueError(
                f"cannot be rendered by the chat template of {folder}: {reason}"
            ) from None

    return render


@functools.lru_cache(16)
def _compiled(source: str) -> Any:
    """With the extensions, filters and functions that templates of the hub rely on."""
    from jinja2 import TemplateError, nodes
    from jinja2.ext import Extension, loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(Extension):
        """{% generation %}...{% endgeneration %} marks the model's words: as is."""

        tags = {"generation"}

        def parse(self, parser: Any) -> list[nodes.Node]:
            next(parser.stream)
            return parser.parse_statements(("name:endgeneration",), drop_needle=True)

    def raise_exception(message: str) -> None:
        raise TemplateError(message)

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = raise_exception
    environment.globals["strftime_now"] = lambda form: datetime.datetime.now().strftime(
        form
    )
    return environment.from_string(source)


def _to_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """JSON as it is; Jinja's own filter escapes HTML."""
    return json.dumps(
        value,
        ensure_ascii=ensure_ascii,
        indent=indent,
        separators=separators,
        sort_keys=sort_keys,
    )
