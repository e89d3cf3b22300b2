"""Logits of SmolLM2-135M-Instruct as transformers computes them from its GGUF file.

    python tests/golden_models/make_smollm2.py FILE.gguf

It needs torch, transformers and gguf, which the suite does not. Of [29, 49152] logits
it keeps those of every 768th word, their log-sum-exp and the largest, by position.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModelForCausalLM

# "<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n",
# then "The capital of France is Paris.<|im_end|>\n" and a little more.
TOKENS = [
    *(1, 4093, 198, 1780, 314, 260, 3575, 282, 4649, 47, 2, 198, 1, 520, 9531, 198),
    *(504, 3575, 282, 4649, 314, 7042, 30, 2, 198, 1, 4093, 198, 1780),
]


def main(file: Path) -> None:
    """Writes smollm2.npz beside this script."""
    model = AutoModelForCausalLM.from_pretrained(
        file.parent, gguf_file=file.name, dtype=torch.float32
    ).eval()
    with torch.no_grad():
        logits = model(torch.tensor([TOKENS])).logits[0]
    np.savez(
        Path(__file__).with_name("smollm2.npz"),
        tokens=np.array(TOKENS),
        logits=logits[:, ::768].numpy(),
        mass=torch.logsumexp(logits, -1).numpy(),
        largest=logits.argmax(-1).numpy(),
    )
    print(logits.shape, f"deviation {logits.std():.2f}", logits.argmax(-1).tolist())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
