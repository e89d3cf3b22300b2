"""What a conversation's template writes between two turns of the policy."""

from collections.abc import Mapping, Sequence
from typing import Any

from rewardlab.text.tokenizers import Tokenizer

_SAID = "A: 0"  # an assistant's turn that no template changes


def between_turns(
    tokenizer: Tokenizer,
    messages: Sequence[Mapping[str, Any]],
    turn_end: int,
    ended: bool = True,
) -> str:
    """The text from the end of a turn of the policy to the beginning of its next.

    `messages` are what was said meanwhile. The turn is `ended` where the policy wrote
    `turn_end` itself; else that belongs to the text. Nothing that stands before is
    rendered anew, so a row keeps the ids that the policy wrote.

    between_turns(smollm2, [{"role": "user", "content": "Why?"}], 2)
    == "\\n<|im_start|>user\\nWhy?<|im_end|>\\n<|im_start|>assistant\\n"

    `ValueError`, in one sentence, for a tokenizer without a chat template, a template
    that fails, and one that ends an assistant's turn otherwise.
    """
    if not hasattr(tokenizer, "chat"):
        raise ValueError(
            "messages need a tokenizer with a chat template; let the environment "
            "answer with text, or use the tokenizer of a Hugging Face folder"
        )
    begun = [{"role": "user", "content": "?"}, {"role": "assistant", "content": _SAID}]
    text = tokenizer.chat([*begun, *messages], add_generation_prompt=True)
    _, found, rest = text.partition(_SAID)
    end = tokenizer.decode([turn_end])
    if not found or not rest.startswith(end):
        raise ValueError(
            f"the chat template goes on with {rest[:20]!r} after an assistant's turn, "
            f"and turn_end={turn_end} is {end!r}; let turn_end be the id of what the "
            "template writes there"
        )
    return rest.removeprefix(end) if ended else rest
