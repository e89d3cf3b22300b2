"""How a problem's prompt becomes the text that the policy reads.

plain      text as it is, messages as lines `role: content`
chat       the chat template of the tokenizer's folder; text is a user's message
few_shot   solved problems before it, all in one pattern
"""

import ast
import string
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rewardlab.text.chat import Prompt, render
from rewardlab.text.folder import FolderTokenizer
from rewardlab.text.stops import Stopping
from rewardlab.text.tokenizers import Tokenizer

Row = Mapping[str, Any]  # a problem's columns by name
Render = Callable[[Prompt, Row], str]
FORMATS = ("plain", "chat", "few_shot")


def plain(tokenizer: Tokenizer) -> Render:
    """The text, after what the tokenizer itself puts before one, such as <s>."""
    opening = _opening(tokenizer)
    return lambda prompt, row: opening + render(prompt)


def chat(tokenizer: Tokenizer, options: str = "") -> Render:
    """As the chat template of the tokenizer's folder has it, with the answer begun.

    `options` are variables of the template, such as "enable_thinking=False". The
    template writes all special tokens itself. `ValueError` for a tokenizer without one.
    """
    bare, told = _bare(tokenizer), options_of(options)
    if not isinstance(bare, FolderTokenizer):
        raise ValueError(
            "data.format='chat' needs a tokenizer with a chat template; name a Hugging "
            "Face folder in model.name, or set data.format='plain'"
        )

    def written(prompt: Prompt, row: Row) -> str:
        said = [{"role": "user", "content": prompt}]
        return bare.chat(said if isinstance(prompt, str) else prompt, **told)

    return written


def few_shot(tokenizer: Tokenizer, pattern: str, shots: Sequence[Row]) -> Render:
    r"""The shots and the prompt in the pattern, which is left off at its last column.

    few_shot(tokenizer, "Q: {prompt}\nA: {answer}\n", [{"prompt": "1+1", "answer": 2}])
    makes "Q: 1+1\nA: 2\nQ: 2+3\nA:" of "2+3". A space before the answer is the policy's
    to write: most tokens begin with theirs.
    """
    columns = columns_of(pattern)
    head = pattern[: pattern.rindex("{" + columns[-1] + "}")]
    solved = "".join(_filled(pattern, row) for row in shots)
    before = _opening(tokenizer) + solved

    def written(prompt: Prompt, row: Row) -> str:
        asked = _filled(head, {**row, "prompt": render(prompt)})
        return before + asked.rstrip(" ")

    return written


def instructed(prompt: Prompt, instruction: str) -> Prompt:
    """The prompt with the instruction behind it; of messages, behind the last one.

    instructed("2+3?", " Be brief.") == "2+3? Be brief."
    """
    if isinstance(prompt, str):
        return prompt + instruction
    *before, last = prompt
    return [*before, {**last, "content": last["content"] + instruction}]


def columns_of(pattern: str) -> list[str]:
    r"""The columns that a pattern names, of which the policy writes the last.

    columns_of("Q: {prompt}\nA: {answer}\n") == ["prompt", "answer"]. `ValueError` for
    one without a prompt before that, or that does more than name columns.
    """
    try:
        fields = [field for field in string.Formatter().parse(pattern) if field[1]]
    except ValueError:
        fields = []
    names = [name for _, name, *_ in fields if name is not None]
    bare = all(name.isidentifier() for name in names)
    if not bare or "prompt" not in names[:-1] or any(f[2] or f[3] for f in fields):
        raise ValueError(
            f"data.shot={pattern!r} must name columns in braces, {{prompt}} and then "
            "the one that the policy is to write"
        )
    return names


def stop_of(pattern: str) -> str:
    r"""What ends an answer: the text behind the last column; "" where there is none."""
    last = columns_of(pattern)[-1]
    return pattern[pattern.rindex("{" + last + "}") + len(last) + 2 :]


def options_of(text: str) -> dict[str, Any]:
    """Names and values: "a=False, b='x'" -> {"a": False, "b": "x"}."""
    try:
        call = ast.parse(f"f({text})", mode="eval").body
        assert isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
        assert not call.args and all(k.arg for k in call.keywords)
        return {str(k.arg): ast.literal_eval(k.value) for k in call.keywords}
    except (SyntaxError, ValueError, AssertionError, MemoryError, RecursionError):
        raise ValueError(
            f"data.template_options={text!r} must be names and values, such as "
            "'enable_thinking=False'"
        ) from None


def _filled(pattern: str, row: Row) -> str:
    named = (name for _, name, *_ in string.Formatter().parse(pattern) if name)
    if missing := [name for name in named if name not in row]:
        raise ValueError(
            f"lacks the column {missing[0]!r}, which data.shot names; have "
            f"{', '.join(row)}"
        )
    return pattern.format_map(row)


def _bare(tokenizer: Tokenizer) -> Tokenizer:
    return tokenizer.tokenizer if isinstance(tokenizer, Stopping) else tokenizer


def _opening(tokenizer: Tokenizer) -> str:
    bare = _bare(tokenizer)
    return bare.decode(bare.opening) if isinstance(bare, FolderTokenizer) else ""
