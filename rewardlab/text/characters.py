"""A tokenizer of characters as the files that other libraries read it from."""

import json
from pathlib import Path

from rewardlab.text.tokenizers import CharTokenizer

PAD, EOS = "<pad>", "<eos>"


def write_characters(tokenizer: CharTokenizer, folder: Path) -> None:
    """Writes tokenizer.json and what goes with it: the same ids of the same texts.

    `ValueError` without the package `tokenizers`.
    """
    try:
        from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    except ImportError:
        raise ValueError(
            "a tokenizer is written by the package tokenizers, which is not installed; "
            "pip install 'rewardlab[hf]'"
        ) from None
    words = (PAD, EOS, *tokenizer.characters)
    made = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}))
    each = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    made.pre_tokenizer = each  # type: ignore[assignment]
    made.decoder = decoders.Fuse()  # type: ignore[assignment]
    made.add_special_tokens([PAD, EOS])
    made.save(str(folder / "tokenizer.json"))
    told = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": False,
    }
    named = {"pad_token": PAD, "eos_token": EOS}
    ids = {"pad_token_id": tokenizer.pad_id, "eos_token_id": tokenizer.eos_ids[0]}
    for name, content in (
        ("tokenizer_config.json", {**told, **named}),
        ("generation_config.json", ids),
    ):
        (folder / name).write_text(json.dumps(content, indent=2) + "\n")
