"""The tokenizer of a Hugging Face folder: `tokenizer.json` and the files beside it."""

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rewardlab.text.templates import template_named, templates_of

SPECIAL = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token")
_FILES = ("special_tokens_map.json", "tokenizer_config.json")  # the second wins


@dataclasses.dataclass(frozen=True, eq=False)
class FolderTokenizer:
    """A tokenizer of the `tokenizers` library, with a folder's ends and chat templates.

    `special` are the texts of its special tokens by name, `opening` the ids that its
    own post-processor puts before a text, which `encode` leaves out.
    """

    folder: str
    library: Any  # a `tokenizers.Tokenizer`
    vocab_size: int
    pad_id: int
    eos_ids: tuple[int, ...]
    opening: tuple[int, ...]
    special: Mapping[str, str]
    templates: Mapping[str, str]

    def encode(self, text: str) -> list[int]:
        """The ids of a text as it stands; special tokens that it spells are those."""
        try:
            return self.library.encode(text, add_special_tokens=False).ids
        except UnicodeError:
            raise ValueError(
                f"{text!r} holds half of a surrogate pair, which no tokenizer can "
                "write; mend the text"
            ) from None

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ids, special tokens as they are spelt; `\\ufffd` for bytes that
        are no whole character, and nothing for an id that is no token's."""
        return self.library.decode(list(ids), skip_special_tokens=False)

    def chat(
        self,
        messages: Sequence[Mapping[str, Any]],
        add_generation_prompt: bool = True,
        **options: Any,
    ) -> str:
        """Messages as the folder's chat template writes them, its special tokens too.

        Options are variables of the template, such as `enable_thinking`, or `tools`.
        `ValueError` in one sentence for a folder without a template, and for a template
        that fails.
        """
        name = "tool_use" if options.get("tools") else "default"
        template = template_named(self.templates, name, self.folder)
        said = {**self.special, "tools": None, "documents": None, **options}
        return template(
            messages=list(messages), add_generation_prompt=add_generation_prompt, **said
        )


def read_tokenizer(folder: str | Path) -> FolderTokenizer:
    """The tokenizer of a folder; `ValueError`, in one sentence, for one without.

    A text ends with the token that the tokenizer's files call `eos_token`, and with
    those that `generation_config.json`, or else `config.json`, has as `eos_token_id`.
    Padding is `pad_token`, or else `pad_token_id` of those two, or else the first end.
    """
    folder = Path(folder)
    library = _library(folder)
    vocabulary = library.get_vocab(with_added_tokens=True)
    special = _special(folder)
    config = read_json(folder / "config.json")
    generation = read_json(folder / "generation_config.json")
    ends = _known([special.get("eos_token")], vocabulary)
    ends += _ids(generation, "eos_token_id") or _ids(config, "eos_token_id")
    if not ends:
        raise ValueError(
            f"the tokenizer of {folder} has no end of a text; name its eos_token in "
            "tokenizer_config.json, or eos_token_id in generation_config.json"
        )
    pads = _known([special.get("pad_token")], vocabulary)
    pads += _ids(generation, "pad_token_id") + _ids(config, "pad_token_id")
    pad = (pads or ends)[0]
    return FolderTokenizer(
        folder=str(folder),
        library=library,
        vocab_size=max(*vocabulary.values(), *ends, pad) + 1,
        pad_id=pad,
        eos_ids=tuple(dict.fromkeys(ends)),
        opening=_opening(library),
        special=special,
        templates=templates_of(folder, read_json(folder / "tokenizer_config.json")),
    )


def read_json(file: Path) -> dict[str, Any]:
    """An object of JSON, {} of no file; `ValueError` names a file that is no such."""
    if not file.exists():
        return {}
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{file} cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise ValueError(f"{file} is no object of JSON; copy the folder's files anew")
    return found


def _library(folder: Path) -> Any:
    file = folder / "tokenizer.json"
    if not file.exists():
        others = (x for x in ("tokenizer.model", "vocab.json") if (folder / x).exists())
        other = next(others, "")
        only = f", only {other}, which is not read" if other else ""
        raise ValueError(
            f"{folder} has no tokenizer.json{only}; put one there, as "
            "AutoTokenizer.from_pretrained(...).save_pretrained(...) of transformers "
            "writes it"
        )
    try:
        import tokenizers
    except ImportError:
        raise ValueError(
            f"{file} is read by the tokenizers library, which is missing; install "
            "rewardlab[hf]"
        ) from None
    try:
        library = tokenizers.Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises nothing narrower
        raise ValueError(f"{file} is no tokenizer: {error}") from None
    library.no_truncation()
    library.no_padding()
    return library


def _special(folder: Path) -> dict[str, str]:
    """The texts of special tokens by name; a token is text, or an object with it."""
    found: dict[str, str] = {}
    for file in _FILES:
        told = read_json(folder / file)
        for name in SPECIAL:
            token = told.get(name)
            text = token.get("content") if isinstance(token, dict) else token
            if isinstance(text, str):
                found[name] = text
    return found


def _known(tokens: Iterable[str | None], vocabulary: Mapping[str, int]) -> list[int]:
    return [vocabulary[token] for token in tokens if token and token in vocabulary]


def _ids(config: Mapping[str, Any], name: str) -> list[int]:
    """One id or a list of them; what is no id is nobody's."""
    said = config.get(name)
    several = said if isinstance(said, list) else [said]
    return [x for x in several if type(x) is int and x >= 0]


def _opening(library: Any) -> tuple[int, ...]:
    """What the post-processor puts before a text."""
    bare = library.encode("a", add_special_tokens=False).ids
    whole = library.encode("a", add_special_tokens=True).ids
    starts = range(len(whole) - len(bare) + 1)
    found = (at for at in starts if whole[at : at + len(bare)] == bare)
    return tuple(whole[: next(found, 0)])
