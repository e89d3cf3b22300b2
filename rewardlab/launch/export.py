"""`rewardlab export`: the policy of a run as a Hugging Face folder."""

import argparse
import sys
from collections.abc import Sequence

from rewardlab.runs.export import export
from rewardlab.system.files import in_a_sentence

ABOUT = """Writes the policy of a run's newest checkpoint as a Hugging Face folder.

    rewardlab export runs/smollm2 --to models/mine
    rewardlab export runs/smollm2 --to models/mine --dtype=bfloat16

config.json, weights in safetensors and the tokenizer's files: transformers, vLLM and
`--config.model.name=models/mine` read it. Adapters are merged into the weights.
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Exports and says what is where; ends with one sentence where it cannot."""
    parser = argparse.ArgumentParser(
        prog="rewardlab export",
        description=ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("run", help="the run's workdir")
    parser.add_argument("--to", required=True, help="the folder, which is new")
    parser.add_argument(
        "--dtype", default="float32", help="of the weights; or bfloat16, float16"
    )
    args = parser.parse_args(arguments)
    try:
        with in_a_sentence():
            print(export(args.run, args.to, args.dtype))
    except ValueError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
