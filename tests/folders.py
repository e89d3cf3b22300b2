"""Small folders of tokenizers, as Hugging Face writes them."""

import json
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from tokenizers.processors import TemplateProcessing

CHATML = (
    "{% for m in messages %}\n"
    "  {% if m.role == 'tool' %}{{ raise_exception('no tools here') }}{% endif %}\n"
    "{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] | trim + eos_token + '\\n' }}"
    "{% endfor %}\n"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}"
    "{% if enable_thinking is false %}{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}"
    "{% endif %}"
)
MERGES = [("Ġ", "t"), ("h", "e"), ("Ġt", "he"), ("Ċ", "Ċ"), (".", "Ċ"), ("a", "b")]


def tokenizer_folder(folder: Path, bos: bool = False, **config: Any) -> Path:
    """Bytes, six merges, digits one by one, and the special tokens of ChatML."""
    folder.mkdir(parents=True, exist_ok=True)
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = [*letters, *("".join(pair) for pair in MERGES)]
    vocabulary = {token: i for i, token in enumerate(tokens)}
    made = Tokenizer(models.BPE(vocabulary, MERGES))
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    made.decoder = decoders.ByteLevel()
    special = ("<|im_start|>", "<|im_end|>", "<|endoftext|>", "<s>")
    made.add_special_tokens([AddedToken(x, normalized=False) for x in special])
    if bos:
        opening = [("<s>", made.token_to_id("<s>"))]
        made.post_processor = TemplateProcessing("<s> $A", "<s> $A $B", opening)
    made.save(str(folder / "tokenizer.json"))
    told = {"eos_token": "<|im_end|>", "bos_token": "<s>", "chat_template": CHATML}
    write(folder / "tokenizer_config.json", {**told, **config})
    return folder


def write(file: Path, content: Any) -> None:
    """An object as a file of JSON."""
    file.write_text(json.dumps(content), encoding="utf-8")
