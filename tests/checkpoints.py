"""The small checkpoints that transformers wrote, and copies of them to be spoilt."""

import json
import shutil
from pathlib import Path

from safetensors.numpy import load_file

FOLDERS = Path(__file__).parent / "golden_models"
NAMES = sorted(p.parent.name for p in FOLDERS.glob("*/config.json"))


def tensors(folder):
    """All arrays of a folder, as they lie in its files."""
    files = sorted(folder.glob("*.safetensors"))
    return {name: x for file in files for name, x in load_file(file).items()}


def copied(name, tmp_path):
    return shutil.copytree(FOLDERS / name, tmp_path / "model")


def mend(folder, **changes):
    """Its config.json with other values; `...` leaves a key out."""
    file = folder / "config.json"
    raw = {**json.loads(file.read_text()), **changes}
    file.write_text(json.dumps({k: x for k, x in raw.items() if x is not ...}))
