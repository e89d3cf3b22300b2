"""The first run: a small LM learns sums, on any laptop.

    rewardlab train --config=quickstart --workdir=runs/quickstart

On two CPU cores 1:27 of warm-up and 1:45 of training. Held-out pass@1 goes from 0.30
to 0.936 [0.904, 0.968] (mean of 5 seeds with Student's 95 % interval; RESULTS.md).
"""

from ml_collections import ConfigDict

from rewardlab.runs.config import default_config, use_reward


def get_config(reward: str = "") -> ConfigDict:
    """GRPO; or, as `quickstart:pure`, another method or a sentence."""
    config = default_config()
    if reward:
        use_reward(config, reward)
    config.warmup.micro_batches = 2
    config.optim.micro_batches = 2
    config.optim.update({"lr": 2.5e-4, "schedule": "cosine"})
    config.train.max_steps = 240
    config.eval.every = 40
    return config
