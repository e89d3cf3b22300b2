"""The policy of a run as a Hugging Face folder."""

import tempfile
from pathlib import Path

import jax

from rewardlab.models.weights import write_folder
from rewardlab.runs.saved import policy_of_saved, saved_run
from rewardlab.system.files import short
from rewardlab.text.characters import write_characters
from rewardlab.text.tokenizers import CharTokenizer, Tokenizer


def export(run: str | Path, to: str | Path, dtype: str = "float32") -> str:
    """Writes the policy of a run's newest checkpoint; what was written, in a sentence.

    Adapters are merged into the weights. The tokenizer's files are those of the folder
    that the run began from; a tokenizer of characters is written as a tokenizer.json.
    The run may still be training. `ValueError` where there is nothing to export.
    """
    saved = saved_run(run)
    params = policy_of_saved(saved)
    with tempfile.TemporaryDirectory() as made:
        source = _texts(saved.tokenizer, Path(made))
        write_folder(to, saved.model, params, source, dtype)
    count = sum(x.size for x in jax.tree.leaves(params))
    return (
        f"the policy of {short(Path(run))} at step {saved.found.name} is in "
        f"{short(Path(to))}: "
        f"{count / 1e6:.1f} M parameters in {dtype}; transformers loads it with "
        "AutoModelForCausalLM.from_pretrained"
    )


def _texts(tokenizer: Tokenizer, made: Path) -> Path | None:
    """The folder with the tokenizer's files; None for one that has no files."""
    if isinstance(tokenizer, CharTokenizer):
        write_characters(tokenizer, made)
        return made
    folder = getattr(tokenizer, "folder", None)
    return Path(folder) if folder else None
