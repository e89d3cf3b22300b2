"""Multi-hop search: an agent learns to look up a store hop by hop and to answer.

    rewardlab train --config=search --workdir=runs/search

Questions of 3 and 4 hops. On one CPU core about 2.5 min of warm-up and 3 of training;
held-out pass@1 goes from 0.21 to 0.918 [0.867, 0.968] (mean of 5 seeds with Student's
95 % interval; RESULTS.md), measured before `grpo` had its KL, on other held-out
problems.
"""

from ml_collections import ConfigDict

from rewardlab.runs.config import default_config, use_reward


def get_config(reward: str = "") -> ConfigDict:
    """GRPO on the outcome; or, as `search:igpo`, another reward."""
    config = default_config("search")
    if reward:
        use_reward(config, reward)
    config.task.difficulty.min_hops = 3
    config.warmup.update({"steps": 300, "micro_batches": 2})
    config.optim.micro_batches = 2
    config.optim.update({"lr": 2.5e-4, "schedule": "cosine"})
    config.train.max_steps = 140
    config.eval.every = 20
    return config
