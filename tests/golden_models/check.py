"""Whether transformers computes the same of folders that rewardlab wrote.

    python tests/golden_models/check.py write FOLDER  # where rewardlab is installed
    python tests/golden_models/check.py load FOLDER   # where torch and transformers are

`write` exports each checkpoint of this folder twice: with its own config.json, and with
one made of its shape alone. `load` prints how far the logits are from those saved here.
"""

import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent


def write(folder: Path) -> None:
    """Every checkpoint, read and written."""
    from rewardlab.models.weights import read_config, read_weights, write_folder

    for there in sorted(file.parent for file in HERE.glob("*/config.json")):
        config = read_config(there)
        params = read_weights(there, config)
        write_folder(folder / f"{there.name}-own", config, params, there)
        write_folder(folder / f"{there.name}-new", config, params, shard=9000)


def load(folder: Path) -> None:
    """Every folder that was written, in transformers."""
    import torch
    from transformers import AutoModelForCausalLM

    for here in sorted(folder.iterdir()):
        model, told = AutoModelForCausalLM.from_pretrained(
            here, dtype=torch.float32, output_loading_info=True
        )
        assert not any(told.values()), told  # no key is missing, none is left over
        with np.load(HERE / here.name.rsplit("-", 1)[0] / "logits.npz") as saved:
            with torch.no_grad():
                logits = model.eval()(torch.tensor(saved["tokens"])).logits.numpy()
            print(here.name, f"{np.abs(logits - saved['logits']).max():.1e}")


if __name__ == "__main__":
    {"write": write, "load": load}[sys.argv[1]](Path(sys.argv[2]))
