"""A thinker and a solver: two agents of one policy learn to add together.

    rewardlab train --config=think_solve --workdir=runs/think_solve
    rewardlab train --config=think_solve:dr_mas --workdir=runs/dr_mas

How far it gets has not been measured.
"""

from ml_collections import ConfigDict

from rewardlab.runs.config import default_config, use_reward


def get_config(reward: str = "") -> ConfigDict:
    """GRPO on the outcome; or, as `think_solve:dr_mas`, another reward."""
    config = default_config("think_solve")
    if reward:
        use_reward(config, reward)
    config.warmup.update({"steps": 600, "micro_batches": 2})
    config.optim.micro_batches = 2
    config.optim.update({"lr": 2.5e-4, "schedule": "cosine"})
    config.train.max_steps = 100
    config.eval.every = 20
    return config
