"""A workflow with tempting pay: an agent learns to mend, and to submit.

    rewardlab train --config=workflow --workdir=runs/workflow

On one CPU core about 7 min of warm-up and 3 of training; held-out pass@1 goes from
0.40 to 0.945 [0.936, 0.954] (mean of 5 seeds with Student's 95 % interval;
RESULTS.md), measured before `grpo` had its KL, on other held-out problems.
"""

from ml_collections import ConfigDict

from rewardlab.runs.config import default_config, use_reward


def get_config(reward: str = "") -> ConfigDict:
    """GRPO on the outcome; or, as `workflow:igpo`, another reward."""
    config = default_config("workflow")
    if reward:
        use_reward(config, reward)
    config.warmup.update({"steps": 600, "micro_batches": 2})
    config.optim.micro_batches = 2
    config.optim.update({"lr": 2.5e-4, "schedule": "cosine"})
    config.train.max_steps = 100
    config.eval.every = 20
    return config
