"""The first run: a small LM learns sums, on any laptop.

    python -m experiments.train --config=experiments/configs/quickstart.py \
        --workdir=runs/quickstart
"""

from ml_collections import ConfigDict

from rewardlab.config import default_config


def get_config(reward: str = "grpo") -> ConfigDict:
    """The quick start with a method's name or a sentence: `quickstart.py:pure`."""
    config = default_config()
    config.reward = reward
    config.mesh.devices = 2
    config.loss.micro_batches = 4
    config.warmup.micro_batches = 4
    return config
