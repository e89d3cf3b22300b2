"""Messages as text, in a plain format that keeps who said what."""

from collections.abc import Sequence
from typing import Any

Message = dict[str, Any]
Prompt = str | Sequence[Message]


def render(prompt: Prompt) -> str:
    """The text that the policy reads; `ValueError` for what is no prompt.

    Text stays as it is. Of messages each is a line `role: content`, and the line that
    the policy is to write is begun:

    render([{"role": "user", "content": "3+4?"}]) == "user: 3+4?\\nassistant: "
    """
    if isinstance(prompt, str):
        return prompt
    try:
        lines = [(message["role"], message["content"]) for message in prompt]
    except (TypeError, KeyError):
        lines = []
    if not lines or not all(isinstance(said, str) for line in lines for said in line):
        raise ValueError(
            "is neither text nor messages, each with a 'role' and a 'content' of text"
        )
    return "".join(f"{role}: {said}\n" for role, said in lines) + "assistant: "
